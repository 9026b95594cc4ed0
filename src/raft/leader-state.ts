import type { BatchAccumulator } from './batch-accumulator.ts'

const OBSERVER_SESSION_TIMEOUT_MS = 300_000
/** Observers beyond are served and not remembered. */
const MAX_OBSERVERS = 1000
const CHECK_QUORUM_TIMEOUT_FACTOR = 1.5

/** How far a replica is, as its leader knows it. Times are -1 when there are none. */
export interface ReplicaState {
  readonly id: number
  endOffset: number | undefined
  /** On the leader's monotonic clock. */
  lastFetchMs: number | undefined
  lastFetchTimestamp: number
  lastCaughtUpTimestamp: number
  /** The leader's end and clock when the replica fetched last. */
  leaderEndOffsetAtFetch: number
}

export interface LeaderStateOptions<T> {
  readonly nodeId: number
  readonly voterIds: readonly number[]
  readonly epoch: number
  /** End of the log when the leader was elected. */
  readonly epochStartOffset: number
  readonly fetchTimeoutMs: number
  readonly nowMs: number
  readonly accumulator: BatchAccumulator<T>
}

/** What the leader of an epoch knows (Kafka's LeaderState): who has fetched how far, and who still does. */
export class LeaderState<T> {
  readonly epoch: number
  readonly epochStartOffset: number
  readonly accumulator: BatchAccumulator<T>
  resignRequested = false
  readonly #nodeId: number
  readonly #voters = new Map<number, ReplicaState>()
  readonly #observers = new Map<number, ReplicaState>()
  /** Voters that have fetched since the check of the quorum began anew. */
  readonly #fetched = new Set<number>()
  readonly #checkQuorumTimeoutMs: number
  readonly #beginQuorumIntervalMs: number
  #checkQuorumDeadlineMs: number
  #nextBeginQuorumMs: number
  #highWatermark: number | undefined

  constructor(options: LeaderStateOptions<T>) {
    const { nodeId, voterIds, epoch, epochStartOffset, fetchTimeoutMs, nowMs, accumulator } = options
    this.#nodeId = nodeId
    this.epoch = epoch
    this.epochStartOffset = epochStartOffset
    this.accumulator = accumulator
    for (const id of voterIds) this.#voters.set(id, newReplica(id))
    this.#checkQuorumTimeoutMs = fetchTimeoutMs * CHECK_QUORUM_TIMEOUT_FACTOR
    this.#beginQuorumIntervalMs = fetchTimeoutMs / 2
    this.#checkQuorumDeadlineMs = nowMs + this.#checkQuorumTimeoutMs
    this.#nextBeginQuorumMs = nowMs
  }

  /** Undefined until a record of this epoch is on a majority of the voters. */
  get highWatermark(): number | undefined {
    return this.#highWatermark
  }

  get voters(): Iterable<ReplicaState> {
    return this.#voters.values()
  }

  /** Those that have fetched in the last five minutes. */
  observers(nowMs: number): Iterable<ReplicaState> {
    for (const [id, { lastFetchMs }] of this.#observers) {
      if (nowMs - (lastFetchMs ?? 0) >= OBSERVER_SESSION_TIMEOUT_MS) this.#observers.delete(id)
    }
    return this.#observers.values()
  }

  /** The leader's log is on disk up to `endOffset`. Whether the high watermark has moved. */
  updateLocal(endOffset: number): boolean {
    const local = this.#voters.get(this.#nodeId)
    if (local === undefined) return false
    local.endOffset = endOffset
    return this.#maybeUpdateHighWatermark()
  }

