import { GROUP_METADATA_TOPIC } from '../../src/coordinator/group/group-coordinator-service.ts'
import type { TopicPartition } from '../../src/protocol/topic-partition.ts'
import type { RaftObserver } from '../../src/raft/raft-observer.ts'
import type { ReplicationObserver } from '../../src/replication/replication-observer.ts'
import type { DiskDamage, NodeEvent, Observations, ObservedEvent } from '../checkers/cluster-evidence.ts'
import type { World } from '../world/world.ts'
import type { Probes } from './probes.ts'

/** More of them are counted only; a trial of a few seconds has some thousands. */
const MAX_EVENTS = 50_000

/** Which start of which node observes. */
export interface Observer {
  readonly node: number
  readonly incarnation: number
  /** False once its process has ended: what is left of it may still run a few steps. */
  readonly alive: () => boolean
}

type WithoutPlace<E> = E extends unknown ? Omit<E, 'ms' | 'node' | 'incarnation'> : never

/** Writes down what nodes do, in order, and counts the interesting states among it. */
export class ObservationLog implements Observations {
  readonly events: ObservedEvent[] = []
  readonly damage: DiskDamage[] = []
  dropped = 0
  /** Called when a broker begins to lead a partition of the topic. */
  onLeader: ((node: number, partition: number) => void) | undefined
  /** Adds to the story what a person must know of what nodes do: who leads, who is in sync, what is cut off. */
  tell: ((node: number, text: string) => void) | undefined
  readonly #world: World
  readonly #topic: string
  readonly #minIsr: number
  readonly #probes: Probes
  readonly #leaders = new Map<number, number>()
  /** By partition of the coordinators' topic. */
  readonly #coordinators = new Map<number, number>()
  readonly #isrs = new Map<number, { readonly size: number; readonly partitionEpoch: number }>()
  #quorumLeader: number | undefined

  /**
   * @param topic whose replicas are observed; others are not
   * @param minIsr below which its producers are refused
   */
  constructor(world: World, topic: string, minIsr: number, probes: Probes) {
    this.#world = world
    this.#topic = topic
    this.#minIsr = minIsr
    this.#probes = probes
  }

  node(observer: Observer, event: WithoutPlace<NodeEvent>): void {
    this.#add(observer, event)
  }

