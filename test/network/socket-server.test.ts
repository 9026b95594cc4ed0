import { expect, test } from 'vitest'
import type { Request } from '../../src/network/request.ts'
import type { RequestObserver } from '../../src/network/request-observer.ts'
import { ApiVersions } from '../../src/protocol/apis/api-versions.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import { ServerUnderTest } from '../support/server-under-test.ts'

test('a request is answered with its correlation id', async () => {
  const bench = await ServerUnderTest.started()
  const client = await bench.connect()

  client.send(ApiVersions, 2, {}, 77)
  await bench.runtime.settle()

  expect(await client.receive(ApiVersions, 2)).toMatchObject({ correlationId: 77, body: { errorCode: 0 } })
  expect(bench.metrics.value('kafka.network:type=RequestMetrics,name=TotalTimeMs,request=ApiVersions')).toBe(1)
  await bench.stop()
})

test('pipelined requests of one connection are handled one at a time and answered in order', async () => {
  const bench = await ServerUnderTest.started({ numIoThreads: 8 })
  const client = await bench.connect()
  bench.closeGate()

  for (let id = 1; id <= 5; id++) client.send(ApiVersions, 2, {}, id)
  await bench.runtime.settle()
  const handledAtGate = [...bench.handled]
  bench.openGate()
  await bench.runtime.settle()

  expect(handledAtGate).toEqual([1])
  for (let id = 1; id <= 5; id++) expect((await client.receive(ApiVersions, 2)).correlationId).toBe(id)
  await bench.stop()
})

test('a parked request of one connection does not hold up another connection', async () => {
  const bench = await ServerUnderTest.started({ numIoThreads: 2 })
  const parked = await bench.connect()
  const other = await bench.connect()
  bench.closeGate()
  parked.send(ApiVersions, 2, {}, 1)
  await bench.runtime.settle()

  other.send(ApiVersions, 2, {}, 2)
  await bench.runtime.settle()

  expect(bench.handled).toEqual([1, 2])
  bench.openGate()
  await bench.stop()
})

test('a full request queue blocks the processor, and nothing is lost when it moves on', async () => {
  const bench = await ServerUnderTest.started({ queuedMaxRequests: 2, numIoThreads: 1 })
  const clients = await Promise.all(Array.from({ length: 6 }, () => bench.connect()))
  bench.closeGate()

  for (const [index, client] of clients.entries()) client.send(ApiVersions, 2, {}, index)
  await bench.runtime.settle()
  const queued = bench.metrics.value('kafka.network:type=RequestChannel,name=RequestQueueSize')
  const late = await bench.connect()
  late.send(ApiVersions, 2, {}, 99)
  await bench.runtime.settle()
  const waiting = bench.runtime.waiting.filter(reason => reason.includes('requestQueue full'))
  bench.openGate()
  await bench.runtime.settle()

  expect(queued).toBe(2)
  expect(waiting).toHaveLength(1)
  for (const client of [...clients, late]) expect(client.hasFrame).toBe(true)
  expect([...bench.handled].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 99])
  await bench.stop()
})

test('ApiVersions in an unknown version reaches the handler, to be answered in version 0', async () => {
  const bench = await ServerUnderTest.started()
  const client = await bench.connect()
  const frame = encodeRequest(ApiVersions, 4, { correlationId: 5, clientId: 'x' }, {})
  frame.writeInt16BE(99, 2)

  client.sendFrame(frame)
  await bench.runtime.settle()

  expect((await client.receive(ApiVersions, 0)).correlationId).toBe(5)
  await bench.stop()
})

test.each([
  ['an unsupported version of any other API', Buffer.from('0003006300000001ffff', 'hex')],
  ['an unknown API key', Buffer.from('03e7000000000001ffff', 'hex')],
  ['a header that is cut off', Buffer.from('00', 'hex')],
  ['a frame without bytes', Buffer.alloc(0)],
  [
    'a body that is cut off',
    encodeRequest(Metadata, 9, { correlationId: 1, clientId: 'x' }, { topics: [] }).subarray(0, 14),
  ],
])('%s closes the connection', async (_, frame) => {
  const bench = await ServerUnderTest.started()
  const client = await bench.connect()

  client.sendFrame(frame)
  await bench.runtime.settle()

  expect(client.ending).toBeDefined()
  expect(bench.server.connectionCount).toBe(0)
  await bench.stop()
})

