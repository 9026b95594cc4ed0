import { copiesOf } from './copies.ts'
import type { Checker, Violation } from './evidence.ts'

/** No record is in the log twice (`duplicate-record`), in whatever partitions. */
export const noDuplicates: Checker = ({ history, logs }) => {
  const copies = copiesOf(logs)
  const violations: Violation[] = []
  for (const send of history.sends) {
    for (const id of send.records) {
      const places = copies.get(id) ?? []
      if (places.length < 2) continue
      const where = places.map(({ partition, offset }) => `offset ${offset} of partition ${partition}`)
      violations.push({
        guarantee: 'no-duplicates',
        kind: 'duplicate-record',
        message: `Record ${id} was sent once by producer ${send.producer}, but stands in the log ${places.length} times: ${where.join(', ')}.`,
      })
    }
  }
  return violations
}
