import { partitionForKey } from '../../src/clients/producer/built-in-partitioner.ts'
import type { RecordId, SendOperation } from '../history/history.ts'
import { choosesAsJava } from '../trial/partitioners.ts'
import type { Checker, Evidence, LoggedRecord, Violation } from './evidence.ts'

interface Placed {
  readonly partition: number
  readonly record: LoggedRecord
  readonly send: SendOperation
}

/**
 * As long as a topic has the same number of partitions, all records of a key are in one of them (`key-in-two-partitions`): that
 * is what the order of a key rests on. What was sent with the Java client's way to choose a partition is where that has it
 * (`key-not-where-its-hash-says`). The first such record of a key and producer is reported.
 */
export const onePartitionPerKey: Checker = evidence => {
  const first = new Map<string, Placed>()
  const reported = new Set<string>()
  const violations: Violation[] = []
  const report = (kind: string, { send }: Placed, message: string): void => {
    const place = `${kind}/${send.producer}/${send.key}`
    if (!reported.has(place)) violations.push({ guarantee: 'one-partition-per-key', kind, message })
    reported.add(place)
  }
  for (const placed of placedByKey(evidence)) {
    const { partition, send } = placed
    const key = send.key ?? ''
    const before = first.get(key)
    if (before === undefined) first.set(key, placed)
    else if (before.partition !== partition) {
      report('key-in-two-partitions', placed, `Key ${key} is in two partitions: ${where(before)}, ${where(placed)}.`)
    }
    const hashed = partitionForKey(Buffer.from(key), evidence.scenario.cluster.topic.partitions)
    if (hashed === partition || !isHashed(evidence, send)) continue
    const but = `but murmur2 of key ${key} gives partition ${hashed}`
    report('key-not-where-its-hash-says', placed, `${capitalized(where(placed))}, ${but}.`)
  }
  return violations
}

function* placedByKey({ history, logs }: Evidence): Generator<Placed> {
  const sends = new Map<RecordId, SendOperation>()
  for (const send of history.sends) {
    if (send.key !== undefined) for (const id of send.records) sends.set(id, send)
  }
  for (const { partition, records } of logs) {
    for (const record of records) {
      const send = sends.get(record.id)
      if (send !== undefined) yield { partition, record, send }
    }
  }
}

function isHashed({ scenario }: Evidence, { producer }: SendOperation): boolean {
  const spec = scenario.workload.producers[producer]
  return spec !== undefined && choosesAsJava(spec)
}

function where({ partition, record, send }: Placed): string {
  return `record ${record.id} of producer ${send.producer} stands at offset ${record.offset} of partition ${partition}`
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
