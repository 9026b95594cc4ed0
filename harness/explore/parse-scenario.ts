import {
  type AppendWorkload,
  CLIENT_NAMES,
  type ClusterSpec,
  COMPRESSION_NAMES,
  ERROR_ANSWER_NAMES,
  FAULT_NAMES,
  type Fault,
  GUARANTEE_NAMES,
  MAX_BROKERS,
  NODE_ROLES,
  type NodeTarget,
  PARTITION_SHAPES,
  PARTITIONER_NAMES,
  type ProducerSpec,
  ROLE_LAYOUTS,
  SCENARIO_FORMATS,
  type Scenario,
  type SendSpec,
  type Trigger,
} from '../trial/scenario.ts'
import { DISK_OPERATIONS } from '../world/disk.ts'
import { SCHEDULE_NAMES } from '../world/schedule.ts'
import { JsonValue } from './json-reader.ts'
import { MAX_CHURN, readChurn } from './parse-churn.ts'
import { readGroup } from './parse-group.ts'
import { ScenarioError } from './scenario-error.ts'

const DAY_MS = 86_400_000
const MAX_TEXT = 200
const MAX_CONFIG_KEYS = 200
const MAX_CONFIG_TEXT = 10_000
const MAX_PARTITIONS = 100
const MAX_FEATURES = 20
const MAX_LEVEL = 1000
const MAX_PRODUCERS = 50
const MAX_GROUPS = 20
/** With the first format that has them. */
const FORMAT_OF_GROUPS = 3
const FORMAT_OF_KEYS = 4
const FORMAT_OF_CHURN = 4
const MAX_SENDS = 10_000
const MAX_RECORDS = 1000
const MAX_BYTES = 10 * 1024 * 1024
const MAX_FAULTS = 1000
const MAX_RETRIES = Number.MAX_SAFE_INTEGER
const MAX_IN_FLIGHT = 1000
const MAX_AMOUNT = 1_000_000_000
const MAX_PICK = 1_000_000

/**
 * Reads a scenario as people and files write it.
 *
 * @param json a parsed JSON value
 * @throws ScenarioError with the path, the value and what is allowed, in one line
 */
export function parseScenario(json: unknown): Scenario {
  const scenario = new JsonValue(json).only('format', 'seed', 'schedule', 'cluster', 'workload', 'faults', 'guarantees')
  const format = scenario.get('format').oneOf(SCENARIO_FORMATS)
  return {
    format,
    seed: scenario.get('seed').text(MAX_TEXT),
    schedule: scenario.get('schedule').oneOf(SCHEDULE_NAMES),
    cluster: readCluster(scenario.get('cluster')),
    workload: readWorkload(scenario.get('workload'), format),
    faults: scenario.get('faults').list(0, MAX_FAULTS, readFault),
    guarantees: scenario.get('guarantees').list(0, GUARANTEE_NAMES.length, name => name.oneOf(GUARANTEE_NAMES)),
  }
}

function readWorkload(workload: JsonValue, format: Scenario['format']): AppendWorkload {
  const parts = [...(format >= FORMAT_OF_GROUPS ? ['groups'] : []), ...(format >= FORMAT_OF_CHURN ? ['churn'] : [])]
  workload.only('kind', 'producers', ...parts)
  return {
    kind: workload.get('kind').oneOf(['append'] as const),
    producers: workload.get('producers').list(1, MAX_PRODUCERS, producer => readProducer(producer, format)),
    ...(workload.has('groups') ? { groups: workload.get('groups').list(1, MAX_GROUPS, readGroup) } : {}),
    ...(workload.has('churn') ? { churn: workload.get('churn').list(1, MAX_CHURN, readChurn) } : {}),
  }
}

function readCluster(cluster: JsonValue): ClusterSpec {
  cluster.only('brokers', 'controllers', 'roles', 'config', 'features', 'topic')
  const topic = cluster.get('topic').only('name', 'partitions', 'replicationFactor', 'config')
  const brokers = cluster.get('brokers').whole(1, MAX_BROKERS)
  return {
    brokers,
    controllers: cluster.get('controllers').oneOf([1, 3, 5] as const),
    roles: cluster.get('roles').oneOf(ROLE_LAYOUTS),
    config: cluster.get('config').texts(MAX_CONFIG_KEYS, MAX_CONFIG_TEXT),
    ...(cluster.has('features') ? { features: cluster.get('features').wholes(MAX_FEATURES, 0, MAX_LEVEL) } : {}),
    topic: {
      name: topic.get('name').text(MAX_TEXT),
      partitions: topic.get('partitions').whole(1, MAX_PARTITIONS),
      replicationFactor: topic.get('replicationFactor').whole(1, brokers),
      config: topic.get('config').texts(MAX_CONFIG_KEYS, MAX_CONFIG_TEXT),
    },
  }
}

const PRODUCER_KEYS: readonly (keyof ProducerSpec)[] = [
  'client',
  'acks',
  'idempotent',
  'maxInFlight',
  'retries',
  'requestTimeoutMs',
  'compression',
  'sequential',
  'renewAfterError',
  'sends',
]

