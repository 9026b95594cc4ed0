import { BOOTSTRAP_FEATURES } from '../../src/controller/feature-control-manager.ts'
import type { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import type { RequestObserver } from '../../src/network/request-observer.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import type { TopicPartition } from '../../src/protocol/topic-partition.ts'
import type { LeaderAndEpoch } from '../../src/raft/raft-client.ts'
import type { ReplicaInspection } from '../../src/server/broker-inspection.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { KafkaRaftServer } from '../../src/server/kafka-raft-server.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { Lane } from '../world/lane.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { NetworkConnection } from '../world/tcp/network.ts'
import type { World } from '../world/world.ts'
import { isOfTheDisk } from './blame.ts'
import { BROKER_PORT, CONTROLLER_PORT, DATA_DIRECTORY, type NodeSpec, nodeProperties } from './node-layout.ts'
import type { ObservationLog, Observer } from './observations.ts'
import type { Probes } from './probes.ts'
import type { ResponseGate } from './response-gate.ts'

export interface ClusterNodeOptions {
  readonly world: World
  readonly spec: NodeSpec
  /** All nodes of the cluster. */
  readonly nodes: readonly NodeSpec[]
  readonly clusterId: string
  /** `server.properties`, on top of what the cluster makes necessary. */
  readonly config: Readonly<Record<string, string>>
  /** Feature levels with which the cluster is formatted; what is absent has the level of a new cluster. */
  readonly features?: Readonly<Record<string, number>> | undefined
  readonly gate: ResponseGate
  readonly probes: Probes
  readonly observations: ObservationLog
  readonly tell: (text: string) => void
  /** Called when the node ends by itself although no fault explains it. */
  readonly onCrash?: ((crash: NodeCrash) => void) | undefined
}

/** How a node can be taken down. */
export type TakeDown = 'kill' | 'power-loss' | 'shutdown'

type State = 'down' | 'starting' | 'running' | 'stopping'
type StopReason = 'kill' | 'power-loss' | 'shutdown' | 'halted' | 'crashed'

/** A node ended by itself although no fault explains it. */
export interface NodeCrash {
  readonly thread: string
  readonly error: unknown
}

/** Whoever shuts a node down waits so long before it is killed (Kubernetes' `terminationGracePeriodSeconds`). */
const SHUTDOWN_GRACE_MS = 30_000

/** A node's machine, and the broker, the controller or both that run, stop, die and start again on it. */
export class ClusterNode {
  readonly id: number
  /** `broker-1`, also the host's name. */
  readonly name: string
  readonly isBroker: boolean
  readonly isController: boolean
  readonly host: SimulatedHost
  readonly gate: ResponseGate
  /** Port of the broker's listener, of the controller's where there is no broker. */
  readonly port: number
  readonly #world: World
  readonly #options: ClusterNodeOptions
  readonly #config: KafkaConfig
  readonly #frozen = new Map<Lane, number>()
  readonly #waiting: (() => void)[] = []
  #state: State = 'down'
  #process: SimulatedProcess | undefined
  #server: KafkaRaftServer | undefined
  #observer: Observer | undefined
  #incarnations = 0
  #wasUnclean = false
  /** Faults that keep the node down. */
  #holds = 0

  /** @throws ConfigError when a key of the configuration has a value Kafka refuses */
  constructor(options: ClusterNodeOptions) {
    const { world, spec, gate } = options
    this.#options = options
    this.#world = world
    this.id = spec.id
    this.name = spec.name
    this.isBroker = spec.isBroker
    this.isController = spec.isController
    this.port = spec.isBroker ? BROKER_PORT : CONTROLLER_PORT
    this.gate = gate
    this.host = world.host(spec.name)
    this.#config = KafkaConfig.fromProperties(nodeProperties(spec, options.nodes, options.config))
  }

  get state(): State {
    return this.#state
  }

  /** The node's process as it runs, for inspection. */
  get server(): KafkaRaftServer | undefined {
    return this.#server
  }

  /** Whether it ended last time without having been shut down. */
  get wasUnclean(): boolean {
    return this.#wasUnclean
  }

  /** `queued.max.requests` */
  get queuedMaxRequests(): number {
    return this.#config.getNumber('queued.max.requests')
  }

  /** `socket.listen.backlog.size` */
  get backlog(): number {
    return this.#config.getNumber('socket.listen.backlog.size')
  }

  get bootstrap(): string {
    return `${this.name}:${this.port}`
  }

  /** The metadata as its broker has it; undefined while there is none. */
  get image(): MetadataImage | undefined {
    return this.#state === 'down' ? undefined : this.#server?.broker?.metadataCache.image
  }

  /** Who leads the metadata quorum as far as this node knows; undefined while it does not take part. */
  get quorum(): LeaderAndEpoch | undefined {
    return this.#raftClient?.leaderAndEpoch
  }

  /** Up to where the metadata log is committed as far as this node knows, exclusive; undefined while it does not know. */
  get committedMetadata(): number | undefined {
    return this.#raftClient?.highWatermark
  }

  /** Its replicas now; none while its broker does not run. */
  replicas(): readonly ReplicaInspection[] {
    return this.#state === 'running' && this.isBroker ? (this.#server?.inspect().replicas ?? []) : []
  }

  /**
   * Starts the node unless it runs or is starting, or a fault keeps it down; one that is shutting down is waited for.
   */
  start(): void {
    if (this.#state === 'stopping') {
      this.#waiting.push(() => this.start())
      return
    }
    if (this.#state !== 'down' || this.#holds > 0) return
    this.#state = 'starting'
    const { observations, probes, clusterId, tell } = this.#options
    const process = this.host.process(this.name)
    const observer = { node: this.id, incarnation: ++this.#incarnations, alive: () => this.#process === process }
    const server = new KafkaRaftServer(process, this.#config, {
      observer: this.#observerOf(process),
      raftObserver: observations.raft(observer),
      replicationObserver: {
        ...observations.replication(observer),
        onFetchingFailed: (partition, cause) => this.#fetchingFailed(process, partition, cause),
      },
      clusterId,
      bootstrapFeatures: bootstrapFeatures(this.#options.features),
      onHalt: reason => this.#halted(process, reason),
    })
    this.#process = process
    this.#server = server
    this.#observer = observer
    process.onCrash = (thread, error) => this.#crashed(process, thread, error)
    if (this.#wasUnclean) probes.hit('broker-unclean-restart')
    observations.node(observer, { kind: 'started' })
    process.threads.start('main', async () => {
      await server.startup()
      if (this.#process !== process) return
      this.#state = 'running'
      tell('is running')
      this.#wake()
    })
  }

  /**
   * Takes the node down and keeps it down until the result is called, which starts it again, unless something else still
   * keeps it down: then it returns false. Undefined when there was nothing to take down.
   */
  takeDown(how: TakeDown): (() => boolean) | undefined {
    this.#holds++ // before it is down: whoever waits for that to start it again must not
    if (!this.#end(how)) {
      this.#holds--
      return undefined
    }
    return () => {
      this.#holds--
      this.start()
      return this.#holds === 0
    }
  }

  get #raftClient(): KafkaRaftServer['raftClient'] | undefined {
    if (this.#state === 'down' || this.#server === undefined) return undefined
    try {
      return this.#server.raftClient
    } catch {
      return undefined // it has not come so far yet
    }
  }

  #end(how: TakeDown): boolean {
    if (how === 'kill') return this.kill()
    return how === 'power-loss' ? this.powerLoss() : this.shutdown()
  }

  /** Ends the process as `kill -9`. False when there is none. */
  kill(): boolean {
    if (this.#state === 'down') return false
    this.#lookAtLag()
    this.host.kill()
    this.#down('kill')
    return true
  }

  powerLoss(): boolean {
    if (!this.host.up) return false
    this.#lookAtLag()
    this.host.powerLoss()
    this.#options.observations.hurt({ node: this.id, kind: 'power-loss' })
    this.#down('power-loss')
    return true
  }

  /** Lets the broker of a running node hand over and stop, its controller go on; resolves when that is done. */
  async shutdownBroker(): Promise<void> {
    const process = this.#process
    const server = this.#server
    if (this.#state !== 'running' || process === undefined || server === undefined) return
    await new Promise<void>(resolve => {
      process.threads.start('shutdown-broker', async () => {
        await server.shutdownBroker()
        resolve()
      })
    })
  }

  /** Begins a clean shutdown; one that takes too long is cut short by a kill. False when the node does not run. */
  shutdown(): boolean {
    const process = this.#process
    const server = this.#server
    if (this.#state !== 'running' || process === undefined || server === undefined) return false
    this.#state = 'stopping'
    process.threads.start('shutdown', async () => {
      await server.shutdown()
      if (this.#process !== process) return
      process.kill()
      this.#options.tell('is shut down')
      this.#down('shutdown')
    })
    this.#world.at(this.#world.nowUs + SHUTDOWN_GRACE_MS * 1000, this.#world.mainLane, 'timer', () => {
      if (this.#process !== process) return
      this.#options.tell(`is killed: its shutdown has taken ${SHUTDOWN_GRACE_MS / 1000} s`)
      this.kill()
    })
    return true
  }

  /** Resolves when the node runs; for the trial's main program. */
  running(): Promise<void> {
    return this.#until('running')
  }

  /** Resolves when the node is down; for the trial's main program. */
  down(): Promise<void> {
    return this.#until('down')
  }

  async #until(state: 'running' | 'down'): Promise<void> {
    const { mainLane } = this.#world
    while (this.#state !== state) {
      await new Promise<void>(resolve => {
        this.#waiting.push(() => this.#world.at(this.#world.nowUs, mainLane, 'wake', resolve))
      })
    }
  }

  /** Empties the disk that holds the logs of topics, as putting in a new one does. For a node that is down. */
  wipeDisk(): void {
    this.host.disk.wipe(DATA_DIRECTORY)
    this.#options.observations.hurt({ node: this.id, kind: 'wipe-disk' })
  }

  /** Threads whose names satisfy `matches` stand still until the result is called; undefined when there are none. */
  freezeThreads(matches: (name: string) => boolean): (() => void) | undefined {
    const lanes: Lane[] = []
    for (const thread of this.#process?.threads ?? []) {
      if (!matches(thread.name)) continue
      lanes.push(thread.lane)
      thread.lane.held ??= []
      this.#frozen.set(thread.lane, (this.#frozen.get(thread.lane) ?? 0) + 1)
    }
    if (lanes.length === 0) return undefined
    return () => {
      for (const lane of lanes) this.#unfreeze(lane)
    }
  }

  #unfreeze(lane: Lane): void {
    const count = (this.#frozen.get(lane) ?? 1) - 1
    if (count > 0) {
      this.#frozen.set(lane, count)
      return
    }
    this.#frozen.delete(lane)
    const { held } = lane
    lane.held = undefined
    if (held !== undefined) this.#world.release(held)
  }

  /** The connection that a connection id of this node (`local-remote-…`) names. */
  connectionOf(connectionId: string): NetworkConnection | undefined {
    const remote = connectionId.split('-').length > 2 ? connectionId : undefined
    return this.#world.network.connections().find(({ client, server }) => {
      const { host, port } = client.local
      return server.kernel.host === this.host && remote?.includes(`-${host}:${port}-`)
    })
  }

  #down(how: StopReason): void {
    const unclean = how !== 'shutdown'
    const uncleanBrokerEpoch = this.#uncleanBrokerEpoch()
    if (this.#observer !== undefined) {
      const epoch = uncleanBrokerEpoch === undefined ? {} : { uncleanBrokerEpoch }
      this.#options.observations.node(this.#observer, { kind: 'stopped', how, ...epoch })
    }
    this.#wasUnclean = unclean
    this.#state = 'down'
    this.#process = undefined
    this.#server = undefined
    this.#observer = undefined
    this.gate.abandon(unclean)
    this.#wake()
  }

  /** Of a process that is about to end; undefined if it may have left the marker of a clean shutdown. */
  #uncleanBrokerEpoch(): number | undefined {
    const epoch = this.#server?.broker?.brokerEpoch ?? -1
    return this.#state === 'stopping' || epoch < 0 ? undefined : epoch
  }

  /** A leader that dies between an append and the high watermark's advance is where logs of replicas part. */
  #lookAtLag(): void {
    const lags = this.replicas().some(
      ({ isLeader, highWatermark, logEndOffset }) => isLeader && highWatermark < logEndOffset,
    )
    if (lags) this.#options.probes.hit('hw-lagging')
  }

  /** What code of an ended process still does on its way out is no news of the node. */
  #observerOf(process: SimulatedProcess): RequestObserver {
    const { gate } = this
    return {
      onRequest: (info, stage) => {
        if (this.#process === process) gate.onRequest(info, stage)
      },
      onHandle: request => (this.#process === process ? gate.onHandle(request) : undefined),
      onResponse: (info, answer) => (this.#process === process ? gate.onResponse(info, answer) : 'send'),
    }
  }

  #wake(): void {
    for (const callback of this.#waiting.splice(0)) callback()
  }

  /** The node gave up by itself, as Kafka does when its only log directory fails. */
  #halted(process: SimulatedProcess, reason: string): void {
    if (this.#process !== process) return
    this.#options.probes.hit('broker-halted')
    this.#options.tell(`halts: ${reason}`)
    process.kill()
    this.#down('halted')
    const { full, failsSyncs } = this.host.disk
    const explained = full || failsSyncs || reason.includes('ENOSPC') || reason.includes('EIO')
    if (!explained) this.#options.onCrash?.({ thread: 'main', error: reason })
  }

  /** Kafka goes on without the partition; what nobody has thought of is an error all the same. */
  #fetchingFailed(process: SimulatedProcess, { topic, partition }: TopicPartition, cause: unknown): void {
    if (this.#process !== process || cause instanceof ApiError || isOfTheDisk(cause)) return
    this.#options.onCrash?.({ thread: `that fetches ${topic}-${partition}`, error: cause })
  }

  #crashed(process: SimulatedProcess, thread: string, error: unknown): void {
    if (this.#process !== process) return
    this.#options.tell(`crashes in thread ${thread}: ${error instanceof Error ? error.message : String(error)}`)
    this.#down('crashed')
    if (!isOfTheDisk(error)) this.#options.onCrash?.({ thread, error })
  }
}

/** Those of a new cluster, but for what the scenario says; a level of 0 is as if there were no such feature. */
function bootstrapFeatures(features: Readonly<Record<string, number>> = {}): ReadonlyMap<string, number> {
  const levels = new Map([...BOOTSTRAP_FEATURES, ...Object.entries(features)])
  return new Map([...levels].filter(([, level]) => level > 0))
}
