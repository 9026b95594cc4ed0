import { describe, expect, test } from 'vitest'
import { ApiVersions } from '../../src/protocol/apis/api-versions.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'
import { BAD_RECORDS, BOMBS, GOLDEN_REQUESTS, produceFrame, requestFrame, sized } from '../support/hostile-frames.ts'
import { WireClient } from '../support/wire-client.ts'

const TOPIC = 'orders'
const MAX_REQUEST_BYTES = 100 * 1024 * 1024
const MAX_IDLE_MS = 600_000
const HEADER = { correlationId: 7, clientId: 'test' }
const GOOD_RECORDS = buildBatch({ records: [{ value: Buffer.from('good'), timestamp: 1_700_000_000_000 }] })

/** A broker with the topic `orders`, a client that behaves, and one that does not. */
async function started(config: Readonly<Record<string, string>> = {}) {
  const broker = await BrokerUnderTest.started({ config })
  const client = await broker.connect()
  await broker.createTopic(client, TOPIC)
  return { broker, client, hostile: await hostileConnection(broker) }
}

function hostileConnection(broker: BrokerUnderTest): Promise<WireClient> {
  return WireClient.connect(broker.runtime, broker.server.boundPort())
}

async function expectClosedWithoutAnswer(bytes: Buffer): Promise<void> {
  const { broker, client, hostile } = await started()

  hostile.sendBytes(bytes)
  await broker.runtime.settle()

  expect(hostile.ending).toBeDefined()
  expect(hostile.hasFrame).toBe(false)
  expect(await broker.produce(client, TOPIC, ['still served'])).toMatchObject({ errorCode: 0, baseOffset: 0 })
  await broker.stop()
}

describe('the connection is closed at once and without an answer after', () => {
  test.each([-1, -2_147_483_648, MAX_REQUEST_BYTES + 1, 2_147_483_647])(
    'the size of a frame of %d bytes, of which none has come',
    size => expectClosedWithoutAnswer(sized(Buffer.alloc(0), size)),
  )

  test.each([0, 1, 3, 7])('a frame of %d bytes, which is no header', length =>
    expectClosedWithoutAnswer(sized(Buffer.alloc(length))),
  )

  test.each([
    ['that does not exist', 999, 0],
    ['with a negative number', -1, 0],
    ['that was removed in 4.0', 6, 0],
    ['that only controllers serve', 62, 0],
    ['in a version that is advertised but no longer served', 0, 2],
    ['in a version of the future', 0, 14],
    ['in a version that was removed in 4.0', 1, 3],
    ['in a negative version', 3, -1],
  ])('a request of an API %s', (_, apiKey, version) => expectClosedWithoutAnswer(sized(requestFrame(apiKey, version))))

  test('a client id longer than its frame', () => {
    const frame = requestFrame(3, 4)
    frame.writeInt16BE(1_000, 8)
    return expectClosedWithoutAnswer(sized(frame))
  })

  test('a body that ends too early', () => {
    const frame = encodeRequest(Metadata, 9, HEADER, { topics: [{ name: TOPIC }] })
    return expectClosedWithoutAnswer(sized(frame.subarray(0, frame.length - 3)))
  })

  test('an array of 2^31 - 1 elements of which none is there', () => {
    const count = Buffer.from([0x7f, 0xff, 0xff, 0xff])
    return expectClosedWithoutAnswer(sized(requestFrame(Metadata.key, 4, count)))
  })

  test('bytes of another protocol', () =>
    expectClosedWithoutAnswer(Buffer.from('GET / HTTP/1.1\r\nHost: broker\r\n\r\n'.repeat(1_000))))
})

