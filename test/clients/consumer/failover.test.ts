import { expect, test } from 'vitest'
import type { ConfigValues } from '../../../src/clients/abstract-config.ts'
import { LogTruncationException } from '../../../src/clients/consumer/consumer-errors.ts'
import { KafkaConsumer } from '../../../src/clients/consumer/kafka-consumer.ts'
import { stringSerde } from '../../../src/clients/serialization.ts'
import { Produce } from '../../../src/protocol/apis/produce.ts'
import { buildBatch } from '../../../src/protocol/records/batch.ts'
import { type ClusterOptions, ClusterUnderTest } from '../../support/cluster-under-test.ts'

const CONFIG = {
  'offsets.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
}
const ORDERS = { topic: 'orders', partition: 0 }

class Cluster {
  readonly cluster: ClusterUnderTest

  constructor(cluster: ClusterUnderTest) {
    this.cluster = cluster
  }

  consumer(config: ConfigValues = {}): KafkaConsumer<string, string> {
    return new KafkaConsumer(
      this.cluster.client,
      {
        'bootstrap.servers': this.cluster.ids
          .filter(id => id < 100)
          .map(id => `broker-${id}:9092`)
          .join(','),
        'auto.offset.reset': 'earliest',
        'request.timeout.ms': 3000,
        ...config,
      },
      { keyDeserializer: stringSerde, valueDeserializer: stringSerde },
    )
  }

  /** The broker that leads the partition, as another broker says. */
  async leader(except?: number): Promise<number> {
    for (;;) {
      const asked = this.cluster.servers.find(({ config: { nodeId } }) => nodeId !== except && nodeId < 100)
      const client = await this.cluster.connect(asked?.config.nodeId ?? 1)
      const { topics } = await this.cluster.metadata(client, 'orders')
      client.close()
      const leader = topics[0]?.partitions[0]?.leaderId ?? -1
      if (leader > 0 && leader !== except) return leader
      await this.cluster.world.sleep(200)
    }
  }

  async produce(leader: number, value: string, acks = -1): Promise<void> {
    const client = await this.cluster.connect(leader)
    const records = buildBatch({ records: [{ value: Buffer.from(value), timestamp: 1 }] })
    const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }]
    const sent = await this.cluster.client.run(() => client.send(Produce, 9, { acks, timeoutMs: 10_000, topicData }))
    expect(sent.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
    client.close()
  }

  async values(from: KafkaConsumer<string, string>, count: number): Promise<string[]> {
    const found: string[] = []
    for (let left = 200; found.length < count; left--) {
      if (left === 0) throw new Error(`only ${found} came`)
      const records = await this.cluster.client.run(() => from.poll(500))
      for (const { value } of records) found.push(`${value}`)
    }
    return found
  }
}

function inCluster(options: ClusterOptions, body: (cluster: Cluster) => Promise<void>): Promise<void> {
  return ClusterUnderTest.run({ ...options, config: { ...CONFIG, ...options.config } }, async cluster => {
    const client = await cluster.connect(1)
    await cluster.createTopic(client, 'orders', 1, options.brokers ?? 3)
    client.close()
    await body(new Cluster(cluster))
  })
}

test('a consumer goes on with the next leader when its leader and coordinator are gone', () =>
  inCluster({}, async on => {
    const { cluster } = on
    const reader = on.consumer({ 'group.id': 'group', 'session.timeout.ms': 10_000, 'heartbeat.interval.ms': 1000 })
    await cluster.client.run(() => reader.subscribe(['orders']))
    const first = await on.leader()
    await on.produce(first, 'before')
    expect(await on.values(reader, 1)).toEqual(['before'])
    await cluster.client.run(() => reader.commitSync())

    cluster.kill(first)
    const second = await on.leader(first)
    await on.produce(second, 'after')
    expect(await on.values(reader, 1)).toEqual(['after'])
    await cluster.client.run(() => reader.commitSync())
    const committed = await cluster.client.run(() => reader.committed([ORDERS]))
    expect(committed.get(ORDERS)?.offset).toBe(2)
    await cluster.client.run(() => reader.close())
  }))

const UNCLEAN = { brokers: 2, controllers: 1, config: { 'unclean.leader.election.enable': 'true' } }

/** The leader alone has the second record, which the consumers read; then the other broker leads without it. */
async function losesSecondRecord(on: Cluster, readers: readonly KafkaConsumer<string, string>[]): Promise<number> {
  const { cluster } = on
  const first = await on.leader()
  const other = first === 1 ? 2 : 1
  await on.produce(first, 'kept')
  cluster.kill(other)
  await cluster.world.sleep(10_000)
  await on.produce(first, 'lost', 1)
  for (const reader of readers) {
    await cluster.client.run(() => reader.assign([ORDERS]))
    expect(await on.values(reader, 2)).toEqual(['kept', 'lost'])
  }
  cluster.kill(first)
  await cluster.start(other)
  expect(await on.leader(first)).toBe(other)
  await on.produce(other, 'new', 1)
  return other
}

test('a consumer whose log was cut goes back to where both logs are the same (KIP-320)', () =>
  inCluster(UNCLEAN, async on => {
    const reader = on.consumer()
    await losesSecondRecord(on, [reader])
    expect(await on.values(reader, 1)).toEqual(['new'])
    await on.cluster.client.run(() => reader.close())
  }))

test('a consumer whose log was cut tells of it when nothing says where to go on', () =>
  inCluster(UNCLEAN, async on => {
    const reader = on.consumer({ 'auto.offset.reset': 'none' })
    await on.cluster.client.run(() => reader.assign([ORDERS]))
    reader.seek(ORDERS, 0)
    await losesSecondRecord(on, [reader])
    const error = await on.values(reader, 1).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(LogTruncationException)
    if (!(error instanceof LogTruncationException)) return
    expect(error.offsetOutOfRangePartitions.get(ORDERS)).toBe(2)
    const divergent = error.divergentOffsets.get(ORDERS)
    expect(divergent).toMatchObject({ offset: 1 })
    reader.seek(ORDERS, divergent ?? 0)
    expect(await on.values(reader, 1)).toEqual(['new'])
    await on.cluster.client.run(() => reader.close())
  }))
