import { expect, test, vi } from 'vitest'
import { ApiVersions } from '../../src/protocol/apis/api-versions.ts'
import { CreatePartitions } from '../../src/protocol/apis/create-partitions.ts'
import { DeleteRecords } from '../../src/protocol/apis/delete-records.ts'
import { DeleteTopics } from '../../src/protocol/apis/delete-topics.ts'
import { DescribeCluster } from '../../src/protocol/apis/describe-cluster.ts'
import { DescribeConfigs } from '../../src/protocol/apis/describe-configs.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { FindCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/apis/incremental-alter-configs.ts'
import { InitProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { Metadata, NO_AUTHORIZED_OPERATIONS } from '../../src/protocol/apis/metadata.ts'
import { OffsetForLeaderEpoch } from '../../src/protocol/apis/offset-for-leader-epoch.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { ReplicaManager } from '../../src/replication/replica-manager.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'
import { WireClient } from '../support/wire-client.ts'

test('a new broker starts, serves metadata with itself as only node, and stops', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()

  const metadata = await broker.run(() => client.send(Metadata, 13, { topics: null }))

  const port = broker.server.boundPort()
  expect(metadata).toMatchObject({
    clusterId: broker.server.clusterId,
    controllerId: 1,
    brokers: [{ nodeId: 1, host: '127.0.0.1', port }],
    topics: [],
  })
  await broker.stop()
  expect(broker.server.state).toBe('NOT_RUNNING')
  expect(broker.runtime.pendingTimers).toBe(0)
  expect(broker.runtime.waiting).toEqual([])
})

test('records are produced and read back in order', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')

  const first = await broker.produce(client, 'orders', ['a', 'b'])
  const second = await broker.produce(client, 'orders', ['c'], { acks: 1 })

  expect([first, second]).toMatchObject([
    { errorCode: 0, baseOffset: 0, logStartOffset: 0 },
    { errorCode: 0, baseOffset: 2 },
  ])
  expect(await broker.consume(client, 'orders')).toEqual(['a', 'b', 'c'])
  expect(await broker.consume(client, 'orders', 2)).toEqual(['c'])
  await broker.stop()
})

