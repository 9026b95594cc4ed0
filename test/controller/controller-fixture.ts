import { ControllerApis } from '../../src/controller/controller-apis.ts'
import type { BrokerRegistrationRequest } from '../../src/controller/controller-channel.ts'
import { BOOTSTRAP_FEATURES } from '../../src/controller/feature-control-manager.ts'
import { MetadataCache } from '../../src/controller/image/metadata-cache.ts'
import type { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import { MetadataLoader } from '../../src/controller/image/metadata-loader.ts'
import type { MetadataPublisher } from '../../src/controller/image/metadata-publisher.ts'
import type { PartitionRegistration } from '../../src/controller/partition-registration.ts'
import { QuorumController } from '../../src/controller/quorum-controller.ts'
import type { CreateTopicsRequest } from '../../src/protocol/apis/create-topics.ts'
import { BrokerConfigSchema } from '../../src/server/config/broker-config-schema.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'
import { FakeMetadataLog, type FakeRaftClient } from './fake-metadata-log.ts'

export const CLUSTER_ID = 'AbCdEfGhIjKlMnOpQrStUg'

const HEARTBEAT_INTERVAL_MS = 2000

export interface ControllerFixture {
  readonly runtime: ManualRuntime
  readonly log: FakeMetadataLog
  readonly raft: FakeRaftClient
  readonly controller: QuorumController
  readonly apis: ControllerApis
  readonly loader: MetadataLoader
  readonly faults: unknown[]
  /** The image that brokers see. */
  readonly image: () => MetadataImage
  /** Registers a broker; the epoch it got. */
  register(id: number, options?: Partial<BrokerRegistrationRequest>): Promise<number>
  heartbeat(
    id: number,
    options?: { wantFence?: boolean; wantShutDown?: boolean; metadataOffset?: number; offlineLogDirs?: string[] },
  ): Promise<string>
  /** Registers and unfences. */
  join(...ids: number[]): Promise<void>
  /** The epoch that a broker registered with by this fixture has; -1 for others. */
  brokerEpoch(id: number): number
  /** As the loader has published it. */
  partition(topic: string, index?: number): PartitionRegistration
  /** Lets time pass while these brokers send heartbeats. */
  pass(ms: number, ...alive: number[]): Promise<void>
  createTopic(name: string, options?: Partial<CreateTopicsRequest['topics'][number]>): Promise<number>
}

export interface FixtureOptions {
  readonly nodeId?: number
  /** Several controllers share one. Default: a new one, which the controller leads. */
  readonly log?: FakeMetadataLog
  readonly runtime?: ManualRuntime
  readonly config?: Readonly<Record<string, string>>
  readonly publishers?: readonly MetadataPublisher[]
  readonly features?: ReadonlyMap<string, number>
}

/** A started controller over a metadata log, with the face that brokers see. */
export async function startController(options: FixtureOptions = {}): Promise<ControllerFixture> {
  const runtime = options.runtime ?? createManualRuntime()
  const nodeId = options.nodeId ?? 1
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
  const log = options.log ?? new FakeMetadataLog()
  const raft = log.client(nodeId, onFault)
  const controller = new QuorumController(runtime, {
    nodeId,
    clusterId: CLUSTER_ID,
    raftClient: raft,
    configSchema: new BrokerConfigSchema(config),
    defaultNumPartitions: config.getNumber('num.partitions'),
    defaultReplicationFactor: config.getNumber('default.replication.factor'),
    sessionTimeoutMs: config.getNumber('broker.session.timeout.ms'),
    maxIdleIntervalMs: config.getNumber('metadata.max.idle.interval.ms'),
    leaderImbalanceCheckIntervalMs: 300_000,
    onFault,
    ...(options.features === undefined ? {} : { bootstrapFeatures: options.features }),
  })
  const cache = new MetadataCache()
  const loader = new MetadataLoader({
    nodeId,
    highWatermark: () => raft.highWatermark,
    publishers: [cache, ...(options.publishers ?? [])],
  })
  const apis = new ControllerApis(runtime, controller, {
    deleteTopicEnable: config.getBoolean('delete.topic.enable'),
  })
  controller.start()
  raft.register(loader)
  if (options.log === undefined) log.lead(nodeId)
  await runtime.settle()
  const epochs = new Map<number, number>()
  let incarnations = 0
  const fixture: ControllerFixture = {
    runtime,
    log,
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
    async heartbeat(id, { wantFence = false, wantShutDown = false, metadataOffset, offlineLogDirs = [] } = {}) {
      const reply = await runtime.run(() =>
        apis.brokerHeartbeat({
          brokerId: id,
          brokerEpoch: epochs.get(id) ?? -1,
          currentMetadataOffset: metadataOffset ?? loader.publishedOffset,
          wantFence,
          wantShutDown,
          offlineLogDirs,
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
    brokerEpoch: id => epochs.get(id) ?? -1,
    partition(topic, index = 0) {
      const found = cache.image.topics.getTopic(topic)?.partitions.get(index)
      if (found === undefined) throw new Error(`no partition ${topic}-${index}`)
      return found
    },
    async pass(ms, ...alive) {
      for (let leftMs = ms; leftMs > 0; leftMs -= HEARTBEAT_INTERVAL_MS) {
        for (const id of alive) await fixture.heartbeat(id)
        await runtime.advance(Math.min(leftMs, HEARTBEAT_INTERVAL_MS))
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
    logDirs: [directoryId(id)],
    previousBrokerEpoch: -1,
  }
}

/** Of the only log directory of a broker. */
export function directoryId(broker: number): string {
  return `LogDirectoryNumber${String(broker).padStart(3, '0')}A`
}
