import type {
  DiskDamage,
  MetadataLogEvidence,
  ObservedEvent,
  PartitionChange,
  PartitionEvidence,
  ReplicaEvidence,
  StoredBatch,
} from '../../harness/checkers/cluster-evidence.ts'
import type { Evidence } from '../../harness/checkers/evidence.ts'
import { History } from '../../harness/history/history.ts'
import { healthy, PRODUCER, scenarioOf } from './support.ts'

type WithoutPlace<E> = E extends unknown ? Omit<E, 'ms' | 'node' | 'incarnation' | 'partition'> : never

const OF_NODES: ReadonlySet<string> = new Set([
  'started',
  'stopped',
  'quorum-leader',
  'quorum-resigned',
  'vote-granted',
  'quorum-high-watermark',
  'quorum-truncated',
])

/** What nodes 1 to 3 did with partition 0, one thing a millisecond. */
export class Script {
  readonly events: ObservedEvent[] = []
  readonly damage: DiskDamage[] = []
  readonly #incarnations = new Map<number, number>()

  get ms(): number {
    return this.events.length
  }

  add(node: number, event: WithoutPlace<ObservedEvent>): this {
    const incarnation = this.#incarnations.get(node) ?? 1
    const place = OF_NODES.has(event.kind) ? {} : { partition: 0 }
    this.events.push({ ...place, ...event, ms: this.ms, node, incarnation } as ObservedEvent)
    return this
  }

  /** `node` leads in `epoch` with this ISR, the others follow it; all logs end at `endOffset`. */
  leads(node: number, epoch: number, endOffset: number, isr: readonly number[] = [1, 2, 3]): this {
    this.add(node, { kind: 'became-leader', epoch, endOffset, highWatermark: 0 })
    this.add(node, { kind: 'isr-committed', isr, partitionEpoch: epoch })
    for (const follower of isr) if (follower !== node) this.follows(follower, epoch, node, endOffset)
    return this
  }

  follows(node: number, epoch: number, leader: number, endOffset: number): this {
    return this.add(node, { kind: 'became-follower', epoch, leader, endOffset })
  }

  /** The leader appends one offset in `epoch`. */
  appends(node: number, epoch: number, offset: number): this {
    return this.add(node, { kind: 'leader-append', epoch, baseOffset: offset, lastOffset: offset })
  }

  /** Followers copy one offset from the leader of `epoch`. */
  copies(epoch: number, offset: number, ...nodes: readonly number[]): this {
    for (const node of nodes) this.add(node, { kind: 'follower-append', epoch, baseOffset: offset, lastOffset: offset })
    return this
  }

  commits(node: number, highWatermark: number, isLeader = true): this {
    return this.add(node, { kind: 'high-watermark', highWatermark, isLeader })
  }

  cuts(node: number, toOffset: number, highWatermark: number): this {
    return this.add(node, { kind: 'truncated', toOffset, highWatermark })
  }

  /** The node's process ends and starts again. */
  restarts(node: number, how: 'kill' | 'power-loss' = 'kill'): this {
    if (how === 'power-loss') this.damage.push({ ms: this.ms, node, kind: how })
    this.add(node, { kind: 'stopped', how })
    this.#incarnations.set(node, (this.#incarnations.get(node) ?? 1) + 1)
    return this.add(node, { kind: 'started' })
  }
}

/** Three brokers with a replica each, of which two must be in sync. */
export function clusterOf(changes: Partial<Evidence> = {}): Evidence {
  const scenario = scenarioOf([PRODUCER])
  const topic = {
    ...scenario.cluster.topic,
    partitions: 1,
    replicationFactor: 3,
    config: { 'min.insync.replicas': '2' },
  }
  return healthy({
    scenario: { ...scenario, cluster: { ...scenario.cluster, brokers: 3, controllers: 3, topic } },
    history: new History(),
    logs: [],
    observed: { events: [], dropped: 0 },
    ...changes,
  })
}

export function scripted(script: Script, changes: Partial<Evidence> = {}): Evidence {
  return clusterOf({ observed: { events: script.events, dropped: 0 }, damage: script.damage, ...changes })
}

/** A batch of one record whose bytes are told apart by `content`. */
export function batch(offset: number, epoch: number, content = 0): StoredBatch {
  return {
    baseOffset: offset,
    lastOffset: offset,
    epoch,
    crc: offset * 1000 + epoch * 10 + content,
    sound: true,
    control: false,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
  }
}

/** A replica with one record an offset, of these epochs. */
export function replica(
  node: number,
  epochs: readonly number[],
  changes: Partial<ReplicaEvidence> = {},
): ReplicaEvidence {
  return {
    node,
    partition: 0,
    startOffset: 0,
    endOffset: epochs.length,
    highWatermark: epochs.length,
    epochs: epochs
      .map((epoch, startOffset) => ({ epoch, startOffset }))
      .filter(({ epoch }, index) => index === 0 || epochs[index - 1] !== epoch),
    batches: epochs.map((epoch, offset) => batch(offset, epoch)),
    ...changes,
  }
}

export function metadataLog(
  node: number,
  epochs: readonly number[],
  changes: Partial<MetadataLogEvidence> = {},
): MetadataLogEvidence {
  return {
    node,
    voter: true,
    startOffset: 0,
    endOffset: epochs.length,
    highWatermark: epochs.length,
    batches: epochs.map((epoch, offset) => batch(offset, epoch)),
    image: { offset: epochs.length - 1, text: '{}' },
    ...changes,
  }
}

export function partitionState(changes: Partial<PartitionEvidence> = {}): PartitionEvidence {
  return {
    partition: 0,
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    eligible: [],
    ...changes,
  }
}

/** Partition epochs and offsets of the metadata count up. */
export function historyOf(...changes: readonly Partial<PartitionChange>[]): PartitionChange[] {
  return changes.map((change, index) => ({
    offset: index,
    partition: 0,
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: index,
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    eligible: [],
    lastKnownLeader: undefined,
    recovering: false,
    reassigning: false,
    ...change,
  }))
}