describe('a request is answered and the connection lives on after', () => {
  test.each([5, 99, 32_767, -1])('ApiVersions in version %d, which is told the versions there are', async version => {
    const { broker, hostile } = await started()

    // Headers of versions from 3 on end with a count of tagged fields, here none.
    hostile.sendFrame(requestFrame(ApiVersions.key, version, Buffer.from('\0of whatever form the future has')))
    await broker.runtime.settle()

    const { correlationId, body } = decodeResponse(ApiVersions, 0, await hostile.receiveFrame())
    expect({ correlationId, body }).toMatchObject({
      correlationId: 7,
      body: { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] },
    })
    expect(await broker.run(() => hostile.request(ApiVersions, 0, {}))).toMatchObject({ errorCode: 0 })
    await broker.stop()
  })

  test('ApiVersions of a client whose name is none', async () => {
    const { broker, hostile } = await started()
    const ask = (clientSoftwareName: string) =>
      broker.run(() => hostile.request(ApiVersions, 3, { clientSoftwareName, clientSoftwareVersion: '1.0' }))

    expect(await ask('-evil-')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST })
    expect(await ask('good')).toMatchObject({ errorCode: 0 })
    await broker.stop()
  })

  test('bytes beyond the end of the body, which nobody reads', async () => {
    const { broker, hostile } = await started()
    const frame = encodeRequest(Metadata, 4, HEADER, { topics: [] })

    hostile.sendFrame(Buffer.concat([frame, Buffer.alloc(1_000, 0xff)]))
    await broker.runtime.settle()

    expect(await broker.run(() => hostile.receive(Metadata, 4))).toMatchObject({ correlationId: 7 })
    expect(hostile.ending).toBeUndefined()
    await broker.stop()
  })

  test('a Produce request that asks for two acknowledgements', async () => {
    const { broker, hostile } = await started()

    const response = await broker.run(() => produce(hostile, GOOD_RECORDS, 2))

    expect(response).toMatchObject({ errorCode: ErrorCode.INVALID_REQUIRED_ACKS, baseOffset: -1 })
    expect(hostile.ending).toBeUndefined()
    await broker.stop()
  })
})

async function produce(hostile: WireClient, records: Buffer | null, acks = -1) {
  hostile.sendFrame(produceFrame(records, { topic: TOPIC, acks }))
  const { body } = await hostile.receive(Produce, 9)
  return body.responses[0]?.partitionResponses[0]
}