test('a topic that is asked for by a client that may is created, one that is not allowed is not', async () => {
  const broker = await BrokerUnderTest.started({ config: { 'num.partitions': '3' } })
  const client = await broker.connect()
  const ask = (name: string, allowAutoTopicCreation: boolean) =>
    broker.run(() => client.send(Metadata, 9, { topics: [{ name }], allowAutoTopicCreation }))

  const refused = await ask('no', false)
  const bad = await ask('not/legal', true)
  const first = await ask('yes', true)
  await broker.runtime.advance(100)
  const second = await ask('yes', true)

  expect(refused.topics[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  expect(bad.topics[0]?.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
  expect(first.topics[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  expect(second.topics[0]).toMatchObject({ errorCode: 0, name: 'yes' })
  expect(second.topics[0]?.partitions.map(partition => partition.leaderId)).toEqual([1, 1, 1])
  await broker.stop()
})

test('topics can be asked for by id, and an unknown id is told', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  const topicId = await broker.createTopic(client, 'orders')
  const unknown = 'AAAAAAAAAAAAAAAAAAAABQ'

  const topics = [
    { topicId, name: null },
    { topicId: unknown, name: null },
  ]
  const found = await broker.run(() => client.send(Metadata, 12, { topics }))

  expect(found.topics.map(({ errorCode, name }) => [errorCode, name])).toEqual([
    [ErrorCode.UNKNOWN_TOPIC_ID, null],
    [0, 'orders'],
  ])
  await broker.stop()
})

test('everything is there again after a clean restart and after a kill', async () => {
  const first = await BrokerUnderTest.started()
  const writer = await first.connect()
  const topicId = await first.createTopic(writer, 'orders', 2)
  await first.produce(writer, 'orders', ['a', 'b'])
  const { clusterId } = first.server
  await first.stop()

  const second = await BrokerUnderTest.started({ disk: first.runtime.disk })
  const reader = await second.connect()
  expect(await second.consume(reader, 'orders')).toEqual(['a', 'b'])
  await second.produce(reader, 'orders', ['c'])

  // Not shut down: the third takes over the disk of a process that is gone.
  const third = await BrokerUnderTest.started({ disk: second.runtime.disk })
  const again = await third.connect()
  expect(await third.consume(again, 'orders')).toEqual(['a', 'b', 'c'])
  const metadata = await third.run(() => again.send(Metadata, 12, { topics: [{ name: 'orders' }] }))

  expect(metadata.clusterId).toBe(clusterId)
  expect(metadata.topics[0]).toMatchObject({ topicId, partitions: [{ leaderId: 1 }, { leaderId: 1 }] })
  await third.stop()
})

test('a clean shutdown leaves its marker, which is gone while the broker runs', async () => {
  const marker = '.kafka_cleanshutdown'
  const first = await BrokerUnderTest.started()
  const whileRunning = await first.runtime.disk.list('data')
  await first.stop()
  const afterwards = await first.runtime.disk.list('data')

  const second = await BrokerUnderTest.started({ disk: first.runtime.disk })

  expect(whileRunning).not.toContain(marker)
  expect(afterwards).toContain(marker)
  expect(await second.runtime.disk.list('data')).not.toContain(marker)
  await second.stop()
})

test('a fetch waits for enough bytes and is answered when they come', async () => {
  const broker = await BrokerUnderTest.started()
  const [consumer, producer] = [await broker.connect(), await broker.connect()]
  await broker.createTopic(producer, 'orders')
  const startMs = broker.runtime.clock.monotonicMs()
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
  const fetched = consumer.send(Fetch, 12, {
    maxWaitMs: 20_000,
    minBytes: 1,
    topics: [{ topic: 'orders', partitions }],
  })
  await broker.runtime.advance(5_000)
  expect(broker.server.inspect().delayedFetches).toBe(1)

  await broker.produce(producer, 'orders', ['late'])
  const response = await broker.run(() => fetched)

  expect(response.responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(0)
  expect(broker.runtime.clock.monotonicMs() - startMs).toBeLessThan(6_000)
  await broker.stop()
})

test('a fetch that nothing comes for is answered empty after its wait', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const startMs = broker.runtime.clock.monotonicMs()
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]

  const body = { maxWaitMs: 500, minBytes: 1, topics: [{ topic: 'orders', partitions }] }
  const response = await broker.run(() => client.send(Fetch, 12, body))

  expect(response.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 0 })
  expect(broker.runtime.clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(500)
  await broker.stop()
})

test('whoever claims to be a replica and is none gets nothing', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  await broker.produce(client, 'orders', ['secret'])
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]

  const body = { replicaId: 5, maxWaitMs: 0, minBytes: 1, topics: [{ topic: 'orders', partitions }] }
  const response = await broker.run(() => client.send(Fetch, 11, body))

  expect(response.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  expect(response.responses[0]?.partitions[0]?.records).toHaveLength(0)
  await broker.stop()
})

test("a listener's own limits are taken from the configuration, and a bad one stops the start", async () => {
  const key = 'listener.name.plaintext.max.connections'
  expect(() => new BrokerUnderTest({ config: { [key]: 'many' } })).toThrow(`"many" for configuration ${key}`)
  const broker = await BrokerUnderTest.started({ config: { [key]: '1' } })

  await broker.connect()
  const second = await WireClient.connect(broker.runtime, broker.server.boundPort())
  second.send(ApiVersions, 0, {})
  await broker.runtime.settle()

  expect(second.hasFrame).toBe(false)
  expect(broker.server.inspect().connectionCount).toBe(1)
  await broker.stop()
})

test('an idempotent producer gets an id, and a batch sent twice is stored once', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const init = () =>
    broker.run(() => client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 }))
  let given = await init()
  expect(given.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  while (given.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) {
    await broker.runtime.advance(1)
    given = await init()
  }
  const batch = { producerId: given.producerId, producerEpoch: 0, baseSequence: 0 }

  const first = await broker.produce(client, 'orders', ['once'], batch)
  const again = await broker.produce(client, 'orders', ['once'], batch)
  const gap = await broker.produce(client, 'orders', ['later'], { ...batch, baseSequence: 5 })

  expect([first, again]).toMatchObject([
    { errorCode: 0, baseOffset: 0 },
    { errorCode: 0, baseOffset: 0 },
  ])
  expect(gap.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  expect(await broker.consume(client, 'orders')).toEqual(['once'])
  await broker.stop()
})

test('producer ids are never given out twice, not even after a restart', async () => {
  const ids = new Set<number>()
  let broker = await BrokerUnderTest.started()
  for (let start = 0; start < 3; start++) {
    const client = await broker.connect()
    for (let count = 0; count < 5; count++) {
      const body = { transactionalId: null, transactionTimeoutMs: 0 }
      const given = await broker.run(() => client.send(InitProducerId, 4, body))
      await broker.runtime.advance(100)
      if (given.errorCode !== 0) continue
      expect(ids.has(given.producerId)).toBe(false)
      ids.add(given.producerId)
    }
    await broker.stop()
    broker = await BrokerUnderTest.started({ disk: broker.runtime.disk })
  }
  expect(ids.size).toBe(12)
  await broker.stop()
})

test('a transactional producer is told that there is no coordinator', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()

  const given = await broker.run(() =>
    client.send(InitProducerId, 4, { transactionalId: 'tx', transactionTimeoutMs: 1000 }),
  )

  expect(given).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, producerId: -1 })
  await broker.stop()
})

