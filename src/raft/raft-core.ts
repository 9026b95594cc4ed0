import type { Runtime } from '../runtime/runtime.ts'
import { BatchAccumulator, type PendingBatch } from './batch-accumulator.ts'
import { BatchDecoder } from './batch-decoder.ts'
import type { KafkaMetadataLog } from './kafka-metadata-log.ts'
import { leaderChangeBatch } from './leader-change-message.ts'
import { LeaderState } from './leader-state.ts'
import type { QuorumState } from './quorum-state.ts'
import type { LeaderAndEpoch, OffsetAndEpoch, RecordSerde } from './raft-client.ts'
import { InconsistentLeaderError, NonMonotonicHighWatermarkError } from './raft-errors.ts'
import type { Sender } from './raft-messages.ts'
import type { RaftObserver } from './raft-observer.ts'
import type { RequestManager } from './request-manager.ts'

export interface RaftCoreOptions<T> {
  readonly clusterId: string
  readonly serde: RecordSerde<T>
  readonly observer: RaftObserver | undefined
  readonly fetchTimeoutMs: number
  readonly appendLingerMs: number
}

/** Who wants to hear of a change in the moment in which it happens. */
export interface RaftCoreEvents {
  /** Listeners of the log may have something to be told. */
  onNews(): void
  /** There are records that waiting fetches can be answered with. */
  onAppend(): Promise<void>
  onHighWatermark(highWatermark: number): Promise<void>
  /** This node leads no more: whoever waits for it has to look elsewhere. */
  onLeadershipLost(): Promise<void>
}

/**
 * The log, this node's part in the quorum, and how they change together. Only the raft-io thread calls what changes them,
 * so nothing here runs twice at a time.
 */
export class RaftCore<T> {
  readonly runtime: Runtime
  readonly options: RaftCoreOptions<T>
  readonly log: KafkaMetadataLog
  readonly quorum: QuorumState<T>
  readonly requests: RequestManager
  readonly decoder: BatchDecoder<T>
  /** The node gives up its part: it does not stand for election any more. */
  shuttingDown = false
  readonly #events: RaftCoreEvents
  #highWatermark: number | undefined
  #leaderAndEpoch: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }

  constructor(
    runtime: Runtime,
    options: RaftCoreOptions<T>,
    parts: {
      readonly log: KafkaMetadataLog
      readonly quorum: QuorumState<T>
      readonly requests: RequestManager
      readonly events: RaftCoreEvents
    },
  ) {
    this.runtime = runtime
    this.options = options
    this.log = parts.log
    this.quorum = parts.quorum
    this.requests = parts.requests
    this.#events = parts.events
    this.log.onTruncated = (toOffset, epoch) => options.observer?.onTruncated?.(toOffset, this.#highWatermark, epoch)
    this.decoder = new BatchDecoder(options.serde)
    this.#updateLeaderAndEpoch()
  }

  /** What this node knows to be committed; undefined until a leader has said so since the start. Never falls. */
  get highWatermark(): number | undefined {
    return this.#highWatermark
  }

  /** Without a leader from the moment in which this node resigns. */
  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#leaderAndEpoch
  }

  get leader(): LeaderState<T> | undefined {
    const { state } = this.quorum
    return state.kind === 'leader' ? state.leader : undefined
  }

  get logEnd(): OffsetAndEpoch {
    return { offset: this.log.endOffset, epoch: this.log.lastEpoch }
  }

  get sender(): Sender {
    return { clusterId: this.options.clusterId, nodeId: this.quorum.nodeId, epoch: this.quorum.epoch }
  }

  nowMs(): number {
    return this.runtime.clock.monotonicMs()
  }

  becomeUnattached(epoch: number, leaderId?: number): Promise<void> {
    return this.#change(() => this.quorum.toUnattached(epoch, leaderId))
  }

  becomeFollower(epoch: number, leaderId: number): Promise<void> {
    return this.#change(() => this.quorum.toFollower(epoch, leaderId))
  }

  becomeProspective(): Promise<void> {
    return this.#change(() => this.quorum.toProspective())
  }

  async becomeCandidate(): Promise<void> {
    await this.#change(() => this.quorum.toCandidate())
    this.options.observer?.onVoteGranted?.(this.quorum.epoch, this.quorum.nodeId)
  }

  /** Gives up leading. The others hear of it, best successor first. */
  becomeResigned(): Promise<void> {
    return this.#change(() => this.quorum.toResigned(this.leader?.successors() ?? []))
  }

