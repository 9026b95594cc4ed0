import type { GroupEvent } from '../history/group-history.ts'
import { atTime } from './describe.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'
import { judgedGroups, memberName, nextRecord, runKey } from './group-support.ts'

type Delivered = Extract<GroupEvent, { readonly kind: 'delivered' }>

/**
 * Within one assignment a member is given a partition's records, and with them those of every key, in their order, each once
 * (`delivered-out-of-order`) and none left out (`delivery-skips-record`). One whose handler failed may be given to it again.
 */
export const groupOrder: Checker = evidence => judgedGroups(evidence).flatMap(group => orderOf(group, evidence))

function orderOf(group: GroupEvidence, { logs }: Evidence): Violation[] {
  /** By run, then partition: what was given to it last. */
  const last = new Map<string, Map<number, Delivered>>()
  const failed = new Set<Delivered>()
  const violations: Violation[] = []
  for (const event of group.events) {
    const key = runKey(event)
    if (event.kind === 'started' || event.kind === 'assigned') last.set(key, new Map())
    const given = last.get(key)
    if (given === undefined || !('offset' in event)) continue
    const before = given.get(event.partition)
    if (event.kind === 'handler-failed' && before?.offset === event.offset) failed.add(before)
    if (event.kind !== 'delivered') continue
    given.set(event.partition, event)
    if (before === undefined || (failed.has(before) && event.offset === before.offset)) continue
    if (event.offset <= before.offset) {
      violations.push(violation(group, 'delivered-out-of-order', event, before))
      continue
    }
    const records = logs.find(({ partition }) => partition === event.partition)?.records ?? []
    const expected = nextRecord(records, before.offset + 1)
    if (expected !== undefined && expected < event.offset) {
      violations.push(violation(group, 'delivery-skips-record', event, before, expected))
    }
  }
  return violations
}

function violation(
  group: GroupEvidence,
  kind: string,
  { id, partition, offset, ms }: Delivered,
  before: Delivered,
  skipped?: number,
): Violation {
  const given = `${memberName(group, before)} was given offset ${offset} of partition ${partition} (record ${id}) at ${atTime(ms)}`
  const but = skipped === undefined ? '' : `, without offset ${skipped} in between`
  return { guarantee: 'group-order', kind, message: `${given}, after offset ${before.offset}${but}.` }
}
