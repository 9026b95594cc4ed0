import type { ClientName, CompressionName } from '../trial/scenario.ts'
import { consumerRows, type VerdictConsumer } from './consumer-configuration.ts'

/** The configuration on trial, as Kafka understands it. What is undefined is drawn anew for every trial. */
export interface VerdictConfiguration {
  readonly client: ClientName | undefined
  readonly producer: VerdictProducer
  /** The group that reads; undefined: what is judged ends with the log. */
  readonly consumer: VerdictConsumer | undefined
  readonly brokers: number
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
  readonly uncleanLeaderElection: boolean
  /** KIP-966, `eligible.leader.replicas.version=1`: the default of a cluster that was formatted by Kafka 4.1 or later. */
  readonly eligibleLeaderReplicas: boolean
  /** `log.flush.interval.messages`; undefined is Kafka's default, never. */
  readonly flushMessages: number | undefined
  /** What else `server.properties` says. */
  readonly brokerConfig: Readonly<Record<string, string>>
  /** What else the topic's configuration says. */
  readonly topicConfig: Readonly<Record<string, string>>
}

export interface VerdictProducer {
  readonly acks: -1 | 0 | 1
  readonly idempotent: boolean
  readonly maxInFlight: number | undefined
  /** Undefined: the client's own default. */
  readonly retries: number | undefined
  readonly requestTimeoutMs: number | undefined
  readonly compression: CompressionName | undefined
  /** The application awaits each send before the next. */
  readonly sequential: boolean | undefined
  readonly renewAfterError: boolean | undefined
}

/** Kafka's own: what holds when nobody says anything. Three brokers and three replicas are what the verdict is about. */
export const DEFAULT_BROKERS = 3

/** `acks=all`, `acks=1`. */
export function acksText(acks: -1 | 0 | 1): string {
  return `acks=${acks === -1 ? 'all' : acks}`
}

/** Settings by Kafka's keys that a counterexample must keep: what it shows is shown of this configuration. */
export function topicSettings(configuration: VerdictConfiguration): Record<string, string> {
  const { minInsyncReplicas, uncleanLeaderElection, topicConfig } = configuration
  return {
    ...topicConfig,
    'min.insync.replicas': String(minInsyncReplicas),
    'unclean.leader.election.enable': String(uncleanLeaderElection),
  }
}

/** Where there are groups, their coordinators' topic has what the topic on trial has. */
export function brokerSettings(configuration: VerdictConfiguration): Record<string, string> {
  const { flushMessages, brokerConfig, consumer, minInsyncReplicas, uncleanLeaderElection } = configuration
  const ofCoordinators = {
    'min.insync.replicas': String(minInsyncReplicas),
    'unclean.leader.election.enable': String(uncleanLeaderElection),
  }
  return {
    ...brokerConfig,
    ...(consumer === undefined ? {} : ofCoordinators),
    ...(flushMessages === undefined ? {} : { 'log.flush.interval.messages': String(flushMessages) }),
  }
}

/** The level of KIP-966's feature. */
export function features({ eligibleLeaderReplicas }: VerdictConfiguration): Record<string, number> {
  return { 'eligible.leader.replicas.version': Number(eligibleLeaderReplicas) }
}

/** How many replicas must be in sync for acks=all: Kafka counts with the smaller of two (Partition.effectiveMinIsr). */
export function effectiveMinInsyncReplicas({
  minInsyncReplicas,
  replicationFactor,
}: Pick<VerdictConfiguration, 'minInsyncReplicas' | 'replicationFactor'>): number {
  return Math.min(minInsyncReplicas, replicationFactor)
}

/** The configuration by Kafka's keys, in the order in which people think of it. */
export function configurationRows(configuration: VerdictConfiguration): [key: string, value: string][] {
  const { producer, brokers, replicationFactor, minInsyncReplicas, uncleanLeaderElection } = configuration
  const { flushMessages, eligibleLeaderReplicas, brokerConfig, topicConfig, client, consumer } = configuration
  const rows: [string, string | undefined][] = [
    ['acks', producer.acks === -1 ? 'all' : String(producer.acks)],
    ['min.insync.replicas', String(minInsyncReplicas)],
    ['replication.factor', String(replicationFactor)],
    ['brokers', String(brokers)],
    ['unclean.leader.election.enable', String(uncleanLeaderElection)],
    ['eligible.leader.replicas.version', String(Number(eligibleLeaderReplicas))],
    ['enable.idempotence', String(producer.idempotent)],
    ['max.in.flight.requests.per.connection', textOf(producer.maxInFlight)],
    ['retries', textOf(producer.retries)],
    ['request.timeout.ms', textOf(producer.requestTimeoutMs)],
    ['compression.type', producer.compression],
    ['log.flush.interval.messages', textOf(flushMessages)],
    ['client', client ?? 'kafkajs, platformatic'],
    ...(consumer === undefined ? [] : consumerRows(consumer)),
    ...Object.entries(brokerConfig),
    ...Object.entries(topicConfig),
  ]
  return rows.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))
}

function textOf(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}
