import { churnedId } from '../trial/churn-history.ts'
import { churnTopic } from '../trial/churn-spec.ts'
import type { ChurnEvidence, ChurnedTopic } from './churn-evidence.ts'
import { type ExpectedTopic, expectedTopics, type KnownWrite } from './churn-model.ts'
import { atTime } from './describe.ts'
import type { Checker, PartitionLog, Violation } from './evidence.ts'

const GUARANTEE = 'churned-records-stay'

/**
 * Records that were acknowledged in a topic which is churned stand where they were acknowledged as long as the topic exists, whatever is
 * done to it meanwhile (`churned-record-missing`), each once (`churned-record-twice`); those before an offset up to which
 * deletion was acknowledged do not (`deleted-records-back`); and a topic that was created anew has none of the one before
 * (`record-of-deleted-topic`).
 */
export const churnedRecordsStay: Checker = ({ churn }) =>
  churn === undefined ? [] : expectedTopics(churn.calls).topics.flatMap(expected => judge(expected, churn))

function judge(expected: ExpectedTopic, { topics }: ChurnEvidence): Violation[] {
  const actual = topics.find(({ topic }) => topic === expected.topic)
  if (actual === undefined || actual.logs.length === 0) return []
  const found = expected.buried.flatMap(write => resurrected(write, actual))
  if (expected.exists !== true || (expected.topicId ?? actual.topicId) !== actual.topicId) return found
  return [
    ...found,
    ...expected.writes.flatMap(write => missing(write, expected, actual)),
    ...actual.logs.flatMap(log => repeated(log, actual)),
    ...actual.logs.flatMap(log => undeleted(log, expected)),
  ]
}

function missing(
  { call, partition, offsets }: KnownWrite,
  { lowWatermarks, mayBeDeleted }: ExpectedTopic,
  actual: ChurnedTopic,
): Violation[] {
  const log = actual.logs[partition]
  const from = lowWatermarks.get(partition) ?? 0
  return offsets.flatMap((offset, record) => {
    const id = churnedId(call.index, record)
    if (offset < from || (mayBeDeleted.has(partition) && offset < (log?.logStartOffset ?? 0))) return []
    const there = log?.records.find(logged => logged.offset === offset)
    if (there?.id === id) return []
    const at = call.outcome.kind === 'ok' ? atTime(call.outcome.atMs) : ''
    const instead =
      log === undefined
        ? 'the partition could not be read'
        : there === undefined
          ? `the partition has offsets ${log.logStartOffset} up to ${log.endOffset} without it`
          : `${there.id} stands there`
    const message = `Record ${id} was acknowledged at ${at} at offset ${offset} of ${nameOf(actual, partition)}, but ${instead}.`
    return [violation('churned-record-missing', message)]
  })
}

function repeated({ partition, records }: PartitionLog, actual: ChurnedTopic): Violation[] {
  const first = new Map<string, number>()
  return records.flatMap(({ id, offset }) => {
    const before = first.get(id)
    first.set(id, before ?? offset)
    if (before === undefined) return []
    const message = `Record ${id} stands at offset ${before} of ${nameOf(actual, partition)}, and again at offset ${offset}.`
    return [violation('churned-record-twice', message)]
  })
}

function undeleted({ partition, logStartOffset }: PartitionLog, expected: ExpectedTopic): Violation[] {
  const lowWatermark = expected.lowWatermarks.get(partition) ?? 0
  if (logStartOffset >= lowWatermark) return []
  const message = `The records of ${nameOf(expected, partition)} before offset ${lowWatermark} were deleted, but it begins at offset ${logStartOffset}.`
  return [violation('deleted-records-back', message)]
}

function resurrected({ call }: KnownWrite, actual: ChurnedTopic): Violation[] {
  const prefix = `c${call.index}-`
  return actual.logs.flatMap(({ partition, records }) => {
    const old = records.find(({ id }) => id.startsWith(prefix))
    if (old === undefined) return []
    const message = `Record ${old.id} was written before ${churnTopic(actual.topic)} was deleted, but stands at offset ${old.offset} of partition ${partition} of the one with id ${actual.topicId}.`
    return [violation('record-of-deleted-topic', message)]
  })
}

function nameOf({ topic }: { readonly topic: number }, partition: number): string {
  return `${churnTopic(topic)}-${partition}`
}

function violation(kind: string, message: string): Violation {
  return { guarantee: GUARANTEE, kind, message }
}
