import type { LeaderAndEpoch } from '../metadata.ts'

/** Where a partition is read next. */
export interface FetchPosition {
  readonly offset: number
  /** Leader epoch of the last record that was read, to find out whether the log was cut below it. */
  readonly offsetEpoch: number | undefined
  /** The leader that the position was last valid with. */
  readonly currentLeader: LeaderAndEpoch
}

export const NO_LEADER_OR_EPOCH: LeaderAndEpoch = { leader: undefined, epoch: undefined }

export function isSameLeader(one: LeaderAndEpoch, other: LeaderAndEpoch): boolean {
  return (
    one.epoch === other.epoch &&
    one.leader?.id === other.leader?.id &&
    one.leader?.host === other.leader?.host &&
    one.leader?.port === other.leader?.port
  )
}

export function isSamePosition(one: FetchPosition, other: FetchPosition): boolean {
  return (
    one.offset === other.offset &&
    one.offsetEpoch === other.offsetEpoch &&
    isSameLeader(one.currentLeader, other.currentLeader)
  )
}
