import { ControllerApis } from '../controller/controller-apis.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { KafkaConfigSchema } from '../controller/kafka-config-schema.ts'
import { QuorumController } from '../controller/quorum-controller.ts'
import { Metrics } from '../network/metrics.ts'
import type { RequestObserver } from '../network/request-observer.ts'
import { SocketServer } from '../network/socket-server.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { UnexpectedErrorListener } from './api-dispatcher.ts'
import { SUPPORTED_FEATURES } from './broker-features.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { CONTROLLER_APIS } from './controller/controller-handlers.ts'
import { ControllerRequestApis } from './controller/controller-request-apis.ts'
import { KafkaRequestHandlerPool } from './kafka-request-handler-pool.ts'
import { controllerSocketServerConfigOf } from './network-config.ts'
import type { NodeFaults } from './node-faults.ts'
import type { SharedServer } from './shared-server.ts'

export interface ControllerServerOptions {
  readonly shared: SharedServer
  readonly configSchema: KafkaConfigSchema
  readonly faults: NodeFaults
  /** Feature levels that a new cluster begins with; default: those of Kafka 4.2. */
  readonly bootstrapFeatures?: ReadonlyMap<string, number> | undefined
  /** Sees requests of the controller's listeners and may decide the fate of responses. */
  readonly observer?: RequestObserver | undefined
  readonly onUnexpectedError: UnexpectedErrorListener
}

interface Parts {
  readonly controller: QuorumController
  readonly handlerPool: KafkaRequestHandlerPool
}

/**
 * A node's controller role (Kafka's ControllerServer): the quorum controller, and a socket server of its own, on which
 * brokers reach it and voters reach each other.
 */
export class ControllerServer {
  /** Apart from the broker's, whose names they share. */
  readonly metrics: Metrics
  readonly #runtime: Runtime
  readonly #config: KafkaConfig
  readonly #options: ControllerServerOptions
  readonly #socketServer: SocketServer
  #parts: Parts | undefined

  /** Throws ConfigError when a listener's limit is no number. */
  constructor(runtime: Runtime, config: KafkaConfig, options: ControllerServerOptions) {
    this.#runtime = runtime
    this.#config = config
    this.#options = options
    this.metrics = new Metrics(runtime)
    this.#socketServer = new SocketServer(runtime, controllerSocketServerConfigOf(config), {
      metrics: this.metrics,
      observer: options.observer,
      threadPrefix: 'controller',
    })
  }

  get isActive(): boolean {
    return this.#parts?.controller.isActive ?? false
  }

  /** The metadata as this controller has committed it. */
  get committedImage(): MetadataImage {
    if (this.#parts === undefined) throw new Error('the controller is not started')
    return this.#parts.controller.committedImage
  }

  get connectionCount(): number {
    return this.#socketServer.connectionCount
  }

  get requestQueueSize(): number {
    return this.#socketServer.requestChannel.requestQueueSize
  }

  /** The port of a listener, by default the first. */
  boundPort(listenerName: string = this.#config.controllerListeners[0]?.name ?? ''): number {
    return this.#socketServer.boundPort(listenerName)
  }

  /**
   * Starts raft client and controller and opens the port; resolves without waiting for an election. Rejects with
   * `NetworkError` when the port is taken, and with the errors of the metadata log's recovery.
   */
  async startup(): Promise<void> {
    const { shared, faults, onUnexpectedError } = this.#options
    await this.#socketServer.bind()
    const [first] = this.#config.controllerListeners
    await shared.startRaftClient(first?.port === 0 ? this.boundPort() : undefined)
    const controller = this.#createController()
    const channel = new ControllerApis(this.#runtime, controller, {
      deleteTopicEnable: this.#config.getBoolean('delete.topic.enable'),
    })
    const context = {
      clusterId: shared.storage.clusterId,
      apis: CONTROLLER_APIS,
      supportedFeatures: SUPPORTED_FEATURES,
      requestChannel: this.#socketServer.requestChannel,
      metadataCache: {
        get image() {
          return controller.committedImage
        },
      },
      controller: channel,
      raftClient: shared.raftClient,
      controllerNodes: shared.voters,
    }
    const handlerPool = new KafkaRequestHandlerPool(this.#runtime, {
      requestChannel: this.#socketServer.requestChannel,
      apis: new ControllerRequestApis(context, onUnexpectedError),
      numThreads: this.#config.getNumber('num.io.threads'),
      metrics: this.metrics,
      role: 'controller',
    })
    this.#parts = { controller, handlerPool }
    controller.start()
    faults.failIfHalted()
    handlerPool.start()
    await this.#socketServer.enableRequestProcessing()
  }

  /** Leaves the quorum, answers what waits with NOT_CONTROLLER, and ends. Also after a `startup` that failed. */
  async shutdown(): Promise<void> {
    // First the quorum, while the others can still be told of it.
    await this.#options.shared.stopRaftClient()
    await this.#socketServer.stopProcessingRequests()
    await this.#parts?.handlerPool.shutdown()
    await this.#parts?.controller.close()
  }

  #createController(): QuorumController {
    const config = this.#config
    const { shared, configSchema, faults, bootstrapFeatures } = this.#options
    const rebalance = config.getBoolean('auto.leader.rebalance.enable')
    return new QuorumController(this.#runtime, {
      nodeId: config.nodeId,
      clusterId: shared.storage.clusterId,
      raftClient: shared.raftClient,
      configSchema,
      defaultNumPartitions: config.getNumber('num.partitions'),
      defaultReplicationFactor: config.getNumber('default.replication.factor'),
      sessionTimeoutMs: config.getNumber('broker.session.timeout.ms'),
      maxIdleIntervalMs: config.getNumber('metadata.max.idle.interval.ms'),
      leaderImbalanceCheckIntervalMs: rebalance
        ? config.getNumber('leader.imbalance.check.interval.seconds') * 1000
        : undefined,
      uncleanLeaderElectionCheckIntervalMs: config.getNumber('unclean.leader.election.interval.ms'),
      ...(bootstrapFeatures !== undefined && { bootstrapFeatures }),
      onFault: error => faults.onFault(error),
    })
  }
}