  /** A replica fetches from `fetchOffset`, and so has all before it. Whether the high watermark has moved. */
  updateReplica(id: number, fetchOffset: number, nowMs: number, wallMs: number): boolean {
    if (id < 0 || id === this.#nodeId) return false
    const voter = this.#voters.get(id)
    const replica = voter ?? this.#observer(id, nowMs)
    if (replica === undefined) return false
    const leaderEnd = this.#voters.get(this.#nodeId)?.endOffset ?? 0
    if (fetchOffset >= leaderEnd) replica.lastCaughtUpTimestamp = wallMs
    else if (fetchOffset >= replica.leaderEndOffsetAtFetch && replica.lastFetchTimestamp > 0) {
      replica.lastCaughtUpTimestamp = Math.max(replica.lastCaughtUpTimestamp, replica.lastFetchTimestamp)
    }
    const isFurther = replica.endOffset !== fetchOffset
    replica.endOffset = fetchOffset
    replica.lastFetchMs = nowMs
    replica.lastFetchTimestamp = wallMs
    replica.leaderEndOffsetAtFetch = leaderEnd
    if (voter === undefined) return false
    this.onVoterFetch(id, nowMs)
    return isFurther && this.#maybeUpdateHighWatermark()
  }

  /** A replica has fetched, log or snapshot: a majority that does so keeps the leader in office. */
  onVoterFetch(id: number, nowMs: number): void {
    if (id === this.#nodeId || !this.#voters.has(id)) return
    this.#fetched.add(id)
    if (this.#fetched.size < Math.floor(this.#voters.size / 2)) return
    this.#fetched.clear()
    this.#checkQuorumDeadlineMs = nowMs + this.#checkQuorumTimeoutMs
  }

  /** 0 when a majority has not fetched for so long that another leader may have been elected. */
  timeUntilCheckQuorumExpiresMs(nowMs: number): number {
    if (this.#voters.size === 1) return Number.POSITIVE_INFINITY
    return Math.max(0, this.#checkQuorumDeadlineMs - nowMs)
  }

  timeUntilBeginQuorumMs(nowMs: number): number {
    if (this.#voters.size === 1) return Number.POSITIVE_INFINITY
    return Math.max(0, this.#nextBeginQuorumMs - nowMs)
  }

  /** The voters that have not fetched of late and so have to be told who leads. Begins the next interval. */
  votersToTell(nowMs: number): number[] {
    this.#nextBeginQuorumMs = nowMs + this.#beginQuorumIntervalMs
    return [...this.#voters.values()]
      .filter(({ id, lastFetchMs }) => {
        return id !== this.#nodeId && (lastFetchMs === undefined || nowMs - lastFetchMs >= this.#beginQuorumIntervalMs)
      })
      .map(({ id }) => id)
  }

  /** The other voters, those that are furthest first. */
  successors(): number[] {
    return this.#byDescendingEndOffset()
      .filter(({ id }) => id !== this.#nodeId)
      .map(({ id }) => id)
  }

  #observer(id: number, nowMs: number): ReplicaState | undefined {
    const known = this.#observers.get(id)
    if (known !== undefined) return known
    if (this.#observers.size >= MAX_OBSERVERS) {
      this.observers(nowMs)
      if (this.#observers.size >= MAX_OBSERVERS) return undefined
    }
    const created = newReplica(id)
    this.#observers.set(id, created)
    return created
  }

  /**
   * The largest offset that a majority has is committed, but only once it lies beyond the start of this epoch: an earlier
   * leader's record may be on a majority and still be replaced (Raft §5.4.2).
   */
  #maybeUpdateHighWatermark(): boolean {
    const committed = this.#byDescendingEndOffset()[Math.floor(this.#voters.size / 2)]?.endOffset
    if (committed === undefined || committed <= this.epochStartOffset) return false
    if (this.#highWatermark !== undefined && committed <= this.#highWatermark) return false
    this.#highWatermark = committed
    return true
  }

  #byDescendingEndOffset(): ReplicaState[] {
    return [...this.#voters.values()].sort((a, b) => (b.endOffset ?? -1) - (a.endOffset ?? -1))
  }
}

function newReplica(id: number): ReplicaState {
  return {
    id,
    endOffset: undefined,
    lastFetchMs: undefined,
    lastFetchTimestamp: -1,
    lastCaughtUpTimestamp: -1,
    leaderEndOffsetAtFetch: -1,
  }
}
