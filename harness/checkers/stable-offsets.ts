import { acknowledgedOffset, isAcknowledged } from './acknowledged.ts'
import { acknowledgement } from './describe.ts'
import type { Checker, Evidence, PartitionLog, Violation } from './evidence.ts'

/**
 * A partition's offsets follow one another from its start to its end (`offset-gap`, `offset-not-increasing`; no
 * transactions and no compaction here, so none is used up by something else), and an acknowledged offset holds the
 * record it was acknowledged for (`acked-offset-holds-other-record`, `acked-offset-beyond-end`), unless it has fallen
 * below the log's start. A record that is nowhere is lost, which `no-loss` tells; here it only counts that one has moved.
 */
export const stableOffsets: Checker = evidence => [...evidence.logs.flatMap(density), ...acknowledgedOffsets(evidence)]

function density({ partition, logStartOffset, endOffset, records }: PartitionLog): Violation[] {
  const broken = (kind: string, message: string): Violation[] => [{ guarantee: 'stable-offsets', kind, message }]
  let next = logStartOffset
  for (const { offset, id } of records) {
    if (offset < next) {
      return broken(
        'offset-not-increasing',
        `Partition ${partition} holds record ${id} at offset ${offset} where offset ${next} was to follow.`,
      )
    }
    if (offset > next) {
      return broken(
        'offset-gap',
        `Partition ${partition} has no record at offset ${next}: the next one, ${id}, stands at offset ${offset}.`,
      )
    }
    next++
  }
  if (next === endOffset) return []
  return broken(
    next < endOffset ? 'offset-gap' : 'offset-not-increasing',
    `Partition ${partition} ends at offset ${endOffset}, but its records end before offset ${next}.`,
  )
}

function acknowledgedOffsets({ history, logs }: Evidence): Violation[] {
  const violations: Violation[] = []
  const present = new Set(logs.flatMap(({ records }) => records.map(({ id }) => id)))
  const partitions = new Map(logs.map(log => [log.partition, contentOf(log)]))
  for (const send of history.sends) {
    if (!isAcknowledged(send)) continue
    const log = partitions.get(send.partition)
    const baseOffset = acknowledgedOffset(send)
    if (log === undefined || baseOffset === undefined) continue
    for (const [index, id] of send.records.entries()) {
      const offset = baseOffset + index
      if (!present.has(id) || offset < log.logStartOffset || log.ids.get(offset) === id) continue
      const other = log.ids.get(offset)
      if (offset < log.endOffset && other === undefined) continue // a gap: reported as such
      violations.push({
        guarantee: 'stable-offsets',
        kind: other === undefined ? 'acked-offset-beyond-end' : 'acked-offset-holds-other-record',
        message: `Record ${id} of producer ${send.producer} was ${acknowledgement(send, index)}, but ${
          other === undefined ? `the partition ends at offset ${log.endOffset}` : `record ${other} stands there`
        }.`,
      })
    }
  }
  return violations
}

function contentOf({ logStartOffset, endOffset, records }: PartitionLog) {
  return { logStartOffset, endOffset, ids: new Map(records.map(({ offset, id }) => [offset, id])) }
}