  hurt(damage: Omit<DiskDamage, 'ms'>): void {
    this.damage.push({ ms: this.#world.nowMs, ...damage })
  }

  /** Watches the replicas of a broker. */
  replication(observer: Observer): ReplicationObserver {
    const on = ({ topic, partition }: TopicPartition, event: object): boolean => {
      if (topic !== this.#topic || !observer.alive()) return false
      this.#add(observer, { partition, ...event } as WithoutPlace<ObservedEvent>)
      return true
    }
    return {
      onBecameLeader: (at, epoch, endOffset, highWatermark) => {
        if (at.topic === GROUP_METADATA_TOPIC && observer.alive()) this.#newCoordinator(observer.node, at)
        if (!on(at, { kind: 'became-leader', epoch, endOffset, highWatermark })) return
        this.#newLeader(observer.node, at.partition)
        this.tell?.(observer.node, `leads ${nameOf(at)} from offset ${endOffset} on, in epoch ${epoch}`)
      },
      onBecameFollower: (at, epoch, leader, endOffset) => on(at, { kind: 'became-follower', epoch, leader, endOffset }),
      onDeleting: at => on(at, { kind: 'deleting' }),
      onDeleted: at => on(at, { kind: 'deleted' }),
      onLeaderAppend: (at, epoch, baseOffset, lastOffset) => {
        if (on(at, { kind: 'leader-append', epoch, baseOffset, lastOffset })) this.#probes.hit('leader-appended')
      },
      onFollowerAppend: (at, epoch, baseOffset, lastOffset) =>
        on(at, { kind: 'follower-append', epoch, baseOffset, lastOffset }),
      onTruncating: (at, toOffset, highWatermark) => {
        if (on(at, { kind: 'truncating', toOffset, highWatermark })) this.#probes.hit('follower-truncating')
      },
      onTruncated: (at, toOffset, highWatermark) => {
        if (!on(at, { kind: 'truncated', toOffset, highWatermark })) return
        this.#probes.hit('follower-truncated')
        this.tell?.(observer.node, `cuts off its log of ${nameOf(at)} at offset ${toOffset}`)
      },
      onHighWatermark: (at, highWatermark, isLeader) => on(at, { kind: 'high-watermark', highWatermark, isLeader }),
      onIsrProposed: (at, isr) => {
        if (!on(at, { kind: 'isr-proposed', isr: [...isr] })) return
        const known = this.#isrs.get(at.partition)
        if (known !== undefined) this.#probes.hit(isr.length < known.size ? 'isr-shrinking' : 'isr-expanding')
      },
      onIsrCommitted: (at, isr, partitionEpoch) => {
        if (!on(at, { kind: 'isr-committed', isr: [...isr], partitionEpoch })) return
        if (!this.#newIsr(at.partition, isr.length, partitionEpoch)) return
        this.tell?.(observer.node, `has ${isr.join(',')} in sync of ${nameOf(at)}`)
      },
    }
  }

  /** Watches a node's part in the metadata quorum. */
  raft(observer: Observer): RaftObserver {
    const on = (event: WithoutPlace<ObservedEvent>): void => {
      if (observer.alive()) this.#add(observer, event)
    }
    return {
      onBecameLeader: (epoch, endOffset) => {
        on({ kind: 'quorum-leader', epoch, endOffset })
        if (observer.alive()) this.tell?.(observer.node, `leads the metadata quorum in epoch ${epoch}`)
        if (this.#quorumLeader !== undefined && this.#quorumLeader !== observer.node) {
          this.#probes.hit('controller-changed')
        }
        this.#quorumLeader = observer.node
      },
      onResigned: epoch => on({ kind: 'quorum-resigned', epoch }),
      onVoteGranted: (epoch, candidate) => {
        on({ kind: 'vote-granted', epoch, candidate })
        this.#probes.hit('vote-granted')
      },
      onHighWatermark: (highWatermark, isLeader) => on({ kind: 'quorum-high-watermark', highWatermark, isLeader }),
      onTruncated: (toOffset, highWatermark, epoch) => {
        on({ kind: 'quorum-truncated', toOffset, highWatermark, epoch })
        this.#probes.hit('metadata-truncated')
      },
    }
  }

  #add({ node, incarnation }: Observer, event: WithoutPlace<ObservedEvent>): void {
    if (this.events.length >= MAX_EVENTS) {
      this.dropped++
      return
    }
    this.events.push({ ms: this.#world.nowMs, node, incarnation, ...event } as ObservedEvent)
  }

  #newLeader(node: number, partition: number): void {
    const before = this.#leaders.get(partition)
    this.#leaders.set(partition, node)
    if (before !== undefined && before !== node) this.#probes.hit('leader-changed')
    this.onLeader?.(node, partition)
  }

  #newCoordinator(node: number, at: TopicPartition): void {
    const before = this.#coordinators.get(at.partition)
    this.#coordinators.set(at.partition, node)
    if (before === undefined || before === node) return
    this.#probes.hit('coordinator-changed')
    this.tell?.(node, `coordinates in place of node ${before}: it leads ${nameOf(at)}`)
  }

  /** Whether this is another ISR than the last one that was known. */
  #newIsr(partition: number, size: number, partitionEpoch: number): boolean {
    const before = this.#isrs.get(partition)
    if (before !== undefined && before.partitionEpoch >= partitionEpoch) return false
    this.#isrs.set(partition, { size, partitionEpoch })
    if (before === undefined || before.size === size) return false
    this.#probes.hit(size < before.size ? 'isr-shrunk' : 'isr-expanded')
    if (size >= before.size) return true
    if (size === 1) this.#probes.hit('isr-of-one')
    if (size < this.#minIsr) this.#probes.hit('isr-below-minimum')
    return true
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
