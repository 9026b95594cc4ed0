import type { BrokerEndpoint } from '../controller/broker-registration.ts'
import { MetadataCache } from '../controller/image/metadata-cache.ts'
import type { MetadataLoader } from '../controller/image/metadata-loader.ts'
import { GROUP_METADATA_TOPIC, GroupCoordinatorService } from '../coordinator/group/group-coordinator-service.ts'
import { LogDirFailureChannel } from '../log/log-dir-failure-channel.ts'
import { Metrics } from '../network/metrics.ts'
import type { RequestObserver } from '../network/request-observer.ts'
import { SocketServer } from '../network/socket-server.ts'
import { randomUuid } from '../protocol/uuid.ts'
import type { ReplicationObserver } from '../replication/replication-observer.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { UnexpectedErrorListener } from './api-dispatcher.ts'
import type { ApiContext } from './api-handler.ts'
import { AutoTopicCreationManager } from './auto-topic-creation-manager.ts'
import { SUPPORTED_FEATURES } from './broker-features.ts'
import { type BrokerInspection, inspectBroker } from './broker-inspection.ts'
import { BrokerLifecycleManager, type BrokerState } from './broker-lifecycle-manager.ts'
import { BrokerMetadataPublisher } from './broker-metadata-publisher.ts'
import { type BrokerStorage, createBrokerStorage } from './broker-storage.ts'
import type { BrokerConfigSchema } from './config/broker-config-schema.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { ConfigAdminManager } from './config-admin-manager.ts'
import { ConfigHelper } from './config-helper.ts'
import { type ControllerChannels, createControllerChannels } from './controller-channels.ts'
import { FetchManager } from './fetch-manager.ts'
import { FetchSessionCache } from './fetch-session-cache.ts'
import { ForwardingManager } from './forwarding-manager.ts'
import { groupCoordinatorConfigOf, offsetsTopicCompressionOf } from './group-coordinator-config.ts'
import { registerGroupCoordinatorMetrics } from './group-coordinator-metrics.ts'
import { API_HANDLERS, KafkaApis } from './kafka-apis.ts'
import { KafkaRequestHandlerPool } from './kafka-request-handler-pool.ts'
import { registerLogCleanerMetrics } from './log-cleaner-metrics.ts'
import { socketServerConfigOf } from './network-config.ts'
import type { NodeFaults } from './node-faults.ts'
import { ProducerIdManager } from './producer-id-manager.ts'
import { RemoteControllerChannel } from './remote-controller-channel.ts'
import type { SharedServer } from './shared-server.ts'

/** A controlled shutdown that takes longer is given up, as in Kafka. */
const CONTROLLED_SHUTDOWN_TIMEOUT_MS = 5 * 60_000
/** A fetch session that was not used for so long makes room for a new one (Kafka's constant). */
const FETCH_SESSION_EVICTION_MS = 120_000
/** Kafka's number of the security protocol PLAINTEXT. */
const PLAINTEXT = 0

export interface BrokerServerOptions {
  readonly shared: SharedServer
  readonly configSchema: BrokerConfigSchema
  readonly faults: NodeFaults
  /** Sees requests of the broker's listeners and may decide the fate of responses. */
  readonly observer?: RequestObserver | undefined
  readonly replicationObserver?: ReplicationObserver | undefined
  readonly onUnexpectedError: UnexpectedErrorListener
}

/** The broker was shut down while it was starting. */
export class BrokerStoppedError extends Error {
  override readonly name = 'BrokerStoppedError'

  constructor() {
    super('the broker was shut down while it was starting')
  }
}

interface Parts {
  readonly storage: BrokerStorage
  readonly groupCoordinator: GroupCoordinatorService
  readonly publisher: BrokerMetadataPublisher
  readonly channels: ControllerChannels
  readonly lifecycle: BrokerLifecycleManager
  readonly handlerPool: KafkaRequestHandlerPool
}

/** A node's broker role (Kafka's BrokerServer): puts its parts together, starts them and stops them in Kafka's order. */
export class BrokerServer {
  readonly metrics: Metrics
  readonly metadataCache = new MetadataCache()
  readonly #runtime: Runtime
  readonly #config: KafkaConfig
  readonly #options: BrokerServerOptions
  readonly #socketServer: SocketServer
  readonly #failureChannel = new LogDirFailureChannel()
  #loader: MetadataLoader | undefined
  #parts: Parts | undefined

