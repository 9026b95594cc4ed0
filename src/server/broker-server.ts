import type { BrokerEndpoint } from '../controller/broker-registration.ts'
import { MetadataCache } from '../controller/image/metadata-cache.ts'
import { MetadataLoader } from '../controller/image/metadata-loader.ts'
import { ConfigError } from '../log/config-error.ts'
import { LogDirFailureChannel } from '../log/log-dir-failure-channel.ts'
import { Metrics } from '../network/metrics.ts'
import type { RequestObserver } from '../network/request-observer.ts'
import { SocketServer } from '../network/socket-server.ts'
import type { SocketServerConfig } from '../network/socket-server-config.ts'
import { randomUuid } from '../protocol/uuid.ts'
import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { ApiContext } from './api-handler.ts'
import { AutoTopicCreationManager } from './auto-topic-creation-manager.ts'
import { SUPPORTED_FEATURES } from './broker-features.ts'
import { type BrokerInspection, inspectBroker } from './broker-inspection.ts'
import { BrokerLifecycleManager, type BrokerState } from './broker-lifecycle-manager.ts'
import { BrokerMetadataPublisher } from './broker-metadata-publisher.ts'
import { type BrokerStorage, createBrokerStorage } from './broker-storage.ts'
import { BrokerConfigSchema } from './config/broker-config-schema.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { ConfigAdminManager } from './config-admin-manager.ts'
import { ConfigHelper } from './config-helper.ts'
import { FetchManager } from './fetch-manager.ts'
import { FetchSessionCache } from './fetch-session-cache.ts'
import { API_HANDLERS, KafkaApis } from './kafka-apis.ts'
import { KafkaRequestHandlerPool } from './kafka-request-handler-pool.ts'
import { socketServerConfigOf } from './network-config.ts'
import { ProducerIdManager } from './producer-id-manager.ts'
import { SharedServer, type StartedSharedServer } from './shared-server.ts'

/** A controlled shutdown that takes longer is given up, as in Kafka. */
const CONTROLLED_SHUTDOWN_TIMEOUT_MS = 5 * 60_000
/** A fetch session that was not used for so long makes room for a new one (Kafka's constant). */
const FETCH_SESSION_EVICTION_MS = 120_000
/** Kafka's number of the security protocol PLAINTEXT. */
const PLAINTEXT = 0

export interface BrokerServerOptions {
  /** Sees requests and may decide the fate of responses. */
  readonly observer?: RequestObserver | undefined
  /**
   * The broker can go on no longer: its only log directory or its metadata log has failed. Kafka halts the process then;
   * whoever is told must stop using this server. Default: a crash of the process.
   */
  readonly onHalt?: ((reason: string) => void) | undefined
  /** A fault of this code, as opposed to an error that Kafka has a code for. Default: a crash of the process. */
  readonly onUnexpectedError?: ((error: unknown, where: string) => void) | undefined
  /** The cluster that a node with empty directories joins; default: a new one. */
  readonly clusterId?: string | undefined
}

/** The broker has halted while it was starting. */
export class BrokerHaltedError extends Error {
  override readonly name = 'BrokerHaltedError'
}

interface Parts {
  readonly shared: StartedSharedServer
  readonly storage: BrokerStorage
  readonly loader: MetadataLoader
  readonly lifecycle: BrokerLifecycleManager
  readonly socketServer: SocketServer
  readonly handlerPool: KafkaRequestHandlerPool
}

/**
 * A broker, with the controller in the same process (`process.roles=broker,controller`): puts all parts together, starts
 * them and stops them in Kafka's order.
 */
export class BrokerServer {
  readonly metrics: Metrics
  readonly config: KafkaConfig
  readonly metadataCache = new MetadataCache()
  readonly #runtime: Runtime
  readonly #options: BrokerServerOptions
  readonly #configSchema: BrokerConfigSchema
  readonly #socketServerConfig: SocketServerConfig
  readonly #shared: SharedServer
  readonly #failureChannel = new LogDirFailureChannel()
  #parts: Parts | undefined
  #haltReason: string | undefined

