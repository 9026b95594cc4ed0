import type { GroupEvent } from '../history/group-history.ts'
import { atTime } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'
import { judgedGroups, memberName, placeKey } from './group-support.ts'

type Processed = Extract<GroupEvent, { readonly kind: 'processed' }>

/**
 * No record is processed a second time by a group (`record-processed-twice`). One that stands at the offset of another that was lost
 * is another record.
 */
export const atMostOnce: Checker = evidence =>
  judgedGroups(evidence).flatMap(group => {
    const first = new Map<string, Processed>()
    const violations: Violation[] = []
    for (const event of group.events) {
      if (event.kind !== 'processed') continue
      const key = `${placeKey(event)}/${event.id}`
      const before = first.get(key)
      if (before === undefined) first.set(key, event)
      else violations.push(violation(event, memberName(group, before), before.ms, memberName(group, event)))
    }
    return violations
  })

function violation({ id, partition, offset, ms }: Processed, by: string, beforeMs: number, again: string): Violation {
  const what = `Record ${id} at offset ${offset} of partition ${partition} was processed by ${by} at ${atTime(beforeMs)}`
  return {
    guarantee: 'at-most-once',
    kind: 'record-processed-twice',
    message: `${what} and again by ${again} at ${atTime(ms)}.`,
  }
}