test.each([
  ['larger than socket.request.max.bytes', 1001],
  ['negative', -1],
])('an announced frame size that is %s closes the connection', async (_, size) => {
  const bench = await ServerUnderTest.started({ socketRequestMaxBytes: 1000 })
  const client = await bench.connect()
  const header = Buffer.alloc(4)
  header.writeInt32BE(size)

  client.sendBytes(header)
  await bench.runtime.settle()

  expect(client.ending).toBeDefined()
  await bench.stop()
})

test('a connection on which nothing happens is closed after connections.max.idle.ms, others stay', async () => {
  const bench = await ServerUnderTest.started({ connectionsMaxIdleMs: 10_000 })
  const idle = await bench.connect()
  const busy = await bench.connect()
  await bench.runtime.advance(6_000)
  busy.send(ApiVersions, 2, {})

  await bench.runtime.advance(6_000)

  expect(idle.ending).toBeDefined()
  expect(busy.ending).toBeUndefined()
  expect(bench.metrics.value('kafka.network:type=SocketServer,name=ExpiredConnectionsKilledCount')).toBe(1)
  await bench.runtime.advance(10_000)
  expect(busy.ending).toBeDefined()
  await bench.stop()
})

test('an idle server fires no timers but the idle expiry', async () => {
  const bench = await ServerUnderTest.started({ connectionsMaxIdleMs: 600_000 })
  const client = await bench.connect()
  client.send(ApiVersions, 2, {})
  await bench.runtime.settle()
  const firedBefore = bench.runtime.firedTimers

  await bench.runtime.advance(500_000)

  expect(bench.runtime.firedTimers).toBe(firedBefore)
  await bench.stop()
})

test('a peer that does not read its answers stalls only itself', async () => {
  const bench = await ServerUnderTest.started()
  const deaf = await bench.connect()
  const other = await bench.connect()
  deaf.stopReading()
  for (let id = 0; id < 20_000; id++) deaf.send(ApiVersions, 2, {}, id)
  await bench.runtime.settle()

  other.send(ApiVersions, 2, {}, 1)
  await bench.runtime.settle()

  expect(other.hasFrame).toBe(true)
  expect(bench.handled.length).toBeLessThan(20_000)
  await bench.stop()
})

test('a lost response leaves the connection open and silent, a delayed one comes later', async () => {
  const stages: string[] = []
  const observer: RequestObserver = {
    onRequest: (info, stage) => stages.push(`${info.apiName} ${info.nth} ${stage}`),
    onResponse: info => (info.nth === 1 ? 'drop' : info.nth === 2 ? { delayMs: 500 } : 'send'),
  }
  const bench = await ServerUnderTest.started({ observer })
  const unlucky = await bench.connect()
  unlucky.send(ApiVersions, 2, {}, 1)
  await bench.runtime.settle()
  const slow = await bench.connect()
  slow.send(ApiVersions, 2, {}, 2)
  await bench.runtime.advance(499)
  const early = slow.hasFrame
  await bench.runtime.advance(1)

  expect(unlucky.hasFrame).toBe(false)
  expect(unlucky.ending).toBeUndefined()
  expect(early).toBe(false)
  expect(slow.hasFrame).toBe(true)
  expect(stages.slice(0, 3)).toEqual(['ApiVersions 1 received', 'ApiVersions 1 dequeued', 'ApiVersions 1 handled'])
  await bench.stop()
})

test('a peer that has ended its direction still gets the answers to all that it sent before', async () => {
  const bench = await ServerUnderTest.started()
  const client = await bench.connect()
  for (let id = 1; id <= 3; id++) client.send(ApiVersions, 2, {}, id)

  client.connection.end()
  await bench.runtime.settle()

  for (let id = 1; id <= 3; id++) expect((await client.receive(ApiVersions, 2)).correlationId).toBe(id)
  expect(client.ending).toBe('end of stream')
  expect(bench.server.connectionCount).toBe(0)
  await bench.stop()
})

