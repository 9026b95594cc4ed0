import type { Fault, ProducerSpec, Scenario, Trigger } from '../trial/scenario.ts'
import { counted } from './format.ts'
import type { Row } from './table.ts'

/** Kafka's "as often as needed": what clients take for unlimited retries. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** What a trial was given, in words. */
export function scenarioRows({ cluster, workload, faults, schedule }: Scenario): Row[] {
  const { topic } = cluster
  const config = [...Object.entries(cluster.config), ...Object.entries(topic.config)]
  const settings = config.length === 0 ? "Kafka's defaults" : config.map(([key, value]) => `${key}=${value}`).join(' ')
  return [
    ['cluster', `1 broker, ${counted(topic.partitions, 'partition')}, ${settings}, ${schedule} schedule`],
    ...workload.producers.map((producer, index): Row => [`producer-${index}`, describeProducer(producer)]),
    ...faults.map((fault): Row => ['fault', describeFault(fault)]),
  ]
}

export function recordsIn({ workload }: Scenario): number {
  return workload.producers.reduce(
    (total, { sends }) => total + sends.reduce((sum, { records }) => sum + records, 0),
    0,
  )
}

function describeProducer(producer: ProducerSpec): string {
  const { client, acks, idempotent, sequential, maxInFlight, retries, requestTimeoutMs, compression, sends } = producer
  const { renewAfterError } = producer
  const records = sends.reduce((sum, send) => sum + send.records, 0)
  const parts = [
    client,
    `acks=${acks === -1 ? 'all' : acks}`,
    ...(idempotent ? ['idempotent'] : []),
    sequential ? 'awaits each send' : 'overlapping sends',
    ...(renewAfterError ? ['new client after an error'] : []),
    ...(maxInFlight === null ? [] : [`at most ${maxInFlight} in flight`]),
    retries >= UNLIMITED ? 'unlimited retries' : `${retries} ${retries === 1 ? 'retry' : 'retries'}`,
    `request timeout ${requestTimeoutMs} ms`,
    ...(compression === 'none' ? [] : [compression]),
  ]
  return `${parts.join(', ')}: ${counted(sends.length, 'send')}, ${counted(records, 'record')}`
}

function describeFault({ kind, at, forMs, pick, amount }: Fault): string {
  const more = [
    ...(forMs === 0 ? [] : [`for ${forMs} ms`]),
    ...(amount === undefined ? [] : [`amount ${amount}`]),
    ...(pick === undefined ? [] : [`pick ${pick}`]),
  ]
  return [`${kind} ${describeTrigger(at)}`, ...more].join(', ')
}

function describeTrigger(at: Trigger): string {
  if ('ms' in at) return `at ${at.ms} ms`
  if ('disk' in at) return `in the middle of disk ${at.disk} ${at.nth}`
  return 'probe' in at ? `when ${at.probe} is first seen` : `after ${at.request} request ${at.nth}`
}