test('records of a transaction need one: named, they wait for its coordinator, unnamed, all of the request is refused', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders', 2)
  const timestamp = broker.runtime.clock.wallMs()
  const records = (isTransactional: boolean) => {
    const producer = { producerId: 1000, producerEpoch: 0, baseSequence: 0 }
    return buildBatch({ records: [{ value: Buffer.from('x'), timestamp }], isTransactional, ...producer })
  }
  const produce = async (transactionalId: string | null) => {
    const partitionData = [true, false].map((isTransactional, index) => ({ index, records: records(isTransactional) }))
    const body = { transactionalId, acks: -1, timeoutMs: 1000, topicData: [{ name: 'orders', partitionData }] }
    const { responses } = await broker.run(() => client.send(Produce, 9, body))
    const codes = new Map(responses[0]?.partitionResponses.map(({ index, errorCode }) => [index, errorCode]))
    return [0, 1].map(index => codes.get(index))
  }

  const unnamed = await produce(null)
  const named = await produce('tx')

  expect(unnamed).toEqual(Array(2).fill(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED))
  expect(named).toEqual([ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.NONE])
  await broker.stop()
})

test('whoever looks for a coordinator is told that there is none yet', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()

  const old = await broker.run(() => client.send(FindCoordinator, 2, { key: 'group' }))
  const several = await broker.run(() => client.send(FindCoordinator, 6, { coordinatorKeys: ['a', 'b'] }))
  const bad = await broker.run(() => client.send(FindCoordinator, 6, { keyType: 9, coordinatorKeys: ['a'] }))

  const none = { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, nodeId: -1, host: '', port: -1 }
  expect(old).toMatchObject(none)
  expect(several.coordinators).toMatchObject([
    { key: 'a', ...none },
    { key: 'b', ...none },
  ])
  expect(bad.coordinators[0]?.errorCode).toBe(ErrorCode.INVALID_REQUEST)
  await broker.stop()
})

test('without acknowledgement a good produce gets no answer and a bad one the end of the connection', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const wire = await WireClient.connect(broker.runtime, broker.server.boundPort())
  const records = () => buildBatch({ records: [{ value: Buffer.from('x'), timestamp: broker.runtime.clock.wallMs() }] })
  const send = (name: string) =>
    wire.send(Produce, 9, {
      acks: 0,
      timeoutMs: 1,
      topicData: [{ name, partitionData: [{ index: 0, records: records() }] }],
    })

  send('orders')
  await broker.runtime.settle()
  const stored = await broker.consume(client, 'orders')
  const openAfterGood = wire.ending === undefined && !wire.hasFrame
  send('no-such-topic')
  await broker.runtime.settle()

  expect(stored).toEqual(['x'])
  expect(openAfterGood).toBe(true)
  expect(wire.ending).toBeDefined()
  await broker.stop()
})

