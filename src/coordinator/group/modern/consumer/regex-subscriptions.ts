import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './consumer-group-member.ts'

/** The regular expression that a member subscribes with; undefined: none. */
export function regexOf({ subscribedTopicRegex }: ConsumerGroupMember): string | undefined {
  return subscribedTopicRegex || undefined
}

/** How many members subscribe with this expression (ConsumerGroup.numSubscribedMembers). */
export function numSubscribedMembers({ members }: ConsumerGroup, regex: string): number {
  return members.filter(member => regexOf(member) === regex).length
}

/** The expressions that members subscribe with, each once. */
export function subscribedRegularExpressions(members: Iterable<ConsumerGroupMember>): ReadonlySet<string> {
  return new Set([...members].flatMap(member => regexOf(member) ?? []))
}

/** The expressions of these members that nobody else subscribes with (GroupMetadataManager.maybeDeleteResolvedRegularExpressions). */
export function regexesOnlyOf(group: ConsumerGroup, members: readonly ConsumerGroupMember[]): readonly string[] {
  const leaving = new Set(members.map(({ memberId }) => memberId))
  const kept = subscribedRegularExpressions(group.members.filter(({ memberId }) => !leaving.has(memberId)))
  return [...subscribedRegularExpressions(members)].filter(regex => !kept.has(regex))
}