function readProducer(producer: JsonValue, format: Scenario['format']): ProducerSpec {
  const hasKeys = format >= FORMAT_OF_KEYS
  const client = producer.get('client').oneOf(CLIENT_NAMES)
  const limits = client === 'java-semantics' ? ['bufferMemory', 'maxBlockMs'] : []
  producer.only(...PRODUCER_KEYS, ...limits, ...(hasKeys ? ['partitioner'] : []))
  const idempotent = producer.get('idempotent').boolean()
  return {
    client,
    acks: producer.get('acks').oneOf(idempotent ? ([-1] as const) : ([-1, 0, 1] as const)),
    idempotent,
    maxInFlight: producer.get('maxInFlight').wholeOrNull(1, MAX_IN_FLIGHT),
    // Both clients refuse or replace an idempotent producer's "never retry".
    retries: producer.get('retries').whole(idempotent ? 1 : 0, MAX_RETRIES),
    requestTimeoutMs: producer.get('requestTimeoutMs').whole(1, DAY_MS),
    compression: producer
      .get('compression')
      .oneOf(client === 'kafkajs' ? (['none', 'gzip'] as const) : COMPRESSION_NAMES),
    sequential: producer.get('sequential').boolean(),
    renewAfterError: producer.get('renewAfterError').boolean(),
    ...(producer.has('bufferMemory') ? { bufferMemory: producer.get('bufferMemory').whole(1, MAX_AMOUNT) } : {}),
    ...(producer.has('maxBlockMs') ? { maxBlockMs: producer.get('maxBlockMs').whole(0, DAY_MS) } : {}),
    ...(producer.has('partitioner') ? { partitioner: producer.get('partitioner').oneOf(PARTITIONER_NAMES) } : {}),
    sends: producer.get('sends').list(0, MAX_SENDS, send => readSend(send, hasKeys)),
  }
}

function readSend(send: JsonValue, hasKeys: boolean): SendSpec {
  const byKey = hasKeys && send.has('key')
  send.only('atMs', byKey ? 'key' : 'partition', 'records', 'bytes')
  return {
    atMs: send.get('atMs').whole(0, DAY_MS),
    ...(byKey ? { key: send.get('key').whole(0, MAX_PICK) } : { partition: send.get('partition').whole(0, MAX_PICK) }),
    records: send.get('records').whole(1, MAX_RECORDS),
    bytes: send.get('bytes').whole(0, MAX_BYTES),
  }
}

function readFault(fault: JsonValue): Fault {
  fault.only('kind', 'at', 'forMs', 'pick', 'amount', 'on', 'nodes', 'shape', 'error')
  return {
    kind: fault.get('kind').oneOf(FAULT_NAMES),
    at: readTrigger(fault.get('at')),
    forMs: fault.get('forMs').whole(0, DAY_MS),
    ...(fault.has('pick') ? { pick: fault.get('pick').whole(0, MAX_PICK) } : {}),
    ...(fault.has('amount') ? { amount: fault.get('amount').whole(-MAX_AMOUNT, MAX_AMOUNT) } : {}),
    ...(fault.has('on') ? { on: readTarget(fault.get('on')) } : {}),
    ...(fault.has('nodes') ? { nodes: fault.get('nodes').whole(1, MAX_BROKERS) } : {}),
    ...(fault.has('shape') ? { shape: fault.get('shape').oneOf(PARTITION_SHAPES) } : {}),
    ...(fault.has('error') ? { error: fault.get('error').oneOf(ERROR_ANSWER_NAMES) } : {}),
  }
}

/** A broker by its place, or the holder of a role. */
function readTarget(on: JsonValue): NodeTarget {
  return on.isNumber() ? on.whole(0, MAX_PICK) : on.oneOf(NODE_ROLES)
}

function readTrigger(at: JsonValue): Trigger {
  if (at.has('ms')) return { ms: at.only('ms').get('ms').whole(0, DAY_MS) }
  if (at.has('probe')) {
    at.only('probe', 'nth')
    const probe = at.get('probe').text(MAX_TEXT)
    return at.has('nth') ? { probe, nth: at.get('nth').whole(1, MAX_AMOUNT) } : { probe }
  }
  if (at.has('disk')) {
    at.only('disk', 'file', 'nth')
    return {
      disk: at.get('disk').oneOf(DISK_OPERATIONS),
      ...(at.has('file') ? { file: at.get('file').text(MAX_TEXT) } : {}),
      nth: at.get('nth').whole(1, MAX_AMOUNT),
    }
  }
  at.only('request', 'nth')
  return { request: at.get('request').text(MAX_TEXT), nth: at.get('nth').whole(1, MAX_AMOUNT) }
}

/** Parses JSON text; a syntax error becomes a `ScenarioError` of one line. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ScenarioError(
      what,
      text.slice(0, 20),
      `JSON (${error instanceof Error ? error.message.replaceAll('\n', ' ') : 'unreadable'})`,
    )
  }
}
