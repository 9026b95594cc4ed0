import { atTime } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'
import { judgedGroups, memberName, runKey } from './group-support.ts'

/**
 * A member is given records of the partitions that it owns by the assignment it knows of, and of no others
 * (`record-of-another`): what its client has fetched before a rebalance took a partition from it is forgotten.
 */
export const onlyOwnedRecords: Checker = evidence => judgedGroups(evidence).flatMap(strangeRecords)

function strangeRecords(group: GroupEvidence): Violation[] {
  const owned = new Map<string, readonly number[]>()
  const violations: Violation[] = []
  for (const event of group.events) {
    const key = runKey(event)
    if (event.kind === 'assigned') owned.set(key, event.partitions)
    if (event.kind === 'revoked') owned.delete(key)
    if (event.kind !== 'delivered') continue
    const partitions = owned.get(key) ?? []
    if (partitions.includes(event.partition)) continue
    const { partition, offset, id, ms } = event
    const owns = partitions.length === 0 ? 'it owned nothing' : `it owned partitions ${partitions.join(', ')}`
    violations.push({
      guarantee: 'only-owned-records',
      kind: 'record-of-another',
      message: `${memberName(group, event)} was given record ${id} (offset ${offset} of partition ${partition}) at ${atTime(ms)}, when ${owns}.`,
    })
  }
  return violations
}
