import type { GroupEvent } from '../history/group-history.ts'
import { CommittedRegister, NOTHING_COMMITTED } from './committed-register.ts'
import { atTime } from './describe.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'
import { judgedGroups, memberName, nextRecord, runKey } from './group-support.ts'

type Delivered = Extract<GroupEvent, { readonly kind: 'delivered' }>

/** What a run owns, since when, and what of it it has been given something of. */
interface Ownership {
  readonly since: Map<number, number>
  readonly begun: Set<number>
}

/**
 * A member begins to read a partition that it has been given where the group's last commit says, or at the beginning of the log
 * when nothing is committed: neither beyond it (`begins-beyond-commit`) nor before (`begins-before-commit`). A member that keeps
 * a partition in a cooperative rebalance (KIP-429, KIP-848) reads on where it is.
 */
export const rereadsFromCommit: Checker = evidence =>
  judgedGroups(evidence).flatMap(group => beginnings(group, evidence))

function beginnings(group: GroupEvidence, evidence: Evidence): Violation[] {
  const registers = evidence.logs.map(({ partition }) => new CommittedRegister(group, partition))
  const runs = new Map<string, Ownership>()
  const violations: Violation[] = []
  for (const event of group.events) {
    const key = runKey(event)
    if (event.kind === 'assigned') runs.set(key, ownership(group, event, runs.get(key)))
    if (event.kind === 'revoked' && group.spec.protocol === 'consumer') runs.delete(key)
    if (event.kind !== 'delivered') continue
    const owned = runs.get(key)
    const sinceMs = owned?.since.get(event.partition)
    if (owned === undefined || sinceMs === undefined || owned.begun.has(event.partition)) continue
    owned.begun.add(event.partition)
    const admissible = registers[event.partition]?.admissible(sinceMs, event.ms)
    if (admissible !== undefined) violations.push(...judge(group, event, admissible, evidence))
  }
  return violations
}

function ownership(
  { spec }: GroupEvidence,
  { partitions, ms }: Extract<GroupEvent, { readonly kind: 'assigned' }>,
  before: Ownership | undefined,
): Ownership {
  const isIncremental = spec.assignor === 'cooperative-sticky' || spec.protocol === 'consumer'
  const kept = isIncremental ? before : undefined
  return {
    since: new Map(partitions.map(partition => [partition, kept?.since.get(partition) ?? ms])),
    begun: new Set(partitions.filter(partition => kept?.begun.has(partition) === true)),
  }
}

function judge(group: GroupEvidence, event: Delivered, admissible: Set<number>, { logs }: Evidence): Violation[] {
  const { partition, offset, id, ms } = event
  const log = logs.find(candidate => candidate.partition === partition)
  if (log === undefined || nextRecord(log.records, offset) !== offset) return [] // it is no longer there to compare with
  const firsts = [...admissible].map(committed =>
    nextRecord(log.records, committed === NOTHING_COMMITTED ? log.logStartOffset : committed),
  )
  if (firsts.includes(offset) || offset < log.logStartOffset) return []
  const lowest = Math.min(...firsts.map(first => first ?? Number.POSITIVE_INFINITY))
  const committed = [...admissible].map(value => (value === NOTHING_COMMITTED ? 'nothing' : `offset ${value}`))
  const who = `${memberName(group, event)} began partition ${partition} with offset ${offset} (record ${id})`
  return [
    {
      guarantee: 'rereads-from-commit',
      kind: offset < lowest ? 'begins-before-commit' : 'begins-beyond-commit',
      message: `At ${atTime(ms)} ${who}, but ${committed.join(' or ')} was committed.`,
    },
  ]
}
