import type { OffsetAndEpoch } from './raft-client.ts'

/** Two nodes claim to lead in one epoch: the quorum's first promise is broken. */
export class InconsistentLeaderError extends Error {
  override readonly name = 'InconsistentLeaderError'

  constructor(epoch: number, known: number, claimed: number) {
    super(`node ${claimed} is said to lead in epoch ${epoch}, in which node ${known} leads`)
  }
}

/** The leader's log lacks what was committed. */
export class TruncationBelowHighWatermarkError extends Error {
  override readonly name = 'TruncationBelowHighWatermarkError'

  constructor(end: OffsetAndEpoch, offset: number, highWatermark: number) {
    super(
      `the leader's log parts at offset ${end.offset} of epoch ${end.epoch}: the log would have to be cut at ${offset}, below the high watermark ${highWatermark}`,
    )
  }
}

/** The leader's high watermark is lower than one that was known before. */
export class NonMonotonicHighWatermarkError extends Error {
  override readonly name = 'NonMonotonicHighWatermarkError'

  constructor(from: number, to: number) {
    super(`the high watermark would go back from ${from} to ${to}`)
  }
}
