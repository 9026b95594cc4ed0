import { ConfigError } from '../../config/config-error.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ConfigValues } from '../abstract-config.ts'
import { parseBootstrapServers } from '../bootstrap-servers.ts'
import { kafkaClientOptions } from '../client-options.ts'
import { ExponentialBackoff } from '../exponential-backoff.ts'
import { Interceptors } from '../interceptors.ts'
import { KafkaClient } from '../kafka-client.ts'
import { CooperativeStickyAssignor } from './assignors/cooperative-sticky-assignor.ts'
import { RangeAssignor } from './assignors/range-assignor.ts'
import { RoundRobinAssignor } from './assignors/round-robin-assignor.ts'
import { StickyAssignor } from './assignors/sticky-assignor.ts'
import { parseAutoOffsetReset } from './auto-offset-reset-strategy.ts'
import { ConsumerConfig, type GroupProtocol } from './consumer-config.ts'
import { ConsumerCoordinator, type ConsumerCoordinatorOptions } from './consumer-coordinator.ts'
import type { ConsumerInterceptor } from './consumer-interceptor.ts'
import { ConsumerMetadata } from './consumer-metadata.ts'
import { ConsumerMetrics } from './consumer-metrics.ts'
import { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { ConsumerPartitionAssignor } from './consumer-partition-assignor.ts'
import type { Deserializers } from './fetch-config.ts'
import { Fetcher } from './fetcher.ts'
import type { GroupMembership } from './group-membership.ts'
import type { GroupRebalanceConfig } from './group-rebalance-config.ts'
import type { KafkaConsumerOptions } from './kafka-consumer.ts'
import { ConsumerGroupMembership, type ConsumerGroupMembershipOptions } from './modern/consumer-group-membership.ts'
import { OffsetFetcher } from './offset-fetcher.ts'
import { PositionsValidator } from './positions-validator.ts'
import { SubscriptionState } from './subscription-state.ts'
import { TopicMetadataFetcher } from './topic-metadata-fetcher.ts'

/** Kafka: a fixed high number, since requests are bounded elsewhere. */
const MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION = 100
const RETRY_BACKOFF_EXP_BASE = 2
const RETRY_BACKOFF_JITTER = 0.2

/** What a consumer is made of. */
export interface ConsumerParts<K, V> {
  readonly config: ConsumerConfig
  readonly clientId: string
  readonly subscriptions: SubscriptionState
  readonly metadata: ConsumerMetadata
  readonly client: ConsumerNetworkClient
  /** Undefined without `group.id`. */
  readonly membership: GroupMembership | undefined
  readonly assignors: readonly ConsumerPartitionAssignor[]
  readonly fetcher: Fetcher<K, V>
  readonly offsetFetcher: OffsetFetcher
  readonly positionsValidator: PositionsValidator
  readonly topicMetadataFetcher: TopicMetadataFetcher
  readonly interceptors: Interceptors<ConsumerInterceptor<K, V>>
  readonly deserializers: Deserializers<K, V>
  readonly metrics: ConsumerMetrics
  readonly retryBackoffMs: number
  readonly requestTimeoutMs: number
  readonly defaultApiTimeoutMs: number
}

/** Puts a consumer together as its configuration says. @param callback runs code of the application. @throws ConfigError */
export function createConsumerParts<K, V>(
  runtime: Runtime,
  values: ConfigValues,
  options: KafkaConsumerOptions<K, V>,
  callback: (body: () => void | Promise<void>) => Promise<void>,
): ConsumerParts<K, V> {
  const onWarning = options.onWarning ?? (() => {})
  const config = new ConsumerConfig(values, onWarning)
  const addresses = parseBootstrapServers(config.getList('bootstrap.servers'))
  const clientId = clientIdOf(runtime, config)
  const retryBackoffMs = config.getNumber('retry.backoff.ms')
  const retryBackoffMaxMs = config.getNumber('retry.backoff.max.ms')
  const requestTimeoutMs = config.getNumber('request.timeout.ms')
  const subscriptions = new SubscriptionState(parseAutoOffsetReset(config.getString('auto.offset.reset')))
  const random = runtime.random.stream(`KafkaConsumer ${clientId}`)
  const metadata = new ConsumerMetadata(
    {
      retryBackoffMs,
      retryBackoffMaxMs,
      metadataMaxAgeMs: config.getNumber('metadata.max.age.ms'),
      includeInternalTopics: !config.getBoolean('exclude.internal.topics'),
      allowAutoTopicCreation: config.getBoolean('allow.auto.create.topics'),
      random,
    },
    subscriptions,
  )
  metadata.bootstrap(addresses)
  const metrics = new ConsumerMetrics(runtime, clientId)
  const kafkaClient = new KafkaClient(runtime, {
    ...kafkaClientOptions(config),
    clientId,
    metadata,
    maxInFlightRequestsPerConnection: MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION,
  })
  const client = new ConsumerNetworkClient(runtime, {
    client: kafkaClient,
    metadata,
    retryBackoffMs,
    requestTimeoutMs,
    maxPollTimeoutMs: config.getNumber('heartbeat.interval.ms'),
  })
  const retryBackoff = new ExponentialBackoff({
    initialIntervalMs: retryBackoffMs,
    multiplier: RETRY_BACKOFF_EXP_BASE,
    maxIntervalMs: retryBackoffMaxMs,
    jitter: RETRY_BACKOFF_JITTER,
    random,
  })
  const interceptors = new Interceptors(options.interceptors ?? [], onWarning)
  const assignors = options.assignors ?? assignorsOf(config)
  const rebalanceConfig = groupRebalanceConfig(config)
  const membership =
    rebalanceConfig === undefined
      ? undefined
      : createMembership(runtime, {
          client,
          config: rebalanceConfig,
          assignors,
          metadata,
          subscriptions,
          metrics,
          random,
          retryBackoff,
          protocol: config.groupProtocol,
          defaultApiTimeoutMs: config.getNumber('default.api.timeout.ms'),
          remoteAssignor: config.get('group.remote.assignor') ?? undefined,
          autoCommitIntervalMs: config.getBoolean('enable.auto.commit')
            ? config.getNumber('auto.commit.interval.ms')
            : undefined,
          callback,
          onCommit: offsets => interceptors.notify('onCommit', interceptor => interceptor.onCommit?.(offsets)),
          onWarning,
        })
  const deserializers = { key: options.keyDeserializer, value: options.valueDeserializer }
  const shared = { client, metadata, subscriptions, retryBackoffMs, requestTimeoutMs }
  return {
    ...shared,
    config,
    clientId,
    metrics,
    deserializers,
    defaultApiTimeoutMs: config.getNumber('default.api.timeout.ms'),
    membership,
    assignors,
    interceptors,
    fetcher: new Fetcher(runtime, { ...shared, config: config.fetch, deserializers, metrics }),
    offsetFetcher: new OffsetFetcher(runtime, { ...shared, isolationLevel: config.isolationLevel }),
    positionsValidator: new PositionsValidator(runtime, shared),
    topicMetadataFetcher: new TopicMetadataFetcher(client, retryBackoff),
  }
}

interface MembershipOptions extends ConsumerCoordinatorOptions, ConsumerGroupMembershipOptions {
  readonly protocol: GroupProtocol
}

function createMembership(runtime: Runtime, options: MembershipOptions): GroupMembership {
  return options.protocol === 'consumer'
    ? new ConsumerGroupMembership(runtime, options)
    : new ConsumerCoordinator(runtime, options)
}

const ASSIGNORS: Readonly<Record<string, () => ConsumerPartitionAssignor>> = {
  range: () => new RangeAssignor(),
  roundrobin: () => new RoundRobinAssignor(),
  sticky: () => new StickyAssignor(),
  'cooperative-sticky': () => new CooperativeStickyAssignor(),
  'org.apache.kafka.clients.consumer.RangeAssignor': () => new RangeAssignor(),
  'org.apache.kafka.clients.consumer.RoundRobinAssignor': () => new RoundRobinAssignor(),
  'org.apache.kafka.clients.consumer.StickyAssignor': () => new StickyAssignor(),
  'org.apache.kafka.clients.consumer.CooperativeStickyAssignor': () => new CooperativeStickyAssignor(),
}

function assignorsOf(config: ConsumerConfig): ConsumerPartitionAssignor[] {
  const key = 'partition.assignment.strategy'
  const assignors = config.getList(key).map(name => {
    const create = ASSIGNORS[name]
    if (create !== undefined) return create()
    throw new ConfigError(
      key,
      name,
      'expected range, roundrobin, sticky or cooperative-sticky, or the names of their classes',
    )
  })
  if (new Set(assignors.map(({ name }) => name)).size === assignors.length) return assignors
  throw new ConfigError(key, config.getString(key), 'expected no assignor twice')
}

function groupRebalanceConfig(config: ConsumerConfig): GroupRebalanceConfig | undefined {
  const { groupId, groupInstanceId } = config
  if (groupId === undefined) return undefined
  const rackId = config.getString('client.rack')
  return {
    groupId,
    groupInstanceId,
    sessionTimeoutMs: config.getNumber('session.timeout.ms'),
    rebalanceTimeoutMs: config.getNumber('max.poll.interval.ms'),
    heartbeatIntervalMs: config.getNumber('heartbeat.interval.ms'),
    rackId: rackId === '' ? undefined : rackId,
    retryBackoffMs: config.getNumber('retry.backoff.ms'),
  }
}

/** How many consumers a host has made without a name of their own: names and random streams differ so, and replay. */
const unnamed = new WeakMap<Runtime, number>()

function clientIdOf(runtime: Runtime, config: ConsumerConfig): string {
  const given = config.getString('client.id')
  if (given !== '') return given
  const group = config.groupId ?? 'null'
  if (config.groupInstanceId !== undefined) return `consumer-${group}-${config.groupInstanceId}`
  const number = (unnamed.get(runtime) ?? 0) + 1
  unnamed.set(runtime, number)
  return `consumer-${group}-${number}`
}
