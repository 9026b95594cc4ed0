import { crc32 } from 'node:zlib'
import type { DiskDamage, ObservedEvent } from '../../harness/checkers/cluster-evidence.ts'
import type { Evidence, LoggedRecord, PartitionLog } from '../../harness/checkers/evidence.ts'
import { History, recordId, recordValue, type SendOperation, type SendOutcome } from '../../harness/history/history.ts'
import type { GuaranteeName, ProducerSpec, Scenario } from '../../harness/trial/scenario.ts'

export const PRODUCER: ProducerSpec = {
  client: 'kafkajs',
  acks: -1,
  idempotent: false,
  maxInFlight: null,
  retries: 5,
  requestTimeoutMs: 30_000,
  compression: 'none',
  sequential: true,
  renewAfterError: false,
  sends: [
    { atMs: 0, partition: 0, records: 2, bytes: 20 },
    { atMs: 10, partition: 0, records: 1, bytes: 20 },
  ],
}

export function scenarioOf(producers: readonly ProducerSpec[], guarantees: readonly GuaranteeName[] = []): Scenario {
  return {
    format: 2,
    seed: '1-0',
    schedule: 'fifo',
    cluster: {
      brokers: 1,
      controllers: 1,
      roles: 'combined',
      config: {},
      topic: { name: 'records', partitions: 2, replicationFactor: 1, config: {} },
    },
    workload: { kind: 'append', producers },
    faults: [],
    guarantees,
  }
}

export interface Invocation {
  readonly producer?: number
  readonly send: number
  readonly partition?: number
  readonly records?: number
  readonly acks?: -1 | 0 | 1
  readonly afterHealing?: boolean
  readonly invokedMs?: number
}

/** Notes a call in the history, and how it ended. */
export function invoke(history: History, call: Invocation, outcome: SendOutcome = { kind: 'pending' }): SendOperation {
  const {
    producer = 0,
    send,
    partition = 0,
    records = 1,
    acks = -1,
    afterHealing = false,
    invokedMs = send * 10,
  } = call
  const ids = Array.from({ length: records }, (_, index) => recordId(producer, send, index))
  const operation = history.invoke({ producer, send, partition, records: ids, acks, afterHealing, invokedMs })
  if (outcome.kind !== 'pending') history.settle(operation, outcome)
  return operation
}

export function ok(baseOffset?: number, atMs = 50): SendOutcome {
  return { kind: 'ok', atMs, baseOffset }
}

export function failed(type: string): SendOutcome {
  return { kind: 'failed', atMs: 50, error: { name: 'KafkaJSProtocolError', message: 'refused', type } }
}

export function indeterminate(): SendOutcome {
  return { kind: 'indeterminate', atMs: 50, error: { name: 'KafkaJSRequestTimeoutError', message: 'timed out' } }
}

/** A log that holds the named records with the values the workload writes, one after the other. */
export function log(
  ids: readonly string[],
  options: { partition?: number; start?: number; bytes?: number } = {},
): PartitionLog {
  const { partition = 0, start = 0, bytes = 20 } = options
  const records: LoggedRecord[] = ids.map((id, index) => ({
    offset: start + index,
    id,
    valueCrc: crc32(recordValue(id, bytes)),
  }))
  return { partition, logStartOffset: start, endOffset: start + ids.length, records }
}

/** Node 1 leads both partitions and commits what the producer of `healthy` sends. */
const COMMITS: readonly ObservedEvent[] = [
  { kind: 'became-leader', partition: 0, epoch: 0, endOffset: 0, highWatermark: 0, ms: 0, node: 1, incarnation: 1 },
  { kind: 'became-leader', partition: 1, epoch: 0, endOffset: 0, highWatermark: 0, ms: 0, node: 1, incarnation: 1 },
  { kind: 'high-watermark', partition: 0, highWatermark: 2, isLeader: true, ms: 4, node: 1, incarnation: 1 },
  { kind: 'high-watermark', partition: 0, highWatermark: 3, isLeader: true, ms: 14, node: 1, incarnation: 1 },
  { kind: 'high-watermark', partition: 1, highWatermark: 1, isLeader: true, ms: 1000, node: 1, incarnation: 1 },
]

/** What a trial leaves in which one producer's two sends were acknowledged and stored. */
export function healthy(changes: Partial<Evidence> = {}): Evidence {
  const history = new History()
  invoke(history, { send: 0, records: 2 }, ok(0, 5))
  invoke(history, { send: 1 }, ok(2, 15))
  invoke(history, { send: 1_000_000, afterHealing: true, partition: 1, invokedMs: 1000 }, ok(0, 1001))
  return {
    scenario: scenarioOf([PRODUCER]),
    history,
    logs: [log(['p0-s0-r0', 'p0-s0-r1', 'p0-s1-r0']), log(['p0-s1000000-r0'], { partition: 1, bytes: 0 })],
    reads: [],
    disk: [],
    replicas: [],
    partitions: [],
    partitionHistory: [],
    fencedLeaders: [],
    uncleanReturns: [],
    metadataLogs: [],
    observed: { events: COMMITS, dropped: 0 },
    damage: [],
    recovery: { recovered: true, tookMs: 10, missing: [] },
    queues: [{ node: 1, name: 'RequestQueueSize', bound: 500, most: 3 }],
    requests: [{ node: 1, received: 7, answered: 6, abandoned: 1 }],
    conduct: [{ producer: 0, idleTimersPerSecond: 2, requestsOnDeadConnection: 0, deadConnectionMs: 0 }],
    groups: [],
    churn: undefined,
    healedMs: 900,
    endedMs: 1100,
    ...changes,
  }
}

/** Power losses of node 1. */
export function powerLosses(...ms: readonly number[]): DiskDamage[] {
  return ms.map(at => ({ ms: at, node: 1, kind: 'power-loss' }))
}

export function kinds(violations: readonly { readonly kind: string }[]): string[] {
  return violations.map(({ kind }) => kind)
}
