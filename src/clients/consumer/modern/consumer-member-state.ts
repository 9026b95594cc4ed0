/**
 * Where a member of the consumer protocol stands with its group (Kafka's MemberState).
 *
 * - `unsubscribed`: no member; it may commit still.
 * - `joining`: sends epoch 0 until it is taken in.
 * - `reconciling`: has heard of another assignment and makes it its own.
 * - `acknowledging`: has done so; the next heartbeat, which is due at once, tells it.
 * - `stable`: owns what it is assigned.
 * - `fenced`: the group goes on without it; it gives up its partitions, then joins again.
 * - `prepare-leaving`: gives its partitions away to leave.
 * - `leaving`: has done so; the next heartbeat, which is due at once, tells it.
 * - `fatal`: an error that nothing can be done about; it sends nothing any more.
 * - `stale`: has left because the application did not poll; joins again with the next poll.
 */
export type ConsumerMemberState =
  | 'unsubscribed'
  | 'joining'
  | 'reconciling'
  | 'acknowledging'
  | 'stable'
  | 'fenced'
  | 'prepare-leaving'
  | 'leaving'
  | 'fatal'
  | 'stale'

/** From which states each may follow. */
const PREVIOUS: Readonly<Record<ConsumerMemberState, readonly ConsumerMemberState[]>> = {
  stable: ['joining', 'acknowledging', 'reconciling'],
  reconciling: ['stable', 'joining', 'acknowledging', 'reconciling'],
  acknowledging: ['reconciling'],
  fatal: ['joining', 'stable', 'reconciling', 'acknowledging', 'prepare-leaving', 'leaving', 'unsubscribed'],
  fenced: ['joining', 'stable', 'reconciling', 'acknowledging', 'prepare-leaving', 'leaving'],
  joining: ['fenced', 'unsubscribed', 'stale'],
  'prepare-leaving': ['joining', 'stable', 'reconciling', 'acknowledging', 'unsubscribed'],
  leaving: ['prepare-leaving'],
  unsubscribed: ['prepare-leaving', 'leaving', 'fenced'],
  stale: ['leaving'],
}

export function canFollow(from: ConsumerMemberState, to: ConsumerMemberState): boolean {
  return from === to || PREVIOUS[to].includes(from)
}

/** Whether the member is in the group and intends to stay, so that it takes assignments. */
export function canHandleNewAssignment(state: ConsumerMemberState): boolean {
  return PREVIOUS.reconciling.includes(state)
}

/** Whether the group knows nothing of the member. */
export function isNotInGroup(state: ConsumerMemberState): boolean {
  return state === 'unsubscribed' || state === 'fenced' || state === 'fatal' || state === 'stale'
}
