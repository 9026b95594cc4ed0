import type { CommitOperation, GroupEvent } from '../history/group-history.ts'
import type { GroupSpec } from '../trial/group-spec.ts'

/** Whether a group got to where it should be after healing. */
export interface GroupRecovery {
  /** Every partition has one owner that runs, and every record's offset is committed. */
  readonly converged: boolean
  readonly tookMs: number
  /** What was missing, a sentence each; nothing when it converged. */
  readonly missing: readonly string[]
}

/** What a member that was closed left behind. */
export interface ClosedMember {
  readonly member: number
  readonly run: number
  /** Connections that were still open. */
  readonly connections: number
  /** Timers that fired in the ten seconds after. */
  readonly timers: number
}

/** All that a trial leaves of one consumer group. */
export interface GroupEvidence {
  /** `group-0` */
  readonly groupId: string
  readonly spec: GroupSpec
  /** In order. */
  readonly events: readonly GroupEvent[]
  /** In the order in which they were asked for. */
  readonly commits: readonly CommitOperation[]
  /** How much of the two was left out; where it is not 0, what members did is not judged. */
  readonly dropped: number
  /** By partition: what the coordinator says is committed in the end, −1 when nothing is; undefined when it did not say. */
  readonly committed: readonly (number | undefined)[]
  readonly recovery: GroupRecovery
  readonly closed: readonly ClosedMember[]
}
