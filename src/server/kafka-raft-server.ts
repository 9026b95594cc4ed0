import { ConfigError } from '../config/config-error.ts'
import type { MetadataRecord } from '../controller/metadata-records.ts'
import type { Metrics } from '../network/metrics.ts'
import type { RequestObserver } from '../network/request-observer.ts'
import type { KafkaRaftClient } from '../raft/kafka-raft-client.ts'
import type { RaftObserver } from '../raft/raft-observer.ts'
import type { ReplicationObserver } from '../replication/replication-observer.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { UnexpectedErrorListener } from './api-dispatcher.ts'
import type { BrokerInspection } from './broker-inspection.ts'
import type { BrokerState } from './broker-lifecycle-manager.ts'
import { BrokerServer } from './broker-server.ts'
import { BrokerConfigSchema } from './config/broker-config-schema.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { ControllerServer } from './controller-server.ts'
import { NodeFaults } from './node-faults.ts'
import { SharedServer } from './shared-server.ts'

export interface KafkaRaftServerOptions {
  /** Sees requests of brokers' and controllers' listeners alike, and may decide the fate of responses. */
  readonly observer?: RequestObserver | undefined
  /** Watches this node's part in the metadata quorum. */
  readonly raftObserver?: RaftObserver | undefined
  /** Watches the broker's replicas. */
  readonly replicationObserver?: ReplicationObserver | undefined
  /**
   * The node can go on no longer: its only log directory or its metadata log has failed. Kafka halts the process then;
   * whoever is told must stop using this server. Default: a crash of the process.
   */
  readonly onHalt?: ((reason: string) => void) | undefined
  /** A fault of this code, as opposed to an error that Kafka has a code for. Default: a crash of the process. */
  readonly onUnexpectedError?: UnexpectedErrorListener | undefined
  /** The cluster that a node with empty directories joins, the same for all nodes of it; default: a new one. */
  readonly clusterId?: string | undefined
  /** Feature levels that a new cluster begins with, as `kafka-storage format --feature` gives them; default: Kafka 4.2's. */
  readonly bootstrapFeatures?: ReadonlyMap<string, number> | undefined
}

/** A node of a cluster with the roles that `process.roles` gives it (Kafka's KafkaRaftServer). */
export class KafkaRaftServer {
  readonly config: KafkaConfig
  /** Undefined on a node that is only a controller. */
  readonly broker: BrokerServer | undefined
  /** Undefined on a node that is only a broker. */
  readonly controller: ControllerServer | undefined
  readonly #shared: SharedServer
  readonly #faults: NodeFaults
  #state: 'new' | 'started' | 'stopping' | 'stopped' = 'new'

  /** Throws ConfigError when the voters are not named, or a listener's limit is no number. */
  constructor(runtime: Runtime, config: KafkaConfig, options: KafkaRaftServerOptions = {}) {
    if (config.quorumVoters.length === 0) {
      throw new ConfigError(
        'controller.quorum.voters',
        '',
        'expected a list of id@host:port: only fixed voters are built',
      )
    }
    const { observer, raftObserver, replicationObserver, onHalt, clusterId, bootstrapFeatures } = options
    this.config = config
    const faults = new NodeFaults(runtime, { onHalt })
    const onUnexpectedError = options.onUnexpectedError ?? (error => faults.crash(error))
    const configSchema = new BrokerConfigSchema(config)
    const shared = new SharedServer(runtime, config, { clusterId, faults, raftObserver })
    const common = { shared, configSchema, faults, observer, onUnexpectedError }
    this.#faults = faults
    this.#shared = shared
    this.broker = config.isBroker ? new BrokerServer(runtime, config, { ...common, replicationObserver }) : undefined
    this.controller = config.isController
      ? new ControllerServer(runtime, config, { ...common, bootstrapFeatures })
      : undefined
  }

  /** Throws before `startup` has come so far. */
  get raftClient(): KafkaRaftClient<MetadataRecord> {
    return this.#shared.raftClient
  }

  /** The metrics of the broker, or of the controller where there is no broker. */
  get metrics(): Metrics {
    return this.#main.metrics
  }

  /** Why the node has halted; undefined while it has not. */
  get haltReason(): string | undefined {
    return this.#faults.haltReason
  }

  get clusterId(): string {
    return this.#shared.storage.clusterId
  }

  /** The broker's state; a node that is only a controller is RUNNING from its start to its end. */
  get state(): BrokerState {
    if (this.broker !== undefined) return this.broker.state
    if (this.#state === 'stopping') return 'SHUTTING_DOWN'
    return this.#state === 'started' ? 'RUNNING' : 'NOT_RUNNING'
  }

  /** The port of a listener; by default the first of the broker, or of the controller where there is no broker. */
  boundPort(listenerName?: string): number {
    const isController = listenerName !== undefined && this.config.controllerListenerNames.includes(listenerName)
    return (isController ? (this.controller ?? this.#main) : this.#main).boundPort(listenerName)
  }

  /** What the broker holds now, for tests and checkers. Throws on a node that is no broker. */
  inspect(): BrokerInspection {
    if (this.broker === undefined) throw new Error(`node ${this.config.nodeId} is no broker`)
    return this.broker.inspect()
  }

  /**
   * Starts everything. Resolves when the broker may lead and clients are served; on a node that is only a controller when
   * its raft client runs and its port is open. To be called once.
   *
   * @throws NetworkError when a port is taken; what `formatIfNeeded` and the recovery of the metadata log throw;
   *   BrokerHaltedError when the disk fails; RegistrationTimeoutError; BrokerStoppedError. `shutdown` cleans up then.
   */
  async startup(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a node can be started once')
    this.#state = 'started'
    await this.#shared.format()
    if (this.controller !== undefined) await this.controller.startup()
    else await this.#shared.startRaftClient(undefined)
    if (this.broker !== undefined) await this.broker.startup()
    else this.#shared.startLoader([])
  }

  /**
   * The broker hands over its leaderships and stops; the controller goes on. A cluster that is to stop as a whole stops all
   * its brokers first: without a quorum a broker would wait for the controller's leave, up to five minutes. Idempotent.
   */
  async shutdownBroker(): Promise<void> {
    if (this.#state === 'new') return
    this.#brokerStopped ??= this.broker?.shutdown()
    await this.#brokerStopped
  }

  /** Stops the broker, then the controller. */
  async shutdown(): Promise<void> {
    if (this.#state === 'new' || this.#state === 'stopped') return
    await this.shutdownBroker()
    this.#state = 'stopping'
    await this.#shared.stopLoader()
    if (this.controller !== undefined) await this.controller.shutdown()
    else await this.#shared.stopRaftClient()
    this.#state = 'stopped'
  }

  #brokerStopped: Promise<void> | undefined

  get #main(): BrokerServer | ControllerServer {
    const main = this.broker ?? this.controller
    if (main === undefined) throw new Error('a node has at least one role')
    return main
  }
}
