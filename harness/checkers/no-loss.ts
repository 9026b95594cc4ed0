import { acknowledgedOffset, isAcknowledged } from './acknowledged.ts'
import { copiesOf } from './copies.ts'
import { acknowledgement } from './describe.ts'
import type { Checker, PartitionLog, Violation } from './evidence.ts'

/**
 * Every acknowledged record is in the log (`acked-record-missing`). A record that retention or DeleteRecords may have
 * taken is not missed: one that was acknowledged below the log's start, or without an offset when the log no longer
 * starts at 0.
 */
export const noLoss: Checker = ({ history, logs }) => {
  const copies = copiesOf(logs)
  const violations: Violation[] = []
  for (const send of history.sends) {
    if (!isAcknowledged(send)) continue
    const log = logs.find(({ partition }) => partition === send.partition)
    const baseOffset = acknowledgedOffset(send)
    for (const [index, id] of send.records.entries()) {
      if (copies.has(id) || mayBeDeleted(log, baseOffset, index)) continue
      violations.push({
        guarantee: 'no-loss',
        kind: 'acked-record-missing',
        message: `Record ${id} of producer ${send.producer} was ${acknowledgement(send, index)}, but ${whatIsThere(log, send.partition)}.`,
      })
    }
  }
  return violations
}

function mayBeDeleted(log: PartitionLog | undefined, baseOffset: number | undefined, index: number): boolean {
  if (log === undefined || log.logStartOffset === 0) return false
  return baseOffset === undefined || baseOffset + index < log.logStartOffset
}

function whatIsThere(log: PartitionLog | undefined, partition: number): string {
  if (log === undefined) return `partition ${partition} could not be read`
  return `it is nowhere in the log, in which partition ${partition} has offsets ${log.logStartOffset} up to ${log.endOffset}`
}
