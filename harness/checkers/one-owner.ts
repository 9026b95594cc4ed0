import type { GroupEvent } from '../history/group-history.ts'
import { atTime } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'
import { judgedGroups, memberName } from './group-support.ts'

type Assigned = Extract<GroupEvent, { readonly kind: 'assigned' }>

/**
 * In one generation a partition has one owner (`two-owners-in-a-generation`), and a member one assignment
 * (`two-assignments-in-a-generation`). A static member that comes back is the same member: it takes over what it left, without a
 * new generation and under another member id (KIP-345). Across generations the protocol allows two at a time: a member that was paused or cut
 * off goes on with what it owned until it hears that its session has ended. With the consumer protocol (KIP-848) a generation is
 * the member's own epoch, within which it gives away, and is given what others gave away: it has several assignments in one.
 */
export const oneOwner: Checker = evidence => judgedGroups(evidence).flatMap(ownersOf)

function ownersOf(group: GroupEvidence): Violation[] {
  const owners = new Map<string, Assigned>()
  const assignments = new Map<string, Assigned>()
  const violations: Violation[] = []
  for (const event of group.events) {
    if (event.kind !== 'assigned') continue
    const key = `${event.generation}/${identityOf(group, event)}`
    const before = assignments.get(key)
    assignments.set(key, event)
    const isDiffering = before !== undefined && `${before.partitions}` !== `${event.partitions}`
    if (isDiffering && group.spec.protocol === 'classic') {
      violations.push(differing(group, before, event))
    }
    for (const partition of event.partitions) {
      const owner = owners.get(`${event.generation}/${partition}`)
      if (owner === undefined) owners.set(`${event.generation}/${partition}`, event)
      else if (identityOf(group, owner) !== identityOf(group, event))
        violations.push(shared(group, partition, owner, event))
    }
  }
  return violations
}

/** `group.instance.id` of a static member, what the coordinator calls a dynamic one. */
function identityOf({ spec }: GroupEvidence, { member, memberId }: Assigned): string {
  return spec.members[member]?.instanceId ?? memberId
}

function shared(group: GroupEvidence, partition: number, one: Assigned, other: Assigned): Violation {
  const first = `${memberName(group, one)} at ${atTime(one.ms)}`
  const second = `${memberName(group, other)} at ${atTime(other.ms)}`
  return {
    guarantee: 'one-owner',
    kind: 'two-owners-in-a-generation',
    message: `In generation ${one.generation} of ${group.groupId} partition ${partition} was given to ${first} and to ${second}.`,
  }
}

function differing(group: GroupEvidence, one: Assigned, other: Assigned): Violation {
  const given = `partitions ${one.partitions.join(', ') || 'none'} at ${atTime(one.ms)}`
  const then = `partitions ${other.partitions.join(', ') || 'none'} at ${atTime(other.ms)}`
  return {
    guarantee: 'one-owner',
    kind: 'two-assignments-in-a-generation',
    message: `In generation ${one.generation} ${memberName(group, one)} was given ${given} and ${then}.`,
  }
}
