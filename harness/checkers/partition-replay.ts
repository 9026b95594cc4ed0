import type { GuaranteeName } from '../trial/scenario.ts'
import type { ReplicaEvent } from './cluster-evidence.ts'
import { atTime } from './describe.ts'
import type { DiskLoss } from './disk-loss.ts'
import type { Violation } from './evidence.ts'
import { Lineage } from './lineage.ts'

type Event<K extends ReplicaEvent['kind']> = Extract<ReplicaEvent, { readonly kind: K }>

/** What is known of a replica at a point of the trial. */
interface Replica {
  lineage: Lineage
  /**
   * Below this it has told that it has appended, which it does once that is flushed, where every append is. A high watermark
   * may go further: followers copy what their leader has not flushed yet.
   */
  toldEnd: number
  /** The role it has, or had when its process ended. */
  role: { readonly kind: 'leader' | 'follower'; readonly epoch: number } | undefined
  /** Its process has ended since: its log may have another end by now than was seen. */
  restarted: boolean
  /** Its disk was damaged, and it has come back with less than was committed. */
  damaged: boolean
  /** What has begun to become of its log, and was not told yet to have been done. */
  pending: Event<'truncating' | 'deleting'> | undefined
  /** Of a leader: what it has told since it leads. */
  highWatermark: number | undefined
  /** Of a leader: the ISR as it last knew it to be committed. */
  isr: Event<'isr-committed'> | undefined
}

function emptyReplica(): Replica {
  return {
    lineage: new Lineage(),
    toldEnd: 0,
    role: undefined,
    restarted: false,
    damaged: false,
    pending: undefined,
    highWatermark: undefined,
    isr: undefined,
  }
}

/** What a replay has to know besides what it sees. */
export interface ReplayOptions {
  readonly partition: number
  /** What a node's disk can have lost before a time. */
  readonly diskLoss: (node: number, ms: number) => DiskLoss
  /** Whether the leader of an epoch was elected without being in sync, as the metadata says. */
  readonly isUnclean: (leaderEpoch: number) => boolean
  /** How many in-sync replicas there must be for anything to become committed; undefined when that cannot be told. */
  readonly minIsr: (partitionEpoch: number) => number | undefined
  /** The ISR as the metadata has it; undefined when that cannot be told. */
  readonly isrAt: (partitionEpoch: number) => readonly number[] | undefined
}

/**
 * Goes through what the replicas of a partition were seen to do, keeping a model of every log, of what each leader had when it
 * began, and of all that was ever shown as committed, and tells what must not happen:
 *
 * - `committed-stays`: what is below a high watermark that somebody told is replaced, cut off, or missing in a new leader; a
 *   leader's high watermark falls; a log is shorter after a restart. Explained, and from then on no longer judged, by an unclean
 *   election, and by the election of a replica whose damaged disk has come back with less than was committed.
 * - `acks-all-means-replicated`: a high watermark, or an ISR, with a member that does not hold all that is below the high watermark;
 *   a high watermark that moves while fewer than `min.insync.replicas` are in sync; one that goes beyond all that leaders told
 *   to be committed; an ISR that the controller has not committed.
 *
 * Events come in the order in which things happened, with two gaps that the model has to bridge: a follower may have copied
 * what its leader is about to tell that it has appended; and what a process did last before it ended may never be told: so
 * much as that it was about to cut or delete its log is.
 */
export class PartitionReplay {
  readonly violations: Violation[] = []
  /** Everything that was ever below a high watermark. */
  readonly committed = new Lineage()
  /** How far it went, by when. */
  readonly commits: { readonly ms: number; readonly end: number }[] = []
  readonly #options: ReplayOptions
  readonly #replicas = new Map<number, Replica>()
  /** By leader epoch: the leader's log, as long as it leads. */
  readonly #leaderships = new Map<number, Lineage>()
  #isExplained = false

  constructor(options: ReplayOptions) {
    this.#options = options
  }

  /** Committed records may be gone, and something that Kafka does not promise to survive is to blame. */
  get isExplained(): boolean {
    return this.#isExplained
  }

  see(event: ReplicaEvent): void {
    const replica = this.#replica(event.node)
    switch (event.kind) {
      case 'became-leader':
        this.#begin(replica, event, 'leader')
        this.#lead(replica, event)
        break
      case 'became-follower':
        this.#begin(replica, event, 'follower')
        break
      case 'deleted':
        this.#replicas.delete(event.node)
        break
      case 'leader-append':
        this.#leaderships.get(event.epoch)?.extend(event.epoch, event.lastOffset + 1)
        replica.lineage.extend(event.epoch, event.lastOffset + 1)
        replica.toldEnd = Math.max(replica.toldEnd, event.lastOffset + 1)
        break
      case 'follower-append':
        this.#fill(replica, event.epoch, event.lastOffset + 1)
        replica.toldEnd = Math.max(replica.toldEnd, event.lastOffset + 1)
        break
      case 'deleting':
      case 'truncating':
        replica.pending = event
        break
      case 'truncated':
        replica.pending = undefined
        this.#cut(replica, event)
        break
      case 'high-watermark':
        if (event.isLeader) {
          this.#raise(replica, event)
        } else {
          this.#judgeUnearned(event)
          this.#commit(replica.lineage, event)
        }
        break
      case 'isr-committed':
        replica.isr = event
        this.#judgeCommittedIsr(event)
        if (replica.highWatermark !== undefined) this.#judgeIsr(replica, event, replica.highWatermark)
        break
      case 'isr-proposed':
        break
    }
  }

