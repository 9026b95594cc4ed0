import { INT_MAX } from '../../src/config/config-def.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { nearestKey } from '../../src/config/nearest-key.ts'
import { parseWholeNumber } from '../../src/config/values.ts'
import { LogConfig } from '../../src/log/log-config.ts'
import { TOPIC_CONFIG_DEFS, topicConfigDef } from '../../src/log/topic-config.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { parseProperties } from '../../src/server/config/properties.ts'
import type { ClientName } from '../trial/scenario.ts'
import { checkConfiguration } from './check-configuration.ts'
import { DEFAULT_BROKERS, type VerdictConfiguration } from './configuration.ts'
import { type ConsumerQuestion, consumerOf } from './consumer-question.ts'
import { isProducerKey, JUDGED_PRODUCER_KEYS, type JudgedProducerKey, PRODUCER_KEYS } from './producer-keys.ts'
import { type ProducerSettings, producerSettings } from './producer-settings.ts'
import { RefusedConfiguration } from './refused-configuration.ts'

/** What a user asks about: flags, over the texts of Kafka's own files. */
export interface Question extends ConsumerQuestion {
  readonly client?: ClientName
  readonly acks?: -1 | 0 | 1
  readonly idempotence?: boolean
  readonly maxInFlight?: number
  readonly retries?: number
  readonly sequential?: boolean
  readonly renewAfterError?: boolean
  readonly brokers?: number
  readonly replicationFactor?: number
  readonly minInsyncReplicas?: number
  readonly uncleanLeaderElection?: boolean
  readonly flushMessages?: number
  readonly eligibleLeaderReplicas?: boolean
  /** Text of a `producer.properties`. */
  readonly producerProperties?: string
  /** Text of a `server.properties`. */
  readonly brokerProperties?: string
  /** Text of a file of topic settings. */
  readonly topicProperties?: string
}

/** The configuration that was asked about, and what Kafka makes of it without being asked. */
export interface UnderstoodQuestion {
  readonly configuration: VerdictConfiguration
  /** Sentences for people, in the order in which they matter. */
  readonly notes: readonly string[]
}

/** What a trial sets itself for every node: where it listens, who its controllers are, where its files are, who may connect. */
const NODE_KEYS =
  /^(process\.roles|node\.id|broker\.id.*|listeners|advertised\.listeners|control\.plane\..*|inter\.broker\.listener\.name|security\.inter\.broker\.protocol|listener\.(name|security).*|controller\.(listener\.names|quorum\.(voters|bootstrap\.servers))|log\.dirs?|metadata\.log\.dir|broker\.rack|zookeeper\..*|(ssl|sasl)\..*|authorizer\..*|super\.users|initial\.broker\.registration\.timeout\.ms)$/

/** Settings that have a place of their own in the configuration. */
const PLACED_BROKER_KEYS = {
  replicationFactor: 'default.replication.factor',
  minInsyncReplicas: 'min.insync.replicas',
  unclean: 'unclean.leader.election.enable',
  flush: 'log.flush.interval.messages',
} as const

/** JavaScript clients take Kafka's "as often as needed" as this. */
const UNLIMITED_RETRIES = Number.MAX_SAFE_INTEGER

/**
 * Answers as Kafka would, whether and how it takes a configuration.
 *
 * @param node what every `server.properties` needs to be valid, for checking
 * @throws ConfigError, PropertiesSyntaxError, RefusedConfiguration
 */
export function understand(question: Question, node: ReadonlyMap<string, string>): UnderstoodQuestion {
  const notes: string[] = []
  const given = producerValues(question, notes)
  const settings = producerSettings(given)
  notes.push(...settings.notes)
  const broker = brokerValues(question, node, notes)
  const topic = topicValues(question)
  const takeNumber = (flag: number | undefined, topicKey: string | undefined, brokerKey: string): number | undefined =>
    flag ?? (topicKey === undefined ? undefined : takeWhole(topic, topicKey)) ?? takeWhole(broker, brokerKey)
  const brokers = question.brokers ?? DEFAULT_BROKERS
  const cluster = {
    brokers,
    replicationFactor:
      takeNumber(question.replicationFactor, undefined, PLACED_BROKER_KEYS.replicationFactor) ?? DEFAULT_BROKERS,
    minInsyncReplicas:
      takeNumber(question.minInsyncReplicas, 'min.insync.replicas', PLACED_BROKER_KEYS.minInsyncReplicas) ?? 1,
    uncleanLeaderElection:
      question.uncleanLeaderElection ??
      takeBoolean(topic, 'unclean.leader.election.enable') ??
      takeBoolean(broker, PLACED_BROKER_KEYS.unclean) ??
      false,
    flushMessages: takeNumber(question.flushMessages, 'flush.messages', PLACED_BROKER_KEYS.flush),
    eligibleLeaderReplicas: question.eligibleLeaderReplicas ?? true,
  }
  const consumer = consumerOf(question, question.client, broker, notes)
  // What the stronger source has said must not come back by the weaker one.
  for (const key of Object.values(PLACED_BROKER_KEYS)) broker.delete(key)
  for (const key of ['min.insync.replicas', 'unclean.leader.election.enable', 'flush.messages']) topic.delete(key)
  const configuration: VerdictConfiguration = {
    client: question.client,
    producer: producerOf(question, given, settings, notes),
    consumer,
    ...cluster,
    brokerConfig: Object.fromEntries(broker),
    topicConfig: Object.fromEntries(topic),
  }
  checkConfiguration(configuration, notes)
  return { configuration, notes }
}

