import type { GroupSpec, MemberSpec } from '../trial/group-spec.ts'
import type { Scenario } from '../trial/scenario.ts'

/** What a group is in its plainest form, as far as its client lets it be. */
const PLAIN_GROUP: Partial<GroupSpec> = { handlerMs: 0, autoCommitIntervalMs: null }

/**
 * Scenarios with a little less of the groups each, the larger cuts first: without groups, without one of them, its members,
 * their redeploys; with plainer values.
 */
export function* withLessOfGroups(scenario: Scenario): Generator<Scenario> {
  const groups = scenario.workload.groups ?? []
  for (const [index, group] of groups.entries()) {
    if (groups.length > 1) yield withGroups(scenario, without(groups, index))
    for (const less of smallerGroups(group)) yield withGroups(scenario, replaced(groups, index, less))
  }
}

function* smallerGroups(group: GroupSpec): Generator<GroupSpec> {
  const { members } = group
  for (const [index, member] of members.entries()) {
    if (members.length > 1) yield { ...group, members: without(members, index) }
    for (const less of smallerMembers(member)) yield { ...group, members: replaced(members, index, less) }
  }
  for (const [key, value] of Object.entries(PLAIN_GROUP)) {
    if (group[key as keyof GroupSpec] !== value) yield { ...group, [key]: value }
  }
  if (group.handlerMs > 1) yield { ...group, handlerMs: group.handlerMs >> 1 }
}

function* smallerMembers(member: MemberSpec): Generator<MemberSpec> {
  const { redeploys, startMs, instanceId } = member
  for (const [index, redeploy] of redeploys.entries()) {
    yield { ...member, redeploys: without(redeploys, index) }
    if (redeploy.forMs > 0) yield { ...member, redeploys: replaced(redeploys, index, { ...redeploy, forMs: 0 }) }
  }
  if (startMs > 0) yield { ...member, startMs: 0 }
  if (instanceId !== null) yield { ...member, instanceId: null }
}

function withGroups(scenario: Scenario, groups: readonly GroupSpec[]): Scenario {
  return { ...scenario, workload: { ...scenario.workload, groups } }
}

function without<T>(items: readonly T[], index: number): T[] {
  return items.filter((_, at) => at !== index)
}

function replaced<T>(items: readonly T[], index: number, item: T): T[] {
  return items.map((other, at) => (at === index ? item : other))
}
