/** Watches a node's part in the metadata quorum, for tests and checkers. Called synchronously; must not throw. */
export interface RaftObserver {
  /** This node was elected: it leads in `epoch`, and its log ended at `logEndOffset` then. */
  onBecameLeader?(epoch: number, logEndOffset: number): void
  /** This node no longer leads in `epoch`. */
  onResigned?(epoch: number): void
  /**
   * This node has granted a vote (not a pre-vote) in `epoch`. Told again when it starts as the candidate that it was: it may
   * have ended after its vote for itself was on disk and before it was told.
   */
  onVoteGranted?(epoch: number, candidateId: number): void
  onHighWatermark?(highWatermark: number, isLeader: boolean): void
  /**
   * The log is cut to `toOffset`, where a record of `epoch` stood; the high watermark stands at `highWatermark`, undefined when it
   * is not known.
   */
  onTruncated?(toOffset: number, highWatermark: number | undefined, epoch: number): void
}