test.each([
  ['a partition that is not there', 'orders', 7, -1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ['a topic that is not there', 'nowhere', 0, -1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ['acks that do not exist', 'orders', 0, 2, ErrorCode.INVALID_REQUIRED_ACKS],
  ['an internal topic', '__consumer_offsets', 0, -1, ErrorCode.INVALID_TOPIC_EXCEPTION],
])('a produce to %s is refused', async (_, topic, partition, acks, errorCode) => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  await broker.createTopic(client, '__consumer_offsets')

  const result = await broker.produce(client, topic, ['x'], { partition, acks })

  expect(result).toMatchObject({ errorCode, baseOffset: -1 })
  await broker.stop()
})

test('records that are not one good batch are refused, each by its error, and others of the request are stored', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders', 5)
  const good = () => buildBatch({ records: [{ value: Buffer.from('x'), timestamp: broker.runtime.clock.wallMs() }] })
  const corrupt = good()
  corrupt.writeUInt8(corrupt.readUInt8(corrupt.length - 1) ^ 1, corrupt.length - 1)
  const zstd = buildBatch({ records: [{ value: Buffer.from('x'), timestamp: 0 }], compression: 'zstd' })
  const partitionData = [corrupt, Buffer.concat([good(), good()]), Buffer.alloc(0), zstd, good()].map(
    (records, index) => ({ index, records }),
  )

  const body = { acks: -1, timeoutMs: 1000, topicData: [{ name: 'orders', partitionData }] }
  const response = await broker.run(() => client.send(Produce, 5, body))

  const codes = new Map(response.responses[0]?.partitionResponses.map(({ index, errorCode }) => [index, errorCode]))
  expect([0, 1, 2, 3, 4].map(index => codes.get(index))).toEqual([
    ErrorCode.CORRUPT_MESSAGE,
    ErrorCode.INVALID_RECORD,
    ErrorCode.INVALID_RECORD,
    ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    ErrorCode.NONE,
  ])
  await broker.stop()
})

test('offsets are found by their special timestamps, in the versions that know them', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  await broker.produce(client, 'orders', ['a', 'b', 'c'])
  const ask = async (version: number, timestamp: number) => {
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp }] }]
    const response = await broker.run(() => client.send(ListOffsets, version, { topics }))
    const result = response.topics[0]?.partitions[0]
    return [result?.errorCode, result?.offset]
  }

  expect(await ask(1, -1)).toEqual([0, 3])
  expect(await ask(1, -2)).toEqual([0, 0])
  expect(await ask(7, -3)).toEqual([0, 0])
  expect(await ask(6, -3)).toEqual([ErrorCode.UNSUPPORTED_VERSION, -1])
  expect(await ask(9, 0)).toEqual([0, 0])
  expect(await ask(9, broker.runtime.clock.wallMs() + 1)).toEqual([0, -1])
  await broker.stop()
})

test.each([
  [3, ErrorCode.LEADER_NOT_AVAILABLE],
  [4, ErrorCode.LEADER_NOT_AVAILABLE],
  [5, ErrorCode.OFFSET_NOT_AVAILABLE],
])('ListOffsets of version %i tells that an offset is not known yet by an error it has', async (version, code) => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const behind = vi.spyOn(ReplicaManager.prototype, 'fetchOffset')
  const topicPartition = { topic: 'orders', partition: 0 }
  const answer = { errorCode: ErrorCode.OFFSET_NOT_AVAILABLE, timestamp: -1, offset: -1, leaderEpoch: -1 }
  behind.mockResolvedValue({ topicPartition, ...answer })

  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const { topics: told } = await broker.run(() => client.send(ListOffsets, version, { topics }))

  behind.mockRestore()
  expect(told[0]?.partitions[0]?.errorCode).toBe(code)
  await broker.stop()
})

test('a partition that is asked for twice is an invalid request', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const partition = { partitionIndex: 0, timestamp: -1 }

  const topics = [{ name: 'orders', partitions: [partition, partition] }]
  const response = await broker.run(() => client.send(ListOffsets, 9, { topics }))

  const codes = response.topics[0]?.partitions.map(({ errorCode }) => errorCode)
  expect(codes).toEqual([ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST])
  await broker.stop()
})

