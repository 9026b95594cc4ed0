import type { SubscriptionType } from '../../assignor/consumer-group-partition-assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, sameNames } from './consumer-group-member.ts'

/** The members as they will be with this one, which may take the place of the static member of its name. */
export function membersWith(
  group: ConsumerGroup,
  updated: ConsumerGroupMember,
): ReadonlyMap<string, ConsumerGroupMember> {
  const members = new Map(group.members.map(member => [member.memberId, member]))
  const previous = group.staticMember(updated.instanceId)
  if (previous !== undefined) members.delete(previous.memberId)
  return members.set(updated.memberId, updated)
}

/** Whether all of them read the same topics (ConsumerGroup.subscriptionType). */
export function subscriptionTypeOf(members: Iterable<ConsumerGroupMember>): SubscriptionType {
  const [first, ...others] = members
  if (first === undefined) return 'homogeneous'
  const regex = first.subscribedTopicRegex || null
  if (regex !== null && first.subscribedTopicNames.length > 0) return 'heterogeneous'
  const areSame = others.every(
    other =>
      (other.subscribedTopicRegex || null) === regex &&
      sameNames(other.subscribedTopicNames, first.subscribedTopicNames),
  )
  return areSame ? 'homogeneous' : 'heterogeneous'
}