describe('Produce with', () => {
  test.each(BAD_RECORDS)('$name is refused with error $errorCode, nothing is appended', async bad => {
    const { broker, client, hostile } = await started()

    const refused = await broker.run(() => produce(hostile, bad.records()))

    expect(refused).toMatchObject({ errorCode: bad.errorCode, baseOffset: -1 })
    expect(await broker.run(() => produce(hostile, GOOD_RECORDS))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await broker.consume(client, TOPIC)).toEqual(['good'])
    await broker.stop()
  })

  test.each(BAD_RECORDS)('$name and acks=0 has its connection closed, nothing is appended', async bad => {
    const { broker, client, hostile } = await started()

    hostile.sendFrame(produceFrame(bad.records(), { topic: TOPIC, acks: 0 }))
    hostile.sendFrame(produceFrame(GOOD_RECORDS, { topic: TOPIC, acks: 0 }))
    await broker.run(() => hostile.awaitEnding())

    expect(hostile.hasFrame).toBe(false)
    expect(await broker.consume(client, TOPIC)).toEqual([])
    await broker.stop()
  })

  test.each(BOMBS)('$name is refused with error $errorCode, nothing is appended', async bomb => {
    const { broker, client, hostile } = await started()

    const refused = await broker.run(() => produce(hostile, bomb.records()))

    expect(refused).toMatchObject({ errorCode: bomb.errorCode, baseOffset: -1 })
    expect(await broker.consume(client, TOPIC)).toEqual([])
    await broker.stop()
  })

  test('a good and a bad partition appends the good one', async () => {
    const { broker, client, hostile } = await started()
    const partitionData = [
      { index: 0, records: GOOD_RECORDS },
      { index: 1, records: GOOD_RECORDS },
    ]

    const body = { acks: -1, timeoutMs: 1_000, topicData: [{ name: TOPIC, partitionData }] }
    const { responses } = await broker.run(() => hostile.request(Produce, 9, body))

    const codes = responses[0]?.partitionResponses.map(({ index, errorCode }) => [index, errorCode])
    expect(codes?.sort()).toEqual([
      [0, 0],
      [1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ])
    expect(await broker.consume(client, TOPIC)).toEqual(['good'])
    await broker.stop()
  })
})

describe('a peer that goes away', () => {
  test('inside a request of any client leaves nothing behind', async () => {
    const { broker } = await started()

    for (const { name, frame } of GOLDEN_REQUESTS) {
      const hostile = await hostileConnection(broker)
      const bytes = sized(frame)
      hostile.sendBytes(bytes.subarray(0, bytes.length - 1))
      hostile.connection.end()
      await broker.runtime.settle()
      expect([name, hostile.ending, hostile.hasFrame]).toEqual([name, 'end of stream', false])
    }

    expect(broker.server.inspect()).toMatchObject({ requestQueueSize: 0, delayedFetches: 0 })
    expect(broker.server.inspect().connectionCount).toBeLessThanOrEqual(2) // those of `started`
    await broker.stop()
  })

  test('after whole requests has them all handled, answered in order, and then ended', async () => {
    const { broker, client, hostile } = await started()

    for (let count = 0; count < 3; count++) hostile.sendFrame(produceFrame(GOOD_RECORDS, { topic: TOPIC, acks: 1 }))
    hostile.connection.end()
    const offsets: unknown[] = []
    for (let count = 0; count < 3; count++) {
      const { body } = await broker.run(() => hostile.receive(Produce, 9))
      offsets.push(body.responses[0]?.partitionResponses[0]?.baseOffset)
    }

    expect(offsets).toEqual([0, 1, 2])
    expect(await broker.run(() => hostile.awaitEnding())).toBe('end of stream')
    expect(await broker.consume(client, TOPIC)).toEqual(['good', 'good', 'good'])
    await broker.stop()
  })
})

describe('connections.max.idle.ms', () => {
  test.each([
    ['that says nothing', Buffer.alloc(0)],
    ['that announces a frame and sends no byte of it', sized(Buffer.alloc(0), MAX_REQUEST_BYTES)],
    ['that stops inside a frame', sized(requestFrame(3, 4), 1_000)],
    ['whose last request was answered', sized(requestFrame(ApiVersions.key, 0))],
  ])('closes the connection of a peer %s', async (_, bytes) => {
    const { broker, hostile } = await started()
    hostile.sendBytes(bytes)

    await broker.runtime.advance(MAX_IDLE_MS - 1)
    const endingBefore = hostile.ending
    await broker.runtime.advance(2)

    expect(endingBefore).toBeUndefined()
    expect(hostile.ending).toBe('end of stream')
    expect(broker.server.inspect().connectionCount).toBe(0)
    await broker.stop()
  })

  test('closes the connection of a peer that sends requests and reads no answer', async () => {
    const { broker, hostile } = await started()
    hostile.stopReading()
    const request = sized(requestFrame(ApiVersions.key, 0))

    hostile.sendBytes(Buffer.concat(Array.from({ length: 5_000 }, () => request)))
    await broker.runtime.settle()
    const connectionsBefore = broker.server.inspect().connectionCount
    await broker.runtime.advance(MAX_IDLE_MS + 1)

    expect(connectionsBefore).toBe(2)
    expect(broker.server.inspect()).toMatchObject({ connectionCount: 0, requestQueueSize: 0 })
    await broker.stop()
  })

  test('does not close the connection of a peer that sends a byte now and then', async () => {
    const { broker, hostile } = await started()
    const bytes = sized(requestFrame(ApiVersions.key, 0))

    for (const byte of bytes) {
      await broker.runtime.advance(MAX_IDLE_MS - 1)
      hostile.sendBytes(Buffer.from([byte]))
    }

    expect(await broker.run(() => hostile.receive(ApiVersions, 0))).toMatchObject({ body: { errorCode: 0 } })
    await broker.stop()
  })
})

describe('memory for requests', () => {
  test('is taken for bytes that have come, not for those announced', async () => {
    const { broker } = await started()
    const peers = await Promise.all(Array.from({ length: 200 }, () => hostileConnection(broker)))
    const before = process.memoryUsage().external

    for (const peer of peers) peer.sendBytes(sized(Buffer.from('x'), MAX_REQUEST_BYTES))
    await broker.runtime.settle()

    const announced = peers.length * MAX_REQUEST_BYTES
    expect(broker.server.inspect().connectionCount).toBe(peers.length + 2)
    expect(process.memoryUsage().external - before).toBeLessThan(announced / 500)
    await broker.stop()
  })

  // Others wait meanwhile: that is what `queued.max.request.bytes` means in Kafka too.
  test('that a peer has booked and does not use is free again when its idle connection is closed', async () => {
    const { broker, client, hostile } = await started({ 'queued.max.request.bytes': `${MAX_REQUEST_BYTES}` })
    const used = () => broker.server.metrics.value('kafka.network:type=SocketServer,name=MemoryPoolUsed')

    hostile.sendBytes(sized(Buffer.from('x'), MAX_REQUEST_BYTES))
    await broker.runtime.settle()
    const usedBefore = used()
    await broker.runtime.advance(1_000)
    const answer = await broker.run(() => client.send(Metadata, 9, { topics: [] }, { timeoutMs: MAX_IDLE_MS }))

    expect(usedBefore).toBe(MAX_REQUEST_BYTES)
    expect(answer.brokers).toHaveLength(1)
    expect(hostile.ending).toBe('end of stream')
    expect(used()).toBe(0)
    await broker.stop()
  })
})