test('a deleted topic is gone, and one of the same name begins anew', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  const firstId = await broker.createTopic(client, 'orders')
  await broker.produce(client, 'orders', ['old'])

  const body = { topics: [{ name: 'orders' }], timeoutMs: 1000 }
  const deleted = await broker.run(() => client.send(DeleteTopics, 6, body))
  await broker.runtime.advance(10)
  const gone = await broker.produce(client, 'orders', ['lost'])
  const secondId = await broker.createTopic(client, 'orders')

  expect(deleted.responses).toMatchObject([{ name: 'orders', topicId: firstId, errorCode: 0 }])
  expect(gone.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  expect(secondId).not.toBe(firstId)
  expect(await broker.consume(client, 'orders')).toEqual([])
  await broker.stop()
})

test('partitions are added, and with validateOnly only looked at', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const grow = async (count: number, validateOnly: boolean) => {
    const body = { topics: [{ name: 'orders', count, assignments: null }], timeoutMs: 1000, validateOnly }
    const response = await broker.run(() => client.send(CreatePartitions, 3, body))
    await broker.runtime.advance(10)
    return response.results[0]?.errorCode
  }

  expect(await grow(3, true)).toBe(0)
  expect(broker.server.inspect().replicas).toHaveLength(1)
  expect(await grow(3, false)).toBe(0)
  expect(await grow(2, false)).toBe(ErrorCode.INVALID_PARTITIONS)

  expect(broker.server.inspect().replicas.map(({ partition, isLeader }) => [partition, isLeader])).toEqual([
    [0, true],
    [1, true],
    [2, true],
  ])
  await broker.stop()
})

test('a changed topic configuration is described with its source and takes effect', async () => {
  const broker = await BrokerUnderTest.started({ config: { 'log.retention.hours': '1' } })
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const change = { name: 'max.message.bytes', configOperation: 0, value: '100' }
  const resources = [{ resourceType: 2, resourceName: 'orders', configs: [change] }]

  const altered = await broker.run(() => client.send(IncrementalAlterConfigs, 1, { resources, validateOnly: false }))
  await broker.runtime.advance(10)
  const refused = await broker.produce(client, 'orders', ['x'.repeat(200)])
  const keys = ['max.message.bytes', 'retention.ms', 'segment.bytes']
  const asked = [{ resourceType: 2, resourceName: 'orders', configurationKeys: keys }]
  const described = await broker.run(() => client.send(DescribeConfigs, 4, { resources: asked, includeSynonyms: true }))

  expect(altered.responses[0]?.errorCode).toBe(0)
  expect(refused.errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  const configs = new Map(described.results[0]?.configs.map(config => [config.name, config]))
  expect(configs.get('max.message.bytes')).toMatchObject({ value: '100', configSource: 1 })
  expect(configs.get('retention.ms')).toMatchObject({ value: '3600000', configSource: 4 })
  expect(configs.get('segment.bytes')).toMatchObject({ value: '1073741824', configSource: 5 })
  expect(configs.size).toBe(3)
  await broker.stop()
})

test("a broker's configuration is described, another broker's and an unknown topic's are refused", async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  const ask = async (resourceType: number, resourceName: string) => {
    const resources = [{ resourceType, resourceName, configurationKeys: null }]
    return (await broker.run(() => client.send(DescribeConfigs, 3, { resources }))).results[0]
  }

  const topics = { resourceType: 2, resourceName: 'orders' }
  await broker.createTopic(client, 'orders')
  const all = await ask(2, 'orders')
  const asked = { resources: [{ ...topics, configurationKeys: [] }] }
  const none = (await broker.run(() => client.send(DescribeConfigs, 3, asked))).results[0]
  expect(none?.configs).toEqual(all?.configs)

  const own = await ask(4, '1')
  expect(own?.configs.find(({ name }) => name === 'num.io.threads')).toMatchObject({ value: '8', configSource: 5 })
  expect((await ask(4, '2'))?.errorCode).toBe(ErrorCode.INVALID_REQUEST)
  expect((await ask(2, 'nowhere'))?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  expect((await ask(2, 'not/legal'))?.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
  expect((await ask(99, 'x'))?.errorCode).toBe(ErrorCode.INVALID_REQUEST)
  await broker.stop()
})

test('deleted records are no longer read, and asking for them is out of range', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  for (const value of ['a', 'b', 'c']) await broker.produce(client, 'orders', [value])
  const remove = async (name: string, offset: number) => {
    const body = { topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }], timeoutMs: 1000 }
    return (await broker.run(() => client.send(DeleteRecords, 2, body))).topics[0]?.partitions[0]
  }

  expect(await remove('orders', 2)).toMatchObject({ errorCode: 0, lowWatermark: 2 })
  expect(await remove('orders', 9)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE })
  expect(await remove('nowhere', 0)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })

  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
  const body = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: 'orders', partitions }] }
  const response = await broker.run(() => client.send(Fetch, 12, body))
  expect(response.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
  expect(await broker.consume(client, 'orders', 2)).toEqual(['c'])
  await broker.stop()
})