  /** Throws ConfigError when the node is not both broker and controller, or a listener's limit is no number. */
  constructor(runtime: Runtime, config: KafkaConfig, options: BrokerServerOptions = {}) {
    if (!config.isBroker || !config.isController) {
      const roles = config.get('process.roles') ?? ''
      throw new ConfigError('process.roles', roles, 'expected broker,controller: other roles need a controller quorum')
    }
    this.#runtime = runtime
    this.config = config
    this.#options = options
    this.metrics = new Metrics(runtime)
    this.#socketServerConfig = socketServerConfigOf(config)
    this.#configSchema = new BrokerConfigSchema(config)
    this.#shared = new SharedServer(runtime, config, {
      configSchema: this.#configSchema,
      clusterId: options.clusterId,
      onFault: error => this.#onFault(error),
    })
  }

  /** The port of a listener, by default the first. */
  boundPort(listenerName: string = this.config.listeners[0]?.name ?? ''): number {
    return this.#running.socketServer.boundPort(listenerName)
  }

  get clusterId(): string {
    return this.#running.shared.storage.clusterId
  }

  get state(): BrokerState {
    return this.#parts?.lifecycle.state ?? 'NOT_RUNNING'
  }

  /** Why the broker has halted; undefined while it has not. */
  get haltReason(): string | undefined {
    return this.#haltReason
  }

  /** What the broker holds now, for tests and checkers. */
  inspect(): BrokerInspection {
    const { storage, socketServer } = this.#running
    return inspectBroker(this.metadataCache.image, storage.replicaManager, socketServer)
  }

  /**
   * Starts everything; resolves when the broker may lead and clients are served. Rejects with `NetworkError` when a port is
   * taken, with the errors of `formatIfNeeded` and of the metadata log's recovery, with `BrokerHaltedError` when the disk
   * fails, with `RegistrationTimeoutError`. After a rejection, `shutdown` cleans up.
   */
  async startup(): Promise<void> {
    if (this.#parts !== undefined) throw new Error('a broker can be started once')
    const shared = await this.#shared.start()
    const socketServer = new SocketServer(this.#runtime, this.#socketServerConfig, {
      metrics: this.metrics,
      observer: this.#options.observer,
    })
    try {
      await socketServer.bind()
    } catch (error) {
      await this.#shared.stop()
      throw error
    }
    const parts = await this.#assemble(shared, socketServer)
    this.#parts = parts
    shared.raftClient.register(parts.loader)
    parts.lifecycle.start()
    await parts.lifecycle.awaitInitialCatchUp()
    this.#failIfHalted()
    parts.handlerPool.start()
    // Kafka opens its ports last: until the controller has unfenced the broker, clients are refused.
    await parts.lifecycle.awaitUnfenced()
    this.#failIfHalted()
    await socketServer.enableRequestProcessing()
  }

  /** Hands over leaderships, ends all threads, and leaves the logs so that the next start needs no recovery. */
  async shutdown(): Promise<void> {
    const parts = this.#parts
    if (parts === undefined) {
      await this.#shared.stop()
      return
    }
    const { lifecycle, socketServer, storage } = parts
    const controlled = this.#haltReason === undefined && this.config.getBoolean('controlled.shutdown.enable')
    if (controlled) await lifecycle.controlledShutdown(CONTROLLED_SHUTDOWN_TIMEOUT_MS)
    await lifecycle.close()
    await socketServer.stopProcessingRequests()
    await parts.handlerPool.shutdown()
    parts.shared.raftClient.unregister(parts.loader)
    await storage.scheduler.shutdown()
    await storage.replicaManager.shutdown()
    await storage.logManager.shutdown(lifecycle.brokerEpoch)
    await this.#shared.stop()
  }

  async #assemble(shared: StartedSharedServer, socketServer: SocketServer): Promise<Parts> {
    const storage = createBrokerStorage(this.#runtime, this.config, this.metadataCache, this.#failureChannel)
    const loader = new MetadataLoader({
      nodeId: this.config.nodeId,
      highWatermark: () => shared.raftClient.highWatermark,
      publishers: [
        this.metadataCache,
        new BrokerMetadataPublisher(this.config, storage.logManager, storage.replicaManager),
      ],
    })
    const previousBrokerEpoch = await storage.logManager.readBrokerEpochFromCleanShutdownFiles()
    const lifecycle = this.#createLifecycle(shared, socketServer, loader, previousBrokerEpoch)
    this.#failureChannel.onFailure((directory, cause) =>
      this.#onLogDirFailure(directory, cause, shared, storage, lifecycle),
    )
    const context = this.#createContext(shared, storage, lifecycle, socketServer)
    const handlerPool = new KafkaRequestHandlerPool(this.#runtime, {
      requestChannel: socketServer.requestChannel,
      apis: new KafkaApis(context, this.#options.onUnexpectedError ?? (error => this.#crash(error))),
      numThreads: this.config.getNumber('num.io.threads'),
      metrics: this.metrics,
    })
    return { shared, storage, loader, lifecycle, socketServer, handlerPool }
  }

  #createLifecycle(
    shared: StartedSharedServer,
    socketServer: SocketServer,
    loader: MetadataLoader,
    previousBrokerEpoch: number,
  ): BrokerLifecycleManager {
    const { config } = this
    const { clusterId, directoryIds } = shared.storage
    return new BrokerLifecycleManager(this.#runtime, {
      brokerId: config.nodeId,
      clusterId,
      incarnationId: randomUuid(this.#runtime.random.stream('incarnation id')),
      listeners: this.#advertisedEndpoints(socketServer),
      supportedFeatures: SUPPORTED_FEATURES,
      rack: config.get('broker.rack'),
      logDirs: config.logDirs.flatMap(directory => directoryIds.get(directory) ?? []),
      previousBrokerEpoch,
      heartbeatIntervalMs: config.getNumber('broker.heartbeat.interval.ms'),
      sessionTimeoutMs: config.getNumber('broker.session.timeout.ms'),
      registrationTimeoutMs: config.getNumber('initial.broker.registration.timeout.ms'),
      controller: shared.controller.channel,
      highestMetadataOffset: () => loader.publishedOffset,
    })
  }

  #createContext(
    shared: StartedSharedServer,
    storage: BrokerStorage,
    lifecycle: BrokerLifecycleManager,
    socketServer: SocketServer,
  ): ApiContext {
    const { config } = this
    const controller = shared.controller.channel
    const sessions = new FetchSessionCache(this.#runtime, {
      maxEntries: config.getNumber('max.incremental.fetch.session.cache.slots'),
      evictionMs: FETCH_SESSION_EVICTION_MS,
      metrics: this.metrics,
    })
    return {
      config: {
        brokerId: config.nodeId,
        autoCreateTopicsEnable: config.getBoolean('auto.create.topics.enable'),
        deleteTopicEnable: config.getBoolean('delete.topic.enable'),
        fetchMaxBytes: config.getNumber('fetch.max.bytes'),
      },
      clusterId: shared.storage.clusterId,
      apis: [...API_HANDLERS.values()].map(handler => handler.api),
      supportedFeatures: SUPPORTED_FEATURES,
      requestChannel: socketServer.requestChannel,
      metadataCache: this.metadataCache,
      replicaManager: storage.replicaManager,
      controller,
      fetchManager: new FetchManager(this.#runtime, sessions),
      autoTopicCreationManager: new AutoTopicCreationManager(controller, {
        numPartitions: config.getNumber('num.partitions'),
        replicationFactor: config.getNumber('default.replication.factor'),
        requestTimeoutMs: config.getNumber('request.timeout.ms'),
      }),
      producerIdManager: new ProducerIdManager(this.#runtime, config.nodeId, () => lifecycle.brokerEpoch, controller),
      configAdminManager: new ConfigAdminManager(config.nodeId, this.#configSchema, controller),
      configHelper: new ConfigHelper(config.nodeId, this.#configSchema),
      random: this.#runtime.random.stream('KafkaApis'),
    }
  }

  #advertisedEndpoints(socketServer: SocketServer): BrokerEndpoint[] {
    return this.config.advertisedListeners.map(({ name, host, port }) => ({
      name,
      host,
      port: port === 0 ? socketServer.boundPort(name) : port,
      securityProtocol: PLAINTEXT,
    }))
  }

  #onLogDirFailure(
    directory: string,
    cause: Error,
    shared: StartedSharedServer,
    storage: BrokerStorage,
    lifecycle: BrokerLifecycleManager,
  ): void {
    if (directory === this.config.metadataLogDir || storage.logManager.liveLogDirs.length === 0) {
      this.#halt(`log directory ${directory} has failed: ${cause.message}`)
      return
    }
    const directoryId = shared.storage.directoryIds.get(directory)
    if (directoryId !== undefined) lifecycle.propagateDirectoryFailure(directoryId)
  }

  /** Metadata log or controller cannot go on. */
  #onFault(error: unknown): void {
    if (error instanceof DiskError) this.#halt(`the metadata log has failed: ${error.message}`)
    else this.#crash(error)
  }

  #halt(reason: string): void {
    if (this.#haltReason !== undefined) return
    this.#haltReason = reason
    this.#parts?.lifecycle.beginShutdown() // whoever waits for a state would wait for ever
    if (this.#options.onHalt === undefined) this.#crash(new BrokerHaltedError(reason))
    else this.#options.onHalt(reason)
  }

  #crash(error: unknown): void {
    this.#runtime.threads.start('broker-fault', () => Promise.reject(error))
  }

  #failIfHalted(): void {
    if (this.#haltReason !== undefined) throw new BrokerHaltedError(this.#haltReason)
  }

  get #running(): Parts {
    if (this.#parts === undefined) throw new Error('the broker is not started')
    return this.#parts
  }
}
