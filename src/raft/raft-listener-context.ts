import type { LeaderAndEpoch, RaftBatch, RaftListener } from './raft-client.ts'

/** Where a listener's delivery gets its news from. */
export interface RaftProgress<T> {
  readonly highWatermark: number
  readonly leaderAndEpoch: LeaderAndEpoch
  readonly nodeId: number
  /** Committed batches from `offset` on, at least one when there is one. */
  readCommitted(offset: number): Promise<readonly RaftBatch<T>[]> | readonly RaftBatch<T>[]
}

/** How far one listener has been told. */
export class RaftListenerContext<T> {
  readonly listener: RaftListener<T>
  closed = false
  #nextOffset = 0
  #told: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }

  constructor(listener: RaftListener<T>) {
    this.listener = listener
  }

  /** Whether `deliver` has something to tell. */
  hasNews(progress: RaftProgress<T>): boolean {
    return this.#nextOffset < progress.highWatermark || this.#isNews(progress.leaderAndEpoch)
  }

  /** Tells the listener the next thing: this node's own leadership only after everything that is committed. */
  async deliver(progress: RaftProgress<T>): Promise<void> {
    const leader = progress.leaderAndEpoch
    const committed = this.#nextOffset < progress.highWatermark
    if (this.#told.leaderId === progress.nodeId && this.#told.epoch !== leader.epoch) {
      // It must have let go of its old epoch before it hears of anything that was committed in the new one.
      await this.#tellLeader({ leaderId: undefined, epoch: leader.epoch })
    } else if (this.#isNews(leader) && !(committed && leader.leaderId === progress.nodeId)) {
      await this.#tellLeader(leader)
    } else if (committed) {
      const batches = await progress.readCommitted(this.#nextOffset)
      const last = batches.at(-1)
      if (last === undefined) throw new Error(`no batch at committed offset ${this.#nextOffset}`)
      this.#nextOffset = last.lastOffset + 1
      await this.listener.handleCommit(batches)
    }
  }

  async #tellLeader(leader: LeaderAndEpoch): Promise<void> {
    this.#told = leader
    await this.listener.handleLeaderChange(leader)
  }

  #isNews(leader: LeaderAndEpoch): boolean {
    return leader.epoch !== this.#told.epoch || leader.leaderId !== this.#told.leaderId
  }
}
