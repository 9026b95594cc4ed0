import { ControllerApis } from '../../src/controller/controller-apis.ts'
import type { BrokerRegistrationRequest } from '../../src/controller/controller-channel.ts'
import { BOOTSTRAP_FEATURES } from '../../src/controller/feature-control-manager.ts'
import { MetadataCache } from '../../src/controller/image/metadata-cache.ts'
import type { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import { MetadataLoader } from '../../src/controller/image/metadata-loader.ts'
import type { MetadataPublisher } from '../../src/controller/image/metadata-publisher.ts'
import { metadataRecordSerde } from '../../src/controller/metadata-record-serde.ts'
import type { MetadataRecord } from '../../src/controller/metadata-records.ts'
import { QuorumController } from '../../src/controller/quorum-controller.ts'
import type { CreateTopicsRequest } from '../../src/protocol/apis/create-topics.ts'
import { SingleVoterRaftClient } from '../../src/raft/single-voter-raft-client.ts'
import { BrokerConfigSchema } from '../../src/server/config/broker-config-schema.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'

export const CLUSTER_ID = 'AbCdEfGhIjKlMnOpQrStUg'

const DIRECTORY_IDS = [
  'LogDirectoryNumber001A',
  'LogDirectoryNumber002A',
  'LogDirectoryNumber003A',
  'LogDirectoryNumber004A',
]

export interface ControllerFixture {
  readonly runtime: ManualRuntime
  readonly raft: SingleVoterRaftClient<MetadataRecord>
  readonly controller: QuorumController
  readonly apis: ControllerApis
  readonly loader: MetadataLoader
  readonly faults: unknown[]
  /** The image that brokers see. */
  readonly image: () => MetadataImage
  /** Registers a broker; the epoch it got. */
  register(id: number, options?: Partial<BrokerRegistrationRequest>): Promise<number>
  heartbeat(id: number, options?: { wantFence?: boolean; wantShutDown?: boolean }): Promise<string>
  /** Registers and unfences. */
  join(...ids: number[]): Promise<void>
  createTopic(name: string, options?: Partial<CreateTopicsRequest['topics'][number]>): Promise<number>
}

export interface FixtureOptions {
  readonly runtime?: ManualRuntime
  readonly config?: Readonly<Record<string, string>>
  readonly publishers?: readonly MetadataPublisher[]
  readonly features?: ReadonlyMap<string, number>
}

/** A started controller over a single-voter log, with the face that brokers see. */
export async function startController(options: FixtureOptions = {}): Promise<ControllerFixture> {
  const runtime = options.runtime ?? createManualRuntime()
  await runtime.disk.makeDirectory('data')
  const config = KafkaConfig.fromProperties(
    new Map(
      Object.entries({
        'process.roles': 'broker,controller',
        'node.id': '1',
        listeners: 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
        'controller.listener.names': 'CONTROLLER',
        'controller.quorum.voters': '1@localhost:9093',
        'metadata.max.idle.interval.ms': '0',
        ...options.config,
      }),
    ),
  )
  const faults: unknown[] = []
  const onFault = (error: unknown) => faults.push(error)
  const raft = new SingleVoterRaftClient(runtime, {
    nodeId: 1,
    logDirectory: 'data',
    serde: metadataRecordSerde,
    onFault,
  })
  const controller = new QuorumController(runtime, {
    nodeId: 1,
    clusterId: CLUSTER_ID,
    raftClient: raft,
    configSchema: new BrokerConfigSchema(config),
    defaultNumPartitions: config.getNumber('num.partitions'),
    defaultReplicationFactor: config.getNumber('default.replication.factor'),
    sessionTimeoutMs: config.getNumber('broker.session.timeout.ms'),
    maxIdleIntervalMs: config.getNumber('metadata.max.idle.interval.ms'),
    onFault,
    ...(options.features === undefined ? {} : { bootstrapFeatures: options.features }),
  })
  const cache = new MetadataCache()
  const loader = new MetadataLoader({
    nodeId: 1,
    highWatermark: () => raft.highWatermark,
    publishers: [cache, ...(options.publishers ?? [])],
  })
  const apis = new ControllerApis(runtime, controller, {
    deleteTopicEnable: config.getBoolean('delete.topic.enable'),
  })
  controller.start()
  raft.register(loader)
  await runtime.run(() => raft.start())
  await runtime.settle()
  const epochs = new Map<number, number>()
  let incarnations = 0
  const fixture: ControllerFixture = {
    runtime,
    raft,
    controller,
    apis,
    loader,
    faults,
    image: () => cache.image,
    async register(id, overrides = {}) {
      const request = { ...registration(id, `Incarnation${String(++incarnations).padStart(10, '0')}A`), ...overrides }
      const { brokerEpoch } = await runtime.run(() => apis.registerBroker(request))
      epochs.set(id, brokerEpoch)
      await runtime.settle()
      return brokerEpoch
    },
    async heartbeat(id, { wantFence = false, wantShutDown = false } = {}) {
      const reply = await runtime.run(() =>
        apis.brokerHeartbeat({
          brokerId: id,
          brokerEpoch: epochs.get(id) ?? -1,
          currentMetadataOffset: loader.publishedOffset,
          wantFence,
          wantShutDown,
          offlineLogDirs: [],
        }),
      )
      await runtime.settle()
      return reply.shouldShutDown ? 'shut down' : reply.isFenced ? 'fenced' : 'unfenced'
    },
    async join(...ids) {
      for (const id of ids) {
        await fixture.register(id)
        await fixture.heartbeat(id)
      }
    },
    async createTopic(name, overrides = {}) {
      const topic = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [], ...overrides }
      const request = { topics: [topic], timeoutMs: 30_000, validateOnly: false }
      const response = await runtime.run(() => apis.createTopics(request))
      await runtime.settle()
      return response.topics[0]?.errorCode ?? -1
    },
  }
  return fixture
}

export function registration(id: number, incarnationId: string): BrokerRegistrationRequest {
  return {
    brokerId: id,
    clusterId: CLUSTER_ID,
    incarnationId,
    listeners: [{ name: 'PLAINTEXT', host: `host-${id}`, port: 9092, securityProtocol: 0 }],
    features: [...BOOTSTRAP_FEATURES].map(([name, level]) => ({
      name,
      minSupportedVersion: 0,
      maxSupportedVersion: level,
    })),
    rack: null,
    logDirs: [DIRECTORY_IDS[id] ?? `LogDirectoryNumber${String(id).padStart(3, '0')}A`],
    previousBrokerEpoch: -1,
  }
}