/** Producer values by the Java client's keys; flags win over the file. */
function producerValues(question: Question, notes: string[]): Map<JudgedProducerKey, string> {
  const values = new Map<JudgedProducerKey, string>()
  for (const { key, value, line } of parseProperties(question.producerProperties ?? '').values()) {
    if (!isProducerKey(key)) {
      const nearest = nearestKey(key, PRODUCER_KEYS)
      notes.push(
        `producer.properties line ${line}: Kafka has no producer setting ${key} and ignores it${hint(nearest)}.`,
      )
    }
    if (key === 'transactional.id') {
      throw new ConfigError(key, value, 'transactions are not judged yet')
    }
    const judged = JUDGED_PRODUCER_KEYS.find(name => name === key)
    if (judged === undefined) continue
    values.set(judged, value.trim())
  }
  const { acks, idempotence, maxInFlight, retries } = question
  if (acks !== undefined) values.set('acks', acks === -1 ? 'all' : String(acks))
  if (idempotence !== undefined) values.set('enable.idempotence', String(idempotence))
  if (maxInFlight !== undefined) values.set('max.in.flight.requests.per.connection', String(maxInFlight))
  if (retries !== undefined) values.set('retries', String(Math.min(retries, INT_MAX)))
  return values
}

/** How a JavaScript application uses its client to get what the Java producer does; the one with its semantics needs no care. */
function producerOf(
  question: Question,
  given: ReadonlyMap<JudgedProducerKey, string>,
  { acks, idempotent, maxInFlight, retries, requestTimeoutMs, compression }: ProducerSettings,
  notes: string[],
): VerdictConfiguration['producer'] {
  const one = maxInFlight === 1
  const needsCare = question.client !== 'java-semantics'
  const sequential = question.sequential ?? (needsCare && (idempotent || one) ? true : undefined)
  if (needsCare && idempotent && !given.has('enable.idempotence')) {
    notes.push(
      "Idempotence is on, as by the Java producer's default; KafkaJS and platformatic have it off unless they are told (--no-idempotence).",
    )
  }
  if (needsCare && question.sequential === undefined && idempotent) {
    notes.push(
      'Applications await each send and replace their client after an error: only then are the sequence numbers of the JavaScript clients sound (--no-sequential shows what happens otherwise).',
    )
  } else if (needsCare && question.sequential === undefined && one) {
    notes.push('One request in flight: applications await each send before the next.')
  }
  if (given.has('delivery.timeout.ms')) {
    notes.push(
      needsCare
        ? 'delivery.timeout.ms is only checked: the JavaScript clients give a send up after its retries instead.'
        : 'delivery.timeout.ms is only checked: the producers of trials have its default.',
    )
  }
  return {
    acks,
    idempotent,
    maxInFlight: given.has('max.in.flight.requests.per.connection') ? maxInFlight : undefined,
    retries: given.has('retries') ? (retries === INT_MAX ? UNLIMITED_RETRIES : retries) : undefined,
    requestTimeoutMs: given.has('request.timeout.ms') ? Math.max(1, requestTimeoutMs) : undefined,
    compression: given.has('compression.type') ? compression : undefined,
    sequential,
    renewAfterError: question.renewAfterError ?? (idempotent ? true : undefined),
  }
}

function brokerValues(question: Question, node: ReadonlyMap<string, string>, notes: string[]): Map<string, string> {
  const values = new Map<string, string>()
  const own: string[] = []
  for (const { key, value } of parseProperties(question.brokerProperties ?? '').values()) {
    if (NODE_KEYS.test(key)) own.push(key)
    else values.set(key, value)
  }
  if (own.length > 0) notes.push(`server.properties: the trial has its own ${own.join(', ')}.`)
  const { warnings } = KafkaConfig.fromProperties(new Map([...node, ...values]))
  for (const { key, nearest } of warnings) {
    notes.push(`server.properties: Kafka has no setting ${key} and ignores it${hint(nearest)}.`)
    values.delete(key)
  }
  return values
}

/** Unlike brokers and producers, CreateTopics refuses what it does not know. */
function topicValues(question: Question): Map<string, string> {
  const values = new Map<string, string>()
  for (const { key, value, line } of parseProperties(question.topicProperties ?? '').values()) {
    if (topicConfigDef(key) === undefined) {
      const keys = TOPIC_CONFIG_DEFS.map(def => def.key)
      throw new RefusedConfiguration(
        'INVALID_CONFIG',
        `Unknown topic config name: ${key} in line ${line}${hint(nearestKey(key, keys))}`,
      )
    }
    values.set(key, value)
  }
  LogConfig.validate(values)
  return values
}

function takeWhole(values: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = values.get(key)
  return text === undefined ? undefined : parseWholeNumber(text)
}

function takeBoolean(values: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const text = values.get(key)
  return text === undefined ? undefined : text.trim().toLowerCase() === 'true'
}

function hint(nearest: string | undefined): string {
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`
}
