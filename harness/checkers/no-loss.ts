import type { ClusterSpec, GuaranteeName } from '../trial/scenario.ts'
import { type AcknowledgedSend, acknowledgedOffset, isAcknowledged } from './acknowledged.ts'
import { copiesOf } from './copies.ts'
import { acknowledgement } from './describe.ts'
import type { Checker, Evidence, PartitionLog, Violation } from './evidence.ts'

/** Keys, of a broker or a topic, that say how long or how many records are kept. */
const RETENTION = /^(log\.)?retention\.(ms|minutes|hours|bytes)$/

/**
 * Every acknowledged record is in the log (`acked-record-missing`). Where retention is configured, a record that it may
 * have taken is not missed: one that was acknowledged below the log's start, or without an offset when the log no longer
 * starts at 0.
 */
export const noLoss: Checker = evidence => {
  return missingRecords(evidence, evidence.history.sends.filter(isAcknowledged), 'no-loss')
}

/** What of these sends is not in the log. */
export function missingRecords(
  { scenario, logs }: Evidence,
  sends: readonly AcknowledgedSend[],
  guarantee: GuaranteeName,
): Violation[] {
  const copies = copiesOf(logs)
  const deletes = mayDelete(scenario.cluster)
  const violations: Violation[] = []
  for (const send of sends) {
    const log = logs.find(({ partition }) => partition === send.partition)
    const baseOffset = acknowledgedOffset(send)
    for (const [index, id] of send.records.entries()) {
      if (copies.has(id) || (deletes && mayBeDeleted(log, baseOffset, index))) continue
      violations.push({
        guarantee,
        kind: 'acked-record-missing',
        message: `Record ${id} of producer ${send.producer} was ${acknowledgement(send, index)}, but ${whatIsThere(log, send.partition)}.`,
      })
    }
  }
  return violations
}

/** By default records are kept for a week, longer than any trial and any jump of its clocks. */
function mayDelete({ config, topic }: ClusterSpec): boolean {
  return [...Object.keys(config), ...Object.keys(topic.config)].some(key => RETENTION.test(key))
}

function mayBeDeleted(log: PartitionLog | undefined, baseOffset: number | undefined, index: number): boolean {
  if (log === undefined || log.logStartOffset === 0) return false
  return baseOffset === undefined || baseOffset + index < log.logStartOffset
}

function whatIsThere(log: PartitionLog | undefined, partition: number): string {
  if (log === undefined) return `partition ${partition} could not be read`
  return `it is nowhere in the log, in which partition ${partition} has offsets ${log.logStartOffset} up to ${log.endOffset}`
}