  /** The node's process has ended. */
  stopped(node: number): void {
    const replica = this.#replicas.get(node)
    if (replica === undefined) return
    replica.restarted = true
    replica.highWatermark = undefined
    replica.isr = undefined
  }

  #replica(node: number): Replica {
    const known = this.#replicas.get(node)
    if (known !== undefined) return known
    const created = emptyReplica()
    this.#replicas.set(node, created)
    return created
  }

  #begin(replica: Replica, event: Event<'became-leader' | 'became-follower'>, kind: 'leader' | 'follower'): void {
    const { endOffset, epoch } = event
    this.#finishPending(replica, event)
    if (endOffset < replica.lineage.end) this.#shorten(replica, event)
    else if (replica.role === undefined) replica.lineage = new Lineage(endOffset)
    else this.#fill(replica, replica.role.epoch, endOffset)
    replica.role = { kind, epoch }
    replica.restarted = false
    replica.highWatermark = undefined
    replica.isr = undefined
  }

  /** A replica whose log goes up to `end`: with what it has written itself, or copied from the leader of `epoch`. */
  #fill(replica: Replica, epoch: number, end: number): void {
    replica.lineage.extendFrom(this.#leaderships.get(epoch), end, epoch)
  }

  #shorten(replica: Replica, { ms, node, endOffset }: Event<'became-leader' | 'became-follower'>): void {
    const { end } = replica.lineage
    const loss = this.#options.diskLoss(node, ms)
    if (loss === 'anything' || (loss === 'unflushed' && endOffset >= replica.toldEnd)) {
      replica.damaged = endOffset < this.committed.end
    } else {
      const what = `node ${node} holds offsets below ${endOffset} only, and held those below ${end} before`
      this.#violate('committed-stays', 'log-shrinks-unseen', ms, `${what}, though nothing has damaged its disk`)
    }
    replica.lineage.truncate(endOffset)
    replica.toldEnd = Math.min(replica.toldEnd, endOffset)
  }

  /**
   * A broker that starts may take up what it last led, or was elected to lead and never did, until it knows the newest
   * metadata: it serves nobody before that.
   */
  #lead(replica: Replica, event: Event<'became-leader'>): void {
    const isLatest = [...this.#leaderships.keys()].every(epoch => epoch < event.epoch)
    if (!this.#leaderships.has(event.epoch)) this.#leaderships.set(event.epoch, replica.lineage.copy())
    if (isLatest) this.#judgeNewLeader(replica, event)
    this.#judgeUnearned(event)
  }

  /** What a leader begins with, and what a follower is told, some leader has seen to be committed before. */
  #judgeUnearned({ ms, node, highWatermark }: Event<'became-leader' | 'high-watermark'>): void {
    const { end } = this.committed
    if (highWatermark <= end) return
    const what = `node ${node} has the high watermark ${highWatermark}, but no leader has committed more than what is below ${end}`
    this.#violate('acks-all-means-replicated', 'unearned-high-watermark', ms, what)
  }

  #judgeCommittedIsr({ ms, node, isr, partitionEpoch }: Event<'isr-committed'>): void {
    const committed = this.#options.isrAt(partitionEpoch)
    if (committed === undefined) return
    if (committed.length === isr.length && committed.every(id => isr.includes(id))) return
    const what = `node ${node} takes ${isr.join(', ')} for the in-sync replicas in partition epoch ${partitionEpoch}`
    const why = `in the metadata they are ${committed.join(', ')}`
    this.#violate('acks-all-means-replicated', 'isr-was-not-committed', ms, `${what}, but ${why}`)
  }

  #judgeNewLeader({ lineage, damaged }: Replica, { ms, node, epoch, endOffset }: Event<'became-leader'>): void {
    if (this.#options.isUnclean(epoch)) this.#isExplained = true
    if (this.#isExplained) return
    const { committed } = this
    const missing =
      lineage.firstDifference(committed, committed.end) ?? (endOffset < committed.end ? endOffset : undefined)
    if (missing === undefined) return
    if (damaged) {
      this.#isExplained = true
      return
    }
    const what = `node ${node} became the leader in epoch ${epoch} without offset ${missing}`
    this.#violate(
      'committed-stays',
      'leader-lacks-committed',
      ms,
      `${what}, which was committed in epoch ${committed.epochAt(missing)}`,
    )
  }

  /** A process may end after it has cut its log, or deleted it, and before it has told so. */
  #finishPending(replica: Replica, { ms, endOffset }: Pick<ReplicaEvent, 'ms'> & { readonly endOffset: number }): void {
    const { pending, lineage } = replica
    replica.pending = undefined
    if (pending === undefined || endOffset >= lineage.end) return
    if (pending.kind === 'deleting') Object.assign(replica, emptyReplica())
    else if (endOffset >= pending.toOffset)
      this.#cut(replica, { ...pending, kind: 'truncated', ms, toOffset: endOffset })
  }

  #cut(replica: Replica, { ms, node, toOffset, highWatermark }: Event<'truncated'>): void {
    const { lineage } = replica
    if (!this.#isExplained) this.#judgeCut(lineage, { ms, node, toOffset, highWatermark })
    if (toOffset <= lineage.end) lineage.truncate(toOffset)
    else replica.lineage = new Lineage(toOffset)
    replica.toldEnd = Math.min(replica.toldEnd, toOffset)
  }

  #judgeCut(lineage: Lineage, cut: Pick<Event<'truncated'>, 'ms' | 'node' | 'toOffset' | 'highWatermark'>): void {
    const { ms, node, toOffset, highWatermark } = cut
    const what = `node ${node} cut its log to offset ${toOffset}`
    if (toOffset < highWatermark) {
      const below = `below its high watermark ${highWatermark}`
      this.#violate('committed-stays', 'cut-below-high-watermark', ms, `${what}, ${below}`)
      return
    }
    const epoch = lineage.epochAt(toOffset)
    if (epoch === undefined || this.committed.epochAt(toOffset) !== epoch) return
    this.#violate(
      'committed-stays',
      'committed-cut',
      ms,
      `${what}, of which it held the committed record of epoch ${epoch}`,
    )
  }

  #raise(replica: Replica, event: Event<'high-watermark'>): void {
    const { role, highWatermark: before, isr } = replica
    const { ms, node, highWatermark } = event
    if (role?.kind !== 'leader') return
    replica.highWatermark = highWatermark
    if (before !== undefined && highWatermark < before) {
      const what = `the high watermark of node ${node}, the leader in epoch ${role.epoch}, fell`
      this.#violate('committed-stays', 'high-watermark-falls', ms, `${what} from ${before} to ${highWatermark}`)
      return
    }
    // Followers may have what the leader has not told yet.
    replica.lineage.extend(role.epoch, highWatermark)
    this.#leaderships.get(role.epoch)?.extend(role.epoch, highWatermark)
    this.#commit(replica.lineage, event)
    if (isr === undefined) return
    this.#judgeIsr(replica, { ...isr, ms }, highWatermark)
    const minIsr = this.#options.minIsr(isr.partitionEpoch)
    if (minIsr === undefined || isr.isr.length >= minIsr) return
    const what = `node ${node} moved its high watermark to ${highWatermark} with the in-sync replicas ${isr.isr.join(', ')}`
    this.#violate(
      'acks-all-means-replicated',
      'committed-below-min-isr',
      ms,
      `${what}, of which there must be ${minIsr}`,
    )
  }

  /** Everything below a high watermark that a node tells is committed. */
  #commit(lineage: Lineage, { ms, node, highWatermark }: Event<'high-watermark'>): void {
    const { committed } = this
    const changed = this.#isExplained ? undefined : lineage.firstDifference(committed, highWatermark)
    if (changed !== undefined) {
      const epochs = `written in epoch ${committed.epochAt(changed)}; now one of epoch ${lineage.epochAt(changed)} is`
      const what = `node ${node} has the high watermark ${highWatermark}, but at offset ${changed} another record was committed`
      this.#violate('committed-stays', 'committed-replaced', ms, `${what}, ${epochs}`)
    }
    if (highWatermark <= committed.end || highWatermark > lineage.end) return
    committed.extendFrom(lineage, highWatermark, lineage.epochAt(highWatermark - 1) ?? 0)
    this.commits.push({ ms, end: highWatermark })
  }

  /** Whoever is in sync holds what the leader holds, up to the leader's high watermark. */
  #judgeIsr(leader: Replica, { ms, node, isr }: Event<'isr-committed'>, highWatermark: number): void {
    for (const id of isr) {
      const member = this.#replicas.get(id)
      if (id === node || member === undefined || member.restarted) continue
      if (this.#options.diskLoss(id, ms) === 'anything') continue
      const { lineage } = member
      const missing = lineage.end < highWatermark ? lineage.end : lineage.firstDifference(leader.lineage, highWatermark)
      if (missing === undefined) continue
      const what = `node ${node} has the high watermark ${highWatermark} and the in-sync replicas ${isr.join(', ')}`
      this.#violate(
        'acks-all-means-replicated',
        'in-sync-replica-lacks-committed',
        ms,
        `${what}, of which ${id} lacks offset ${missing}`,
      )
    }
  }

  #violate(guarantee: GuaranteeName, kind: string, ms: number, what: string): void {
    const message = `Partition ${this.#options.partition}: at ${atTime(ms)} ${what}.`
    this.violations.push({ guarantee, kind, message })
  }
}