test('a peer that breaks off while its request is handled takes nothing with it', async () => {
  const bench = await ServerUnderTest.started()
  const client = await bench.connect()
  bench.closeGate()
  client.send(ApiVersions, 2, {}, 1)
  await bench.runtime.settle()

  client.connection.reset()
  await bench.runtime.settle()
  const countedMeanwhile = bench.server.connectionCount
  bench.openGate()
  await bench.runtime.settle()

  // The channel is muted: as in Kafka, the end is noticed when the answer is to be sent.
  expect(countedMeanwhile).toBe(1)
  expect(bench.server.connectionCount).toBe(0)
  await bench.stop()
})

test('a connection that expires while its request is handled is closed at once, and its answer dropped', async () => {
  const bench = await ServerUnderTest.started({ connectionsMaxIdleMs: 1_000 })
  const client = await bench.connect()
  bench.closeGate()
  client.send(ApiVersions, 2, {}, 1)

  await bench.runtime.advance(5_000)
  const endingMeanwhile = client.ending
  bench.openGate()
  await bench.runtime.settle()

  expect(endingMeanwhile).toBeDefined()
  expect(client.hasFrame).toBe(false)
  expect(bench.server.connectionCount).toBe(0)
  await bench.stop()
})

test('a throttled connection is answered at once, and read again when the throttle ends', async () => {
  const bench = await ServerUnderTest.started()
  const { requestChannel } = bench.server
  const throttled: Request[] = []
  bench.onRequest = request => {
    if (request.header.correlationId !== 1) return
    throttled.push(request)
    requestChannel.startThrottling(request)
  }
  const client = await bench.connect()
  client.send(ApiVersions, 2, {}, 1)
  client.send(ApiVersions, 2, {}, 2)
  await bench.runtime.settle()
  const handledThrottled = [...bench.handled]
  const answered = (await client.receive(ApiVersions, 2)).correlationId

  for (const request of throttled) requestChannel.endThrottling(request)
  await bench.runtime.settle()

  expect(handledThrottled).toEqual([1])
  expect(answered).toBe(1)
  expect(bench.handled).toEqual([1, 2])
  await bench.stop()
})

test('work that continues a request is taken before requests that wait', async () => {
  const bench = await ServerUnderTest.started({ numIoThreads: 1 })
  const order: string[] = []
  const requests: Request[] = []
  bench.onRequest = request => {
    requests.push(request)
    order.push(`request ${request.header.correlationId}`)
  }
  bench.closeGate()
  const clients = [await bench.connect(), await bench.connect()]
  for (const [index, client] of clients.entries()) client.send(ApiVersions, 2, {}, index)
  await bench.runtime.settle()

  const [request] = requests
  if (request === undefined) throw new Error('no request came')
  const run = () => {
    order.push('callback')
  }
  await bench.server.requestChannel.sendCallbackRequest({ kind: 'callback', request, run })
  bench.openGate()
  await bench.runtime.settle()

  expect(order.map(entry => entry.split(' ')[0])).toEqual(['request', 'callback', 'request'])
  await bench.stop()
})

test('stopping closes every connection and ends every thread', async () => {
  const bench = await ServerUnderTest.started()
  const clients = await Promise.all(Array.from({ length: 5 }, () => bench.connect()))
  await bench.runtime.settle()

  await bench.runtime.run(() => bench.stop())
  await bench.runtime.settle()

  for (const client of clients) expect(client.ending).toBeDefined()
  expect(bench.server.connectionCount).toBe(0)
  expect(bench.runtime.waiting.filter(reason => reason !== 'WireClient')).toEqual([])
  expect(bench.runtime.pendingTimers).toBe(0)
})

test('a port that is taken fails the start and closes the listeners opened before', async () => {
  const bench = new ServerUnderTest({
    listeners: [
      { name: 'A', host: '127.0.0.1', port: 9092 },
      { name: 'B', host: '127.0.0.1', port: 9093 },
    ],
  })
  const { network } = bench.runtime
  await network.listen({ host: '127.0.0.1', port: 9093, backlog: 1 })

  await bench.server.bind()
  await expect(bench.server.enableRequestProcessing()).rejects.toMatchObject({ code: 'EADDRINUSE' })

  await expect(network.connect({ host: '127.0.0.1', port: 9092 })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
