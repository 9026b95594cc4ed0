import type { RecordId } from '../history/history.ts'
import type { PartitionLog } from './evidence.ts'

/** Where a record stands in the log. */
export interface Copy {
  readonly partition: number
  readonly offset: number
}

/** Every place of every record, in the order of partitions and offsets. */
export function copiesOf(logs: readonly PartitionLog[]): Map<RecordId, Copy[]> {
  const copies = new Map<RecordId, Copy[]>()
  for (const { partition, records } of logs) {
    for (const { id, offset } of records) {
      const known = copies.get(id)
      if (known === undefined) copies.set(id, [{ partition, offset }])
      else known.push({ partition, offset })
    }
  }
  return copies
}
