import { NetworkClient } from '../../src/network/network-client.ts'
import { CreateTopics } from '../../src/protocol/apis/create-topics.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { batches } from '../../src/protocol/records/batches.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { KafkaRaftServer, type KafkaRaftServerOptions } from '../../src/server/kafka-raft-server.ts'
import { createManualRuntime, type ManualRuntime } from './manual-runtime.ts'
import type { MemoryDisk } from './memory-disk.ts'

export interface BrokerUnderTestOptions extends KafkaRaftServerOptions {
  readonly config?: Readonly<Record<string, string>>
  /** Of a broker that ran before. */
  readonly disk?: MemoryDisk
}

let incarnations = 0

/** A whole broker on a manual runtime, and a client connected to it. */
export class BrokerUnderTest {
  readonly runtime: ManualRuntime
  readonly server: KafkaRaftServer
  readonly halts: string[] = []

  constructor({ config = {}, disk, ...options }: BrokerUnderTestOptions = {}) {
    incarnations++
    this.runtime = createManualRuntime({ name: 'broker-1', seed: `${incarnations}`, ...(disk && { disk }) })
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      listeners: 'PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:9093',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': '1@127.0.0.1:9093',
      'log.dirs': 'data',
      ...config,
    }
    this.server = new KafkaRaftServer(this.runtime, KafkaConfig.fromProperties(new Map(Object.entries(properties))), {
      onHalt: reason => this.halts.push(reason),
      ...options,
    })
  }

  static async started(options: BrokerUnderTestOptions = {}): Promise<BrokerUnderTest> {
    const broker = new BrokerUnderTest(options)
    await broker.run(() => broker.server.startup())
    return broker
  }

  /** Runs a body, moving time on as it needs. */
  run<T>(body: () => Promise<T>): Promise<T> {
    return this.runtime.run(body)
  }

  stop(): Promise<void> {
    return this.run(() => this.server.shutdown())
  }

  async connect(): Promise<NetworkClient> {
    const client = new NetworkClient(this.runtime, {
      host: '127.0.0.1',
      port: this.server.boundPort(),
      clientId: 'test',
    })
    await this.run(() => client.connect())
    return client
  }

  async createTopic(client: NetworkClient, name: string, numPartitions = 1): Promise<string> {
    const topics = [{ name, numPartitions, replicationFactor: 1 }]
    const created = await this.run(() => client.send(CreateTopics, 7, { topics }))
    const [topic] = created.topics
    if (topic?.errorCode !== 0) throw new Error(`cannot create ${name}: ${topic?.errorCode} ${topic?.errorMessage}`)
    const asked = [{ name }]
    while ((await this.run(() => client.send(Metadata, 12, { topics: asked }))).topics[0]?.errorCode !== 0) {
      await this.runtime.advance(1)
    }
    return topic.topicId
  }

  /** Produces records to a partition in one batch; returns the partition's response. */
  async produce(client: NetworkClient, topic: string, values: readonly string[], options: ProduceOptions = {}) {
    const { partition = 0, acks = -1, ...batch } = options
    const timestamp = this.runtime.clock.wallMs()
    const records = buildBatch({ records: values.map(value => ({ value: Buffer.from(value), timestamp })), ...batch })
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
    const response = await this.run(() => client.send(Produce, 9, { acks, timeoutMs: 30_000, topicData }))
    const result = response.responses[0]?.partitionResponses[0]
    if (result === undefined) throw new Error('the produce response holds no partition')
    return result
  }

  /** The values of a partition from an offset on, without waiting for any. */
  async consume(client: NetworkClient, topic: string, fetchOffset = 0, partition = 0): Promise<string[]> {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }]
    const body = { maxWaitMs: 0, minBytes: 1, topics: [{ topic, partitions }] }
    const response = await this.run(() => client.send(Fetch, 12, body))
    const values: string[] = []
    for (const batch of batches(response.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0))) {
      for (const record of batch.records()) if (record.offset >= fetchOffset) values.push(`${record.value}`)
    }
    return values
  }
}

export interface ProduceOptions {
  readonly partition?: number
  readonly acks?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
}