  /**
   * Begins to lead in `epoch`, with a record that says so: only what lies beyond the start of its own epoch may a leader
   * count as committed.
   */
  async becomeLeader(epoch: number, grantingVoters: readonly number[]): Promise<void> {
    const { nodeId, voterIds } = this.quorum
    const { fetchTimeoutMs, appendLingerMs, observer, serde } = this.options
    const epochStartOffset = this.log.endOffset
    const accumulator = new BatchAccumulator<T>({
      epoch,
      baseOffset: epochStartOffset + 1,
      lingerMs: appendLingerMs,
      serde,
    })
    const nowMs = this.nowMs()
    const leader = new LeaderState<T>({
      nodeId,
      voterIds,
      epoch,
      epochStartOffset,
      fetchTimeoutMs,
      nowMs,
      accumulator,
    })
    await this.#change(() => this.quorum.toLeader(leader))
    observer?.onBecameLeader?.(epoch, epochStartOffset)
    const timestampMs = this.runtime.clock.wallMs()
    const begin = { baseOffset: epochStartOffset, epoch, timestampMs, leaderId: nodeId }
    const bytes = leaderChangeBatch({ ...begin, voters: voterIds, grantingVoters })
    await this.#appendAsLeader(leader, bytes)
    this.#events.onNews()
  }

  /** Writes what the leader was given. */
  async appendBatches(leader: LeaderState<T>, batches: readonly PendingBatch<T>[]): Promise<void> {
    const [first] = batches
    if (first === undefined) return
    for (const { batch } of batches) this.decoder.remember(batch)
    await this.#appendAsLeader(leader, batches.length === 1 ? first.bytes : Buffer.concat(batches.map(b => b.bytes)))
  }

  /** The leader's high watermark has moved. */
  async onLeaderHighWatermark(leader: LeaderState<T>): Promise<void> {
    const { highWatermark } = leader
    if (highWatermark === undefined) return
    this.#setHighWatermark(Math.max(highWatermark, this.#highWatermark ?? 0), true)
    await this.#events.onHighWatermark(highWatermark)
  }

  /** The leader has told its high watermark; what this node lacks does not count. */
  updateFollowerHighWatermark(leaderHighWatermark: number): void {
    const highWatermark = Math.min(leaderHighWatermark, this.log.endOffset)
    const known = this.#highWatermark
    if (known !== undefined && highWatermark < known) throw new NonMonotonicHighWatermarkError(known, highWatermark)
    this.#setHighWatermark(highWatermark, false)
  }

  /**
   * A peer says who leads in an epoch that is not below this node's. Throws InconsistentLeaderError when it contradicts what
   * is known.
   */
  async maybeTransition(leaderId: number | undefined, epoch: number): Promise<void> {
    const { quorum } = this
    if (epoch < quorum.epoch) return
    const known = quorum.leaderId
    if (leaderId === quorum.nodeId) {
      // Of a past that this node has lost with its disk: it must not lead in that epoch again, nor follow itself.
      if (epoch > quorum.epoch) await this.becomeUnattached(epoch)
      return
    }
    if (leaderId === undefined || !quorum.voterIds.includes(leaderId)) {
      if (epoch > quorum.epoch) await this.becomeUnattached(epoch)
      return
    }
    if (epoch > quorum.epoch) await this.becomeFollower(epoch, leaderId)
    else if (known !== undefined && known !== leaderId) throw new InconsistentLeaderError(epoch, known, leaderId)
    else if (known === undefined) await this.becomeFollower(epoch, leaderId)
  }

  /** The records can be fetched before they are on disk here, but this node counts itself only after. */
  async #appendAsLeader(leader: LeaderState<T>, bytes: Buffer): Promise<void> {
    await this.log.append(bytes)
    await this.#events.onAppend()
    await this.log.flush()
    if (leader.updateLocal(this.log.endOffset)) await this.onLeaderHighWatermark(leader)
  }

  #setHighWatermark(highWatermark: number, isLeader: boolean): void {
    if (highWatermark === this.#highWatermark) return
    this.#highWatermark = highWatermark
    this.options.observer?.onHighWatermark?.(highWatermark, isLeader)
    this.#events.onNews()
  }

  async #change(to: () => Promise<void> | void): Promise<void> {
    const before = this.quorum.state
    await to()
    if (before.kind === 'follower') await before.fetchingSnapshot?.discard()
    this.requests.resetAll()
    this.#updateLeaderAndEpoch()
    this.#events.onNews()
    if (before.kind !== 'leader') return
    this.options.observer?.onResigned?.(before.epoch)
    await this.#events.onLeadershipLost()
  }

  #updateLeaderAndEpoch(): void {
    const { state, leaderId, epoch } = this.quorum
    this.#leaderAndEpoch = { leaderId: state.kind === 'resigned' ? undefined : leaderId, epoch }
  }
}
