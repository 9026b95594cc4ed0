import { expect, test } from 'vitest'
import type { NetworkClient } from '../../src/network/network-client.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/apis/incremental-alter-configs.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'

const SETTINGS = {
  'log.cleanup.policy': 'compact',
  'log.roll.ms': '1000',
  'log.cleaner.min.cleanable.ratio': '0.01',
}

async function produceKeyed(broker: BrokerUnderTest, client: NetworkClient, key: string | null, value: string) {
  const timestamp = broker.runtime.clock.wallMs()
  const record = { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), timestamp }
  const partitionData = [{ index: 0, records: buildBatch({ records: [record] }) }]
  const body = { acks: -1, timeoutMs: 30_000, topicData: [{ name: 'orders', partitionData }] }
  const response = await broker.run(() => client.send(Produce, 9, body))
  return response.responses[0]?.partitionResponses[0]
}

/** Records whose segments are closed, one a second. */
async function produceAll(broker: BrokerUnderTest, client: NetworkClient): Promise<void> {
  for (const [key, value] of [
    ['a', 'a1'],
    ['b', 'b1'],
    ['a', 'a2'],
    ['a', 'a3'],
    ['b', 'b2'],
    ['c', 'c1'],
  ] as const) {
    expect((await produceKeyed(broker, client, key, value))?.errorCode).toBe(ErrorCode.NONE)
    await broker.runtime.advance(2000)
  }
}

/** All values of the topic; a fetch gives those of one segment. */
async function consumeAll(broker: BrokerUnderTest, client: NetworkClient): Promise<string[]> {
  const found = new Set<string>()
  for (let offset = 0; offset < 6; offset++) {
    for (const value of await broker.consume(client, 'orders', offset)) found.add(value)
  }
  return [...found]
}

test('a broker cleans compacted topics, tells so, and finds them cleaned after a restart', async () => {
  const broker = await BrokerUnderTest.started({ config: SETTINGS })
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  await produceAll(broker, client)
  await broker.runtime.advance(15_000)

  expect(await consumeAll(broker, client)).toEqual(['a3', 'b2', 'c1'])
  expect(await broker.consume(client, 'orders', 2)).toEqual(['a3', 'b2'])
  const { metrics } = broker.server.broker ?? {}
  expect(metrics?.value('kafka.log:type=LogCleaner,name=cleaner-recopy-percent')).toBeLessThan(100)
  expect(metrics?.value('kafka.log:type=LogCleanerManager,name=uncleanable-partitions-count,logDirectory=data')).toBe(0)
  await broker.stop()
  expect(broker.runtime.waiting).toEqual([])

  const next = await BrokerUnderTest.started({ config: SETTINGS, disk: broker.runtime.disk })
  expect(await consumeAll(next, await next.connect())).toEqual(['a3', 'b2', 'c1'])
  await next.stop()
})

test('a compacted topic refuses records without a key', async () => {
  const broker = await BrokerUnderTest.started({ config: SETTINGS })
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const refused = await produceKeyed(broker, client, null, 'x')
  expect(refused?.errorCode).toBe(ErrorCode.INVALID_RECORD)
  expect(refused?.recordErrors[0]?.batchIndexErrorMessage).toContain('without a key')
  expect(await consumeAll(broker, client)).toEqual([])
  await broker.stop()
})

test('a topic that is made compacted is cleaned from then on', async () => {
  const broker = await BrokerUnderTest.started({ config: { ...SETTINGS, 'log.cleanup.policy': 'delete' } })
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  await produceAll(broker, client)
  await broker.runtime.advance(30_000)
  expect(await consumeAll(broker, client)).toHaveLength(6)
  const configs = [{ name: 'cleanup.policy', configOperation: 0, value: 'compact' }]
  const resources = [{ resourceType: 2, resourceName: 'orders', configs }]
  await broker.run(() => client.send(IncrementalAlterConfigs, 1, { resources, validateOnly: false }))
  await broker.runtime.advance(16_000)
  expect(await consumeAll(broker, client)).toEqual(['a3', 'b2', 'c1'])
  await broker.stop()
})

test('log.cleaner.enable=false leaves compacted topics as they are', async () => {
  const broker = await BrokerUnderTest.started({ config: { ...SETTINGS, 'log.cleaner.enable': 'false' } })
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  await produceAll(broker, client)
  await broker.runtime.advance(60_000)
  expect(await consumeAll(broker, client)).toHaveLength(6)
  await broker.stop()
})
