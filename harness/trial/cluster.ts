import type { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import type { PartitionRegistration } from '../../src/controller/partition-registration.ts'
import { randomUuid } from '../../src/protocol/uuid.ts'
import type { LeaderAndEpoch } from '../../src/raft/raft-client.ts'
import type { World } from '../world/world.ts'
import { ClusterNode, type NodeCrash } from './cluster-node.ts'
import { nodesOf } from './node-layout.ts'
import { ObservationLog } from './observations.ts'
import type { Probes } from './probes.ts'
import { ResponseGate } from './response-gate.ts'
import type { ClusterSpec, NodeTarget } from './scenario.ts'

export interface ClusterOptions {
  readonly world: World
  readonly spec: ClusterSpec
  readonly probes: Probes
  /** Adds to the story; `who` is the node. */
  readonly tell: (who: string, text: string) => void
  /** Called when a node ends by itself although no fault explains it. */
  readonly onCrash?: (node: ClusterNode, crash: NodeCrash) => void
}

/** The nodes of a cluster, and who is what among them now. */
export class Cluster {
  /** By id. */
  readonly nodes: readonly ClusterNode[]
  readonly brokers: readonly ClusterNode[]
  readonly controllers: readonly ClusterNode[]
  readonly observations: ObservationLog
  readonly spec: ClusterSpec
  readonly #world: World
  readonly #probes: Probes
  /** What was known of each partition when its last leader began. */
  readonly #known = new Map<number, PartitionRegistration>()
  #assignment: readonly (readonly number[])[] = []

  constructor({ world, spec, probes, tell, onCrash }: ClusterOptions) {
    this.#world = world
    this.#probes = probes
    this.spec = spec
    this.observations = new ObservationLog(world, spec.topic.name, minInsyncReplicas(spec), probes)
    this.observations.onLeader = (node, partition) => this.#judgeElection(node, partition)
    this.observations.tell = (id, text) => tell(this.#node(id)?.name ?? String(id), text)
    const layout = nodesOf(spec)
    const clusterId = randomUuid(world.random('cluster id'))
    this.nodes = layout.map(nodeSpec => {
      const node: ClusterNode = new ClusterNode({
        world,
        spec: nodeSpec,
        nodes: layout,
        clusterId,
        config: spec.config,
        features: spec.features,
        gate: new ResponseGate(probes),
        probes,
        observations: this.observations,
        tell: text => tell(nodeSpec.name, text),
        onCrash: crash => onCrash?.(node, crash),
      })
      return node
    })
    this.brokers = this.nodes.filter(({ isBroker }) => isBroker)
    this.controllers = this.nodes.filter(({ isController }) => isController)
  }

  /** `host:port` of each broker. */
  get bootstrap(): string[] {
    return this.brokers.map(({ bootstrap }) => bootstrap)
  }

  /** Starts every node that does not run and that no fault keeps down. */
  start(): void {
    for (const node of this.nodes) node.start()
  }

  /** Resolves when all nodes run. */
  async running(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.running()))
  }

  /** The newest metadata that a broker has; undefined while none has any. */
  get image(): MetadataImage | undefined {
    let newest: MetadataImage | undefined
    for (const { image } of this.brokers) {
      if (image !== undefined && image.offset > (newest?.offset ?? -1)) newest = image
    }
    return newest
  }

  /** A partition of the topic as the newest metadata has it. */
  partition(partition: number): PartitionRegistration | undefined {
    return this.image?.topics.getTopic(this.spec.topic.name)?.partitions.get(partition)
  }

  /** The replicas that each partition of the topic was created with. */
  get assignment(): readonly (readonly number[])[] {
    return this.#assignment
  }

  /** Takes the replicas that partitions have now for those that they were created with. */
  noteAssignment(): void {
    this.#assignment = Array.from({ length: this.spec.topic.partitions }, (_, index) => {
      return this.partition(index)?.replicas ?? []
    })
  }

  /** The broker that leads a partition of the topic, as far as the newest metadata knows. */
  leaderOf(partition: number): ClusterNode | undefined {
    return this.#node(this.partition(partition)?.leader)
  }

  /** The node that leads the metadata quorum in the newest epoch that a live node knows. */
  activeController(): ClusterNode | undefined {
    let newest: LeaderAndEpoch | undefined
    for (const { quorum: known } of this.nodes) {
      if (known !== undefined && (newest === undefined || known.epoch > newest.epoch)) newest = known
    }
    return this.#node(newest?.leaderId)
  }

  /**
   * The node that a fault hits now; undefined when nobody is what it asks for.
   *
   * @param pick the partition, modulo, for `leader` and `follower`; which of the followers, by what is left of it; which of the
   * other controllers, modulo
   */
  resolve(target: NodeTarget = 0, pick = 0): ClusterNode | undefined {
    if (typeof target === 'number') return this.brokers[target % this.brokers.length]
    if (target === 'controller') return this.activeController()
    if (target === 'voter') {
      const others = this.controllers.filter(node => node !== this.activeController())
      return others[pick % Math.max(1, others.length)]
    }
    const { partitions } = this.spec.topic
    const partition = pick % partitions
    if (target === 'leader') return this.leaderOf(partition)
    const registration = this.partition(partition)
    const followers = registration?.replicas.filter(id => id !== registration.leader) ?? []
    return this.#node(followers[Math.floor(pick / partitions) % Math.max(1, followers.length)])
  }

  /** A node and the next ones of its kind, in a ring; at most all of them. */
  successors(node: ClusterNode, count: number): ClusterNode[] {
    const ring = node.isBroker ? this.brokers : this.controllers
    const start = ring.indexOf(node)
    return Array.from({ length: Math.min(count, ring.length) }, (_, index) => {
      return ring[(start + index) % ring.length] as ClusterNode
    })
  }

  /** What the cluster lacks to be whole, a sentence each; nothing when it is. */
  missing(): string[] {
    const down = this.nodes.filter(({ state }) => state !== 'running')
    const lacks = down.map(({ name }) => `${name} does not run`)
    if (this.activeController() === undefined) lacks.push('the metadata quorum has no leader')
    const { name, partitions, replicationFactor } = this.spec.topic
    for (let index = 0; index < partitions; index++) {
      const partition = this.partition(index)
      const what = `${name}-${index}`
      if (partition === undefined) lacks.push(`${what} does not exist`)
      else lacks.push(...missingOf(partition, replicationFactor).map(lack => `${what} ${lack}`))
    }
    const newest = this.image?.offset ?? -1
    for (const { name: broker, image } of this.brokers) {
      if (image !== undefined && image.offset < newest) lacks.push(`${broker} has not read the metadata to its end`)
    }
    return lacks
  }

  /**
   * What keeps a cluster from being at rest, a sentence each: what it lacks to be whole; leaderships that controllers have
   * committed and not all brokers have taken up; and records that their leader does not know to be committed. While a leadership
   * moves, who leads by the metadata may still have the high watermark of a follower.
   */
  unsettled(): string[] {
    const lacks = this.missing()
    const committed = this.activeController()?.committedMetadata ?? 0
    for (const { name, image } of this.brokers) {
      if (image !== undefined && image.offset < committed - 1)
        lacks.push(`${name} does not know all committed metadata`)
    }
    const { name: topic, partitions } = this.spec.topic
    for (let index = 0; index < partitions; index++) {
      const registration = this.partition(index)
      if (registration !== undefined) lacks.push(...this.#unsettledReplicas(`${topic}-${index}`, index, registration))
    }
    return lacks
  }

  /**
   * Whether the cluster became whole within a time, and what it lacked if not.
   *
   * @param further what else must be empty
   */
  async whole(
    limitMs: number,
    further: () => readonly string[] = () => [],
  ): Promise<{ readonly tookMs: number; readonly missing: readonly string[] }> {
    const startMs = this.#world.nowMs
    for (;;) {
      const missing = [...this.missing(), ...further()]
      const tookMs = this.#world.nowMs - startMs
      if (missing.length === 0 || tookMs >= limitMs) return { tookMs, missing }
      await this.#world.sleep(tookMs < 1000 ? 10 : 100)
    }
  }

  #unsettledReplicas(what: string, index: number, { leader, leaderEpoch, replicas }: PartitionRegistration): string[] {
    return replicas.flatMap(id => {
      const held = this.#node(id)?.replicas() ?? []
      const replica = held.find(({ topic, partition }) => topic === this.spec.topic.name && partition === index)
      if (replica?.leaderId !== leader || replica.leaderEpoch !== leaderEpoch) {
        return [`node ${id} has not heard that ${leader} leads ${what} in epoch ${leaderEpoch}`]
      }
      const { highWatermark, logEndOffset } = replica
      if (id !== leader || highWatermark >= logEndOffset) return []
      return [`${what} is committed up to ${highWatermark} and ends at ${logEndOffset}`]
    })
  }

  #node(id: number | undefined): ClusterNode | undefined {
    return this.nodes.find(node => node.id === id)
  }

  /** Counts how a new leader came to lead, as its own broker's metadata says. */
  #judgeElection(id: number, partition: number): void {
    const topic = this.#node(id)?.image?.topics.getTopic(this.spec.topic.name)
    const registration = topic?.partitions.get(partition)
    if (registration === undefined) return
    const before = this.#known.get(partition)
    this.#known.set(partition, registration)
    if (before === undefined || before.leaderEpoch >= registration.leaderEpoch) return
    if (registration.leaderRecoveryState === 'RECOVERING') this.#probes.hit('unclean-election')
    if (!before.isr.includes(id) && before.elr.includes(id)) this.#probes.hit('elr-used')
  }
}

function missingOf(partition: PartitionRegistration, replicationFactor: number): string[] {
  const { leader, replicas, isr, addingReplicas, removingReplicas } = partition
  const lacks: string[] = []
  if (leader < 0) lacks.push('has no leader')
  const absent = replicas.filter(id => !isr.includes(id))
  if (absent.length > 0) lacks.push(`has replicas that are not in sync: ${absent.join(', ')}`)
  if (addingReplicas.length + removingReplicas.length > 0) lacks.push('is still being reassigned')
  else if (replicas.length !== replicationFactor) lacks.push(`has ${replicas.length} replicas`)
  return lacks
}

export const MIN_INSYNC_REPLICAS = 'min.insync.replicas'

/** As Kafka takes it: never more than there are replicas. */
export function minInsyncReplicas({ config, topic }: ClusterSpec): number {
  return Math.min(
    topic.replicationFactor,
    Number(topic.config[MIN_INSYNC_REPLICAS] ?? config[MIN_INSYNC_REPLICAS] ?? 1),
  )
}
