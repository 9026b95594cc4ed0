/**
 * States of a classic group, as DescribeGroups names them (Kafka's ClassicGroupState).
 *
 * - `Empty`: no members; stays until its offsets have expired. Also what a group is that only keeps offsets.
 * - `PreparingRebalance`: JoinGroup requests are held until all members have come or the time is up.
 * - `CompletingRebalance`: members know their generation; SyncGroup requests are held until the leader's has brought the
 *   assignment and it is written.
 * - `Stable`: every member has its assignment.
 * - `Dead`: the group is being removed, or its coordinator is elsewhere now.
 */
export type ClassicGroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

const VALID_PREVIOUS_STATES: Readonly<Record<ClassicGroupState, ReadonlySet<ClassicGroupState>>> = {
  Empty: new Set<ClassicGroupState>(['PreparingRebalance']),
  PreparingRebalance: new Set<ClassicGroupState>(['Stable', 'CompletingRebalance', 'Empty']),
  CompletingRebalance: new Set<ClassicGroupState>(['PreparingRebalance']),
  Stable: new Set<ClassicGroupState>(['CompletingRebalance']),
  Dead: new Set<ClassicGroupState>(['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead']),
}

/** The states from which a group may come to `state`. */
export function validPreviousStates(state: ClassicGroupState): ReadonlySet<ClassicGroupState> {
  return VALID_PREVIOUS_STATES[state]
}