test('leader epochs end where the next began', async () => {
  const first = await BrokerUnderTest.started()
  const writer = await first.connect()
  await first.createTopic(writer, 'orders')
  await first.produce(writer, 'orders', ['a', 'b'])
  await first.stop()
  const second = await BrokerUnderTest.started({ disk: first.runtime.disk })
  const client = await second.connect()
  const metadata = await second.run(() => client.send(Metadata, 9, { topics: [{ name: 'orders' }] }))
  const epoch = metadata.topics[0]?.partitions[0]?.leaderEpoch ?? -1
  await second.produce(client, 'orders', ['c'])
  const ask = async (leaderEpoch: number, currentLeaderEpoch = -1) => {
    const topics = [{ topic: 'orders', partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }]
    return (await second.run(() => client.send(OffsetForLeaderEpoch, 4, { topics }))).topics[0]?.partitions[0]
  }

  expect(epoch).toBeGreaterThan(0)
  expect(await ask(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2 })
  expect(await ask(epoch)).toMatchObject({ errorCode: 0, leaderEpoch: epoch, endOffset: 3 })
  expect(await ask(epoch, epoch - 1)).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH })
  expect(await ask(epoch, epoch + 1)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH })
  await second.stop()
})

test('ApiVersions tells the ranges and features, in version 0 with an error when its version is unknown', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' }

  const told = await broker.run(() => client.send(ApiVersions, 4, software))
  const rude = await broker.run(() => client.send(ApiVersions, 3, { ...software, clientSoftwareName: '-' }))

  const ranges = new Map(told.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]))
  expect(ranges.get(0)).toEqual([0, 13])
  expect(ranges.get(3)).toEqual([0, 13])
  expect([...ranges.keys()]).toEqual([
    0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 32, 33, 37, 42, 43, 44, 45, 46, 47, 55, 57,
    60, 64, 68, 69,
  ])
  expect(told.finalizedFeatures).toContainEqual({ name: 'metadata.version', minVersionLevel: 29, maxVersionLevel: 29 })
  expect(told.finalizedFeaturesEpoch).toBeGreaterThan(0)
  expect(rude.errorCode).toBe(ErrorCode.INVALID_REQUEST)
  await broker.stop()
})

test('the cluster is described to those who ask a broker as a broker', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()

  const described = await broker.run(() => client.send(DescribeCluster, 2, {}))
  const wrong = await broker.run(() => client.send(DescribeCluster, 1, { endpointType: 2 }))

  expect(described).toMatchObject({ errorCode: 0, controllerId: 1, brokers: [{ brokerId: 1, isFenced: false }] })
  expect(wrong.errorCode).toBe(ErrorCode.MISMATCHED_ENDPOINT_TYPE)
  await broker.stop()
})

test('whoever asks what it may do is told: everything, since there is no authorizer', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  const topics = [{ name: 'orders' }]
  const flags = { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true }

  const asked = await broker.run(() => client.send(Metadata, 10, { topics, ...flags }))
  const notAsked = await broker.run(() => client.send(Metadata, 10, { topics }))
  const cluster = await broker.run(() => client.send(DescribeCluster, 1, { includeClusterAuthorizedOperations: true }))

  expect(asked.clusterAuthorizedOperations).toBe(0b1_1111_1010_0000)
  expect(asked.topics.map(topic => topic.topicAuthorizedOperations)).toEqual([0b1101_1111_1000])
  expect(notAsked.clusterAuthorizedOperations).toBe(NO_AUTHORIZED_OPERATIONS)
  expect(notAsked.topics.map(topic => topic.topicAuthorizedOperations)).toEqual([NO_AUTHORIZED_OPERATIONS])
  expect(cluster.clusterAuthorizedOperations).toBe(0b1_1111_1010_0000)
  await broker.stop()
})
