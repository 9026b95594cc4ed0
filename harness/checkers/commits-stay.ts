import { CommittedRegister, NOTHING_COMMITTED } from './committed-register.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'
import { judgedGroups } from './group-support.ts'

/**
 * A successful commit is what is committed in the end, unless a later one replaced it: it survives every change of the
 * coordinator (`commit-lost`). Nothing else is committed (`unknown-commit`).
 */
export const commitsStay: Checker = evidence =>
  judgedGroups(evidence).flatMap(group =>
    group.committed.flatMap((offset, partition) =>
      offset === undefined ? [] : judge(group, partition, offset, evidence),
    ),
  )

function judge(group: GroupEvidence, partition: number, offset: number, { endedMs }: Evidence): Violation[] {
  const admissible = new CommittedRegister(group, partition).admissible(endedMs, endedMs)
  if (admissible.has(offset)) return []
  const has = offset === NOTHING_COMMITTED ? 'no committed offset' : `offset ${offset} committed`
  const should = [...admissible].sort((a, b) => a - b).join(' or ')
  const isBehind = offset < Math.max(...admissible)
  return [
    {
      guarantee: 'commits-stay',
      kind: isBehind ? 'commit-lost' : 'unknown-commit',
      message: `In the end ${group.groupId} has ${has} for partition ${partition}, but by what its members were told it is ${should}.`,
    },
  ]
}