  /** Throws ConfigError when a listener's limit is no number. */
  constructor(runtime: Runtime, config: KafkaConfig, options: BrokerServerOptions) {
    this.#runtime = runtime
    this.#config = config
    this.#options = options
    this.metrics = new Metrics(runtime)
    this.#socketServer = new SocketServer(runtime, socketServerConfigOf(config), {
      metrics: this.metrics,
      observer: options.observer,
    })
    // Whoever waits for a state would wait for ever.
    options.faults.beforeHalt(() => this.#parts?.lifecycle.beginShutdown())
  }

  /** The port of a listener, by default the first. */
  boundPort(listenerName: string = this.#config.listeners[0]?.name ?? ''): number {
    return this.#socketServer.boundPort(listenerName)
  }

  get state(): BrokerState {
    return this.#parts?.lifecycle.state ?? 'NOT_RUNNING'
  }

  /** The epoch under which the broker is registered; −1 before. */
  get brokerEpoch(): number {
    return this.#parts?.lifecycle.brokerEpoch ?? -1
  }

  /** What the broker holds now, for tests and checkers. */
  inspect(): BrokerInspection {
    if (this.#parts === undefined) throw new Error('the broker is not started')
    return inspectBroker(this.metadataCache.image, this.#parts.storage.replicaManager, this.#socketServer)
  }

  /**
   * Starts everything; the raft client runs already. Resolves when the broker may lead and clients are served. Rejects with
   * `NetworkError` when a port is taken, with `BrokerHaltedError` when the disk fails, with `RegistrationTimeoutError`, with
   * `BrokerStoppedError` when `shutdown` comes before it is done.
   */
  async startup(): Promise<void> {
    const { shared } = this.#options
    await this.#socketServer.bind()
    const parts = await this.#assemble()
    this.#parts = parts
    for (const channel of parts.channels.all) channel.start()
    this.#loader = shared.startLoader([this.metadataCache, parts.publisher])
    parts.lifecycle.start()
    await parts.lifecycle.awaitInitialCatchUp()
    this.#failIfEnded(parts.lifecycle)
    parts.handlerPool.start()
    // Kafka opens its ports last: until the controller has unfenced the broker, clients are refused.
    await parts.lifecycle.awaitUnfenced()
    this.#failIfEnded(parts.lifecycle)
    await this.#socketServer.enableRequestProcessing()
  }

  /**
   * Hands over leaderships, ends all threads, and leaves the logs so that the next start needs no recovery. Also after a
   * `startup` that failed.
   */
  async shutdown(): Promise<void> {
    const { shared, faults } = this.#options
    const parts = this.#parts
    if (parts === undefined) {
      await this.#socketServer.stopProcessingRequests()
      return
    }
    const { channels, lifecycle, publisher, storage } = parts
    const controlled = faults.haltReason === undefined && this.#config.getBoolean('controlled.shutdown.enable')
    if (controlled) {
      storage.replicaManager.beginControlledShutdown()
      await lifecycle.controlledShutdown(CONTROLLED_SHUTDOWN_TIMEOUT_MS)
    }
    lifecycle.beginShutdown()
    await channels.heartbeat.shutdown()
    await lifecycle.close()
    await this.#socketServer.stopProcessingRequests()
    await shared.stopLoader()
    await publisher.idle()
    await parts.handlerPool.shutdown()
    await storage.scheduler.shutdown()
    await parts.groupCoordinator.shutdown()
    storage.assignmentsManager.shutdown()
    await channels.directoryAssignments.shutdown()
    // Checkpoints of logs that were never opened would be empty ones.
    if (publisher.hasPublished) await storage.replicaManager.shutdown()
    storage.alterPartitionManager.shutdown()
    await channels.alterPartition.shutdown()
    await channels.forwarding.shutdown()
    if (publisher.hasPublished) await storage.logManager.shutdown(lifecycle.brokerEpoch)
    else await storage.logManager.stopCleaner()
  }

  async #assemble(): Promise<Parts> {
    const { shared, replicationObserver, onUnexpectedError } = this.#options
    const channels = createControllerChannels(this.#runtime, this.#config, shared)
    const controller = new RemoteControllerChannel(channels)
    const storage = createBrokerStorage(this.#runtime, this.#config, this.metadataCache, this.#failureChannel, {
      brokerEpoch: () => this.brokerEpoch,
      channel: controller,
      directoryIds: shared.storage.directoryIds,
      observer: replicationObserver,
    })
    const { cleaner } = storage.logManager
    if (cleaner !== undefined) registerLogCleanerMetrics(this.metrics, cleaner, this.#config.logDirs)
    const previousBrokerEpoch = await storage.logManager.readBrokerEpochFromCleanShutdownFiles()
    const lifecycle = this.#createLifecycle(controller, previousBrokerEpoch)
    this.#failureChannel.onFailure((directory, cause) => this.#onLogDirFailure(directory, cause, storage, lifecycle))
    const groupCoordinator = new GroupCoordinatorService(this.#runtime, {
      config: groupCoordinatorConfigOf(this.#config),
      compression: offsetsTopicCompressionOf(this.#config),
      replicaManager: storage.replicaManager,
      onUnexpectedError,
    })
    registerGroupCoordinatorMetrics(this.metrics, groupCoordinator)
    const context = this.#createContext(storage, controller, channels, groupCoordinator)
    const handlerPool = new KafkaRequestHandlerPool(this.#runtime, {
      requestChannel: this.#socketServer.requestChannel,
      apis: new KafkaApis(context, onUnexpectedError),
      numThreads: this.#config.getNumber('num.io.threads'),
      metrics: this.metrics,
    })
    const { logManager, replicaManager } = storage
    const publisher = new BrokerMetadataPublisher(this.#config, logManager, replicaManager, groupCoordinator)
    return { storage, groupCoordinator, publisher, channels, lifecycle, handlerPool }
  }

  #createLifecycle(controller: RemoteControllerChannel, previousBrokerEpoch: number): BrokerLifecycleManager {
    const config = this.#config
    const { clusterId, directoryIds } = this.#options.shared.storage
    return new BrokerLifecycleManager(this.#runtime, {
      brokerId: config.nodeId,
      clusterId,
      incarnationId: randomUuid(this.#runtime.random.stream('incarnation id')),
      listeners: this.#advertisedEndpoints(),
      supportedFeatures: SUPPORTED_FEATURES,
      rack: config.get('broker.rack'),
      logDirs: config.logDirs.flatMap(directory => directoryIds.get(directory) ?? []),
      previousBrokerEpoch,
      heartbeatIntervalMs: config.getNumber('broker.heartbeat.interval.ms'),
      registrationTimeoutMs: config.getNumber('initial.broker.registration.timeout.ms'),
      logDirFailureTimeoutMs: config.getNumber('log.dir.failure.timeout.ms'),
      onUnreportedFailure: directoryId =>
        this.#options.faults.halt(`the controller could not be told that log directory ${directoryId} has failed`),
      controller,
      highestMetadataOffset: () => this.#loader?.publishedOffset ?? -1,
    })
  }

  #createContext(
    storage: BrokerStorage,
    controller: RemoteControllerChannel,
    channels: ControllerChannels,
    groupCoordinator: GroupCoordinatorService,
  ): ApiContext {
    const config = this.#config
    const { shared, configSchema } = this.#options
    const sessions = new FetchSessionCache(this.#runtime, {
      maxEntries: config.getNumber('max.incremental.fetch.session.cache.slots'),
      evictionMs: FETCH_SESSION_EVICTION_MS,
      metrics: this.metrics,
    })
    return {
      config: {
        brokerId: config.nodeId,
        autoCreateTopicsEnable: config.getBoolean('auto.create.topics.enable'),
        fetchMaxBytes: config.getNumber('fetch.max.bytes'),
      },
      clusterId: shared.storage.clusterId,
      apis: [...API_HANDLERS.values()].map(handler => handler.api),
      supportedFeatures: SUPPORTED_FEATURES,
      requestChannel: this.#socketServer.requestChannel,
      metadataCache: this.metadataCache,
      replicaManager: storage.replicaManager,
      forwardingManager: new ForwardingManager(channels.forwarding),
      fetchManager: new FetchManager(this.#runtime, sessions),
      autoTopicCreationManager: new AutoTopicCreationManager(controller, {
        numPartitions: config.getNumber('num.partitions'),
        replicationFactor: config.getNumber('default.replication.factor'),
        requestTimeoutMs: config.getNumber('request.timeout.ms'),
        internalTopics: new Map([
          [
            GROUP_METADATA_TOPIC,
            {
              numPartitions: config.getNumber('offsets.topic.num.partitions'),
              replicationFactor: config.getNumber('offsets.topic.replication.factor'),
              configs: groupCoordinator.groupMetadataTopicConfigs,
            },
          ],
        ]),
      }),
      groupCoordinator,
      producerIdManager: new ProducerIdManager(this.#runtime, config.nodeId, () => this.brokerEpoch, controller),
      configAdminManager: new ConfigAdminManager(config.nodeId, configSchema),
      configHelper: new ConfigHelper(config.nodeId, configSchema),
      random: this.#runtime.random.stream('KafkaApis'),
    }
  }

  #failIfEnded({ state }: BrokerLifecycleManager): void {
    this.#options.faults.failIfHalted()
    if (state === 'SHUTTING_DOWN' || state === 'NOT_RUNNING') throw new BrokerStoppedError()
  }

  #advertisedEndpoints(): BrokerEndpoint[] {
    return this.#config.advertisedListeners.map(({ name, host, port }) => ({
      name,
      host,
      port: port === 0 ? this.boundPort(name) : port,
      securityProtocol: PLAINTEXT,
    }))
  }

  #onLogDirFailure(directory: string, cause: Error, storage: BrokerStorage, lifecycle: BrokerLifecycleManager): void {
    const { shared, faults } = this.#options
    if (directory === this.#config.metadataLogDir || storage.logManager.liveLogDirs.length === 0) {
      faults.halt(`log directory ${directory} has failed: ${cause.message}`)
      return
    }
    const directoryId = shared.storage.directoryIds.get(directory)
    if (directoryId !== undefined) lifecycle.propagateDirectoryFailure(directoryId)
  }
}
