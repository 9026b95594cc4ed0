import { expect, test } from 'vitest'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { DiskErrorCode } from '../../src/runtime/disk.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'

const isLogOf = (topic: string) => (path: string) => path.includes(`${topic}-`) && path.endsWith('.log')

test('an I/O error on the only log directory is answered as such and halts the broker', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  await broker.produce(client, 'orders', ['kept'])
  fail(broker, 'EIO', isLogOf('orders'))

  const result = await broker.produce(client, 'orders', ['lost'])

  expect(result.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  expect(broker.halts).toEqual([expect.stringContaining('EIO')])
  expect(broker.server.haltReason).toBe(broker.halts[0])
  await broker.stop()
})

test('after a halt for a full disk the broker starts again, with all that was acknowledged', async () => {
  const first = await BrokerUnderTest.started()
  const client = await first.connect()
  await first.createTopic(client, 'orders')
  await first.produce(client, 'orders', ['kept'])
  fail(first, 'ENOSPC', isLogOf('orders'))
  await first.produce(client, 'orders', ['lost'])
  await first.stop()
  first.runtime.disk.fault = undefined

  const second = await BrokerUnderTest.started({ disk: first.runtime.disk })
  const reader = await second.connect()

  expect(await second.consume(reader, 'orders')).toEqual(['kept'])
  await second.stop()
})

test('with two log directories the failure of one leaves the other in service', async () => {
  const broker = await BrokerUnderTest.started({ config: { 'log.dirs': 'data,more' } })
  const client = await broker.connect()
  await broker.createTopic(client, 'orders', 2)
  fail(broker, 'EIO', path => path.startsWith('more/') && path.endsWith('.log'))

  const codes = [0, 1].map(async partition => (await broker.produce(client, 'orders', ['x'], { partition })).errorCode)
  const settled = [await codes[0], await codes[1]].sort((a, b) => (a ?? 0) - (b ?? 0))
  await broker.runtime.advance(100)

  expect(settled).toEqual([ErrorCode.NONE, ErrorCode.KAFKA_STORAGE_ERROR])
  expect(broker.halts).toEqual([])
  expect(broker.server.state).toBe('RUNNING')
  await broker.stop()
})

test.each([
  [5, ErrorCode.NOT_LEADER_OR_FOLLOWER],
  [6, ErrorCode.KAFKA_STORAGE_ERROR],
])('a fetch of version %i from a failed log directory is answered with an error it knows', async (version, code) => {
  const broker = await BrokerUnderTest.started({ config: { 'log.dirs': 'data,more' } })
  const client = await broker.connect()
  await broker.createTopic(client, 'orders', 2)
  fail(broker, 'EIO', path => path.startsWith('more/') && path.endsWith('.log'))
  for (const partition of [0, 1]) await broker.produce(client, 'orders', ['x'], { partition })

  const partitions = [0, 1].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
  const body = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: 'orders', partitions }] }
  const { responses } = await broker.run(() => client.send(Fetch, version, body))

  const codes = responses.flatMap(topic => topic.partitions.map(({ errorCode }) => errorCode))
  expect(codes.sort((a, b) => a - b)).toEqual([ErrorCode.NONE, code])
  await broker.stop()
})

test('a metadata log that cannot be written halts the broker', async () => {
  const broker = await BrokerUnderTest.started()
  fail(broker, 'EIO', path => path.includes('__cluster_metadata'))

  await broker.runtime.advance(2_000)

  expect(broker.halts).toEqual([expect.stringContaining('metadata log')])
  await broker.stop()
})

test('a disk that fails while the broker starts stops the start', async () => {
  const first = await BrokerUnderTest.started()
  const client = await first.connect()
  await first.createTopic(client, 'orders')
  await first.stop()
  first.runtime.disk.fault = (_, path) => (path.includes('orders-0') ? 'EIO' : undefined)
  const second = new BrokerUnderTest({ disk: first.runtime.disk })

  await expect(second.run(() => second.server.startup())).rejects.toThrow('EIO')

  await second.stop()
})

test('a port that is taken stops the start, and leaves nothing running', async () => {
  const broker = new BrokerUnderTest({
    config: { listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093' },
  })
  await broker.runtime.network.listen({ host: '127.0.0.1', port: 9092, backlog: 1 })

  await expect(broker.run(() => broker.server.startup())).rejects.toMatchObject({ code: 'EADDRINUSE' })

  await broker.stop()
  expect(broker.runtime.pendingTimers).toBe(0)
  expect(broker.runtime.waiting).toEqual([])
})

test('a running broker without clients does little more than its heartbeats', async () => {
  const broker = await BrokerUnderTest.started({ config: { 'metadata.max.idle.interval.ms': '0' } })
  await broker.runtime.advance(120_000)
  const before = broker.runtime.firedTimers

  await broker.runtime.advance(600_000)

  // A heartbeat every 2 s, high watermarks every 5 s, checkpoints every minute, retention every 5 minutes.
  expect(broker.runtime.firedTimers - before).toBeLessThan(600)
  await broker.stop()
})

test('clients that are cut off in the middle of anything leave nothing behind', async () => {
  const broker = await BrokerUnderTest.started()
  for (let round = 0; round < 20; round++) {
    const client = await broker.connect()
    const asked = client.send(Metadata, 9, { topics: null }).catch(() => undefined)
    client.close()
    await broker.run(() => asked.then(() => undefined))
  }
  await broker.runtime.advance(10)

  expect(broker.server.inspect()).toMatchObject({ connectionCount: 0, requestQueueSize: 0 })
  await broker.stop()
})

function fail(broker: BrokerUnderTest, code: DiskErrorCode, matches: (path: string) => boolean): void {
  broker.runtime.disk.fault = (operation, path) => {
    const writes = operation === 'append' || operation === 'sync'
    return writes && matches(path) ? code : undefined
  }
}
