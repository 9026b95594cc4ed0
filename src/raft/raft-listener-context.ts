import type { LeaderAndEpoch, RaftBatch, RaftListener, SnapshotReader } from './raft-client.ts'

/** Where a listener's delivery gets its news from. */
export interface RaftProgress<T> {
  readonly nodeId: number
  readonly highWatermark: number | undefined
  readonly leaderAndEpoch: LeaderAndEpoch
  /** Where the epoch in which this node leads has begun; undefined when it does not lead. */
  readonly epochStartOffset: number | undefined
  readonly logStartOffset: number
  readonly hasSnapshot: boolean
  /** Committed batches from `offset` on, at least one when there is one; none when the log no longer begins there. */
  readCommitted(offset: number): Promise<readonly RaftBatch<T>[]> | readonly RaftBatch<T>[]
  openSnapshot(): Promise<SnapshotReader<T>>
}

/** How far one listener has been told. */
export class RaftListenerContext<T> {
  readonly listener: RaftListener<T>
  closed = false
  /** Undefined until anything was delivered. */
  #nextOffset: number | undefined
  #told: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }

  constructor(listener: RaftListener<T>) {
    this.listener = listener
  }

  /** Whether `deliver` has something to tell. */
  hasNews(progress: RaftProgress<T>): boolean {
    return this.#hasCommits(progress) || this.#mustLetGo(progress) || this.#mayHearOfLeader(progress)
  }

  /** Tells the listener the next thing: this node's own leadership only after everything that is committed before it. */
  async deliver(progress: RaftProgress<T>): Promise<void> {
    const leader = progress.leaderAndEpoch
    if (this.#mustLetGo(progress)) {
      // It must have let go of its old epoch before it hears of anything that was committed in the new one.
      await this.#tellLeader(
        leader.leaderId === progress.nodeId ? { leaderId: undefined, epoch: leader.epoch } : leader,
      )
    } else if (this.#mayHearOfLeader(progress)) {
      await this.#tellLeader(leader)
    } else if (this.#needsSnapshot(progress)) {
      await this.#loadSnapshot(progress)
    } else if (this.#hasCommits(progress)) {
      const batches = await progress.readCommitted(this.#nextOffset ?? 0)
      const last = batches.at(-1)
      if (last === undefined) {
        if (this.#needsSnapshot(progress)) return
        throw new Error(`no batch at committed offset ${this.#nextOffset ?? 0}`)
      }
      this.#nextOffset = last.lastOffset + 1
      await this.listener.handleCommit(batches)
    }
  }

  async #loadSnapshot(progress: RaftProgress<T>): Promise<void> {
    const reader = await progress.openSnapshot()
    this.#nextOffset = reader.snapshotId.offset
    await this.listener.handleLoadSnapshot(reader)
  }

  async #tellLeader(leader: LeaderAndEpoch): Promise<void> {
    this.#told = leader
    await this.listener.handleLeaderChange(leader)
  }

  /** The listener still believes that this node leads in an epoch that is over. */
  #mustLetGo({ leaderAndEpoch: { leaderId, epoch }, nodeId }: RaftProgress<T>): boolean {
    return this.#told.leaderId === nodeId && (this.#told.epoch !== epoch || leaderId !== nodeId)
  }

  #mayHearOfLeader({ leaderAndEpoch: { leaderId, epoch }, nodeId, epochStartOffset }: RaftProgress<T>): boolean {
    if (epoch === this.#told.epoch && leaderId === this.#told.leaderId) return false
    if (leaderId !== nodeId) return true
    return epochStartOffset !== undefined && (this.#nextOffset ?? 0) > epochStartOffset
  }

  #hasCommits({ highWatermark }: RaftProgress<T>): boolean {
    return highWatermark !== undefined && (this.#nextOffset ?? 0) < highWatermark
  }

  #needsSnapshot(progress: RaftProgress<T>): boolean {
    if (!this.#hasCommits(progress) || !progress.hasSnapshot) return false
    return this.#nextOffset === undefined || this.#nextOffset < progress.logStartOffset
  }
}
