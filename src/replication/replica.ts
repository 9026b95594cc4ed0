import { type LogOffsetMetadata, messageOffsetOnly } from '../log/log-offset-metadata.ts'

const UNKNOWN_OFFSET = -1

/** A fetch of a follower, as its leader notes it. Times are wall time in milliseconds, as in Kafka. */
export interface FollowerFetch {
  /** Where it fetched from: everything below is in its log. */
  readonly fetchOffset: LogOffsetMetadata
  readonly logStartOffset: number
  readonly timeMs: number
  /** The leader's end when the fetch came. */
  readonly leaderEndOffset: number
  /** The epoch under which the follower is registered; -1: not told. */
  readonly brokerEpoch: number
}

/** What a leader knows of one follower (Kafka's Replica). */
export class Replica {
  readonly brokerId: number
  #logStartOffset = UNKNOWN_OFFSET
  #logEndOffset: LogOffsetMetadata = messageOffsetOnly(UNKNOWN_OFFSET)
  #lastFetchLeaderEndOffset = 0
  #lastFetchTimeMs = 0
  #lastCaughtUpTimeMs = 0
  #brokerEpoch: number | undefined

  constructor(brokerId: number) {
    this.brokerId = brokerId
  }

  /** -1 until the follower has fetched. */
  get logStartOffset(): number {
    return this.#logStartOffset
  }

  /** -1 until the follower has fetched. */
  get logEndOffset(): number {
    return this.#logEndOffset.messageOffset
  }

  get logEndOffsetMetadata(): LogOffsetMetadata {
    return this.#logEndOffset
  }

  /** The latest time at which the follower is known to have had everything that the leader had. */
  get lastCaughtUpTimeMs(): number {
    return this.#lastCaughtUpTimeMs
  }

  /** Of its last fetch; undefined when it has not fetched since this broker leads, -1 when it was not told. */
  get brokerEpoch(): number | undefined {
    return this.#brokerEpoch
  }

  /**
   * Takes over where a fetch stands. A follower that fetches from the leader's end is caught up now; one that fetches from
   * where the end was at its fetch before was caught up then, which is what keeps a follower in sync under steady writes.
   */
  updateFetchState({ fetchOffset, logStartOffset, timeMs, leaderEndOffset, brokerEpoch }: FollowerFetch): void {
    if (fetchOffset.messageOffset >= leaderEndOffset) {
      this.#lastCaughtUpTimeMs = Math.max(this.#lastCaughtUpTimeMs, timeMs)
    } else if (fetchOffset.messageOffset >= this.#lastFetchLeaderEndOffset) {
      this.#lastCaughtUpTimeMs = Math.max(this.#lastCaughtUpTimeMs, this.#lastFetchTimeMs)
    }
    this.#logStartOffset = logStartOffset
    this.#logEndOffset = fetchOffset
    this.#lastFetchLeaderEndOffset = Math.max(leaderEndOffset, this.#lastFetchLeaderEndOffset)
    this.#lastFetchTimeMs = timeMs
    this.#brokerEpoch = brokerEpoch
  }

  /**
   * A leader epoch begins. Who is in sync counts as caught up now; who is not must not hold the high watermark back.
   * @param isNewLeader this broker did not lead before: what it knew of the follower is of another time
   */
  reset(nowMs: number, leaderEndOffset: number, isNewLeader: boolean, isInSync: boolean): void {
    this.#lastCaughtUpTimeMs = isInSync ? nowMs : 0
    if (isNewLeader) {
      this.#logStartOffset = UNKNOWN_OFFSET
      this.#logEndOffset = messageOffsetOnly(UNKNOWN_OFFSET)
      this.#lastFetchLeaderEndOffset = UNKNOWN_OFFSET
      this.#lastFetchTimeMs = 0
      this.#brokerEpoch = undefined
    } else {
      this.#lastFetchLeaderEndOffset = leaderEndOffset
      this.#lastFetchTimeMs = isInSync ? nowMs : 0
    }
  }

  /** Whether it has all of the leader's log, or had it not longer than `maxLagMs` ago. */
  isCaughtUp(leaderEndOffset: number, nowMs: number, maxLagMs: number): boolean {
    return leaderEndOffset === this.#logEndOffset.messageOffset || nowMs - this.#lastCaughtUpTimeMs <= maxLagMs
  }
}
