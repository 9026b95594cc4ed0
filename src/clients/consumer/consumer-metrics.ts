import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { ClientMetrics } from '../client-metrics.ts'
import { TopicPartitionSet } from '../topic-partition-map.ts'

const FETCH_GROUP = 'consumer-fetch-manager-metrics'
const COORDINATOR_GROUP = 'consumer-coordinator-metrics'
const CONSUMER_GROUP = 'consumer-metrics'

type Record = (value: number) => void

/** A consumer's metrics (Kafka's FetchMetricsManager, KafkaConsumerMetrics and GroupCoordinatorMetrics). */
export class ConsumerMetrics {
  readonly registry: ClientMetrics
  readonly #runtime: Runtime
  readonly #tags: { readonly 'client-id': string }
  readonly #fetchSize: Record
  readonly #recordsPerRequest: Record
  readonly #fetchLatency: Record
  readonly #throttleTime: Record
  readonly #lagMax: Record
  readonly #leadMin: Record
  readonly #timeBetweenPolls: Record
  readonly #idleRatio: Record
  readonly #commitSyncTotal: Record
  readonly #committedTotal: Record
  readonly commitLatency: Record
  readonly heartbeatLatency: Record
  readonly joinLatency: Record
  readonly syncLatency: Record
  readonly rebalanceLatency: Record
  readonly failedRebalance: Record
  readonly partitionsRevokedLatency: Record
  readonly partitionsAssignedLatency: Record
  readonly partitionsLostLatency: Record
  #lastPollMs: number | undefined
  #pollStartMs = 0
  #timeSinceLastPollMs = 0
  #assignmentId = -1
  #assigned = new TopicPartitionSet()

  constructor(runtime: Runtime, clientId: string) {
    this.#runtime = runtime
    this.registry = new ClientMetrics(runtime)
    this.#tags = { 'client-id': clientId }
    this.#fetchSize = this.#stats(FETCH_GROUP, { avg: 'fetch-size-avg', max: 'fetch-size-max' }, [
      ['rate', 'bytes-consumed-rate'],
      ['total', 'bytes-consumed-total'],
    ])
    this.#recordsPerRequest = this.#stats(FETCH_GROUP, { avg: 'records-per-request-avg' }, [
      ['rate', 'records-consumed-rate'],
      ['total', 'records-consumed-total'],
    ])
    this.#fetchLatency = this.#stats(FETCH_GROUP, { avg: 'fetch-latency-avg', max: 'fetch-latency-max' }, [
      ['event-rate', 'fetch-rate'],
      ['event-total', 'fetch-total'],
    ])
    this.#throttleTime = this.#stats(FETCH_GROUP, { avg: 'fetch-throttle-time-avg', max: 'fetch-throttle-time-max' })
    this.#lagMax = this.registry.stat('max', 'records-lag-max', FETCH_GROUP, this.#tags)
    this.#leadMin = this.registry.stat('min', 'records-lead-min', FETCH_GROUP, this.#tags)
    this.#timeBetweenPolls = this.#stats(CONSUMER_GROUP, { avg: 'time-between-poll-avg', max: 'time-between-poll-max' })
    this.#idleRatio = this.registry.stat('avg', 'poll-idle-ratio-avg', CONSUMER_GROUP, this.#tags)
    this.registry.gauge('last-poll-seconds-ago', CONSUMER_GROUP, this.#tags, nowMs =>
      this.#lastPollMs === undefined ? -1 : Math.floor((nowMs - this.#lastPollMs) / 1000),
    )
    this.#commitSyncTotal = this.registry.stat('total', 'commit-sync-time-ns-total', CONSUMER_GROUP, this.#tags)
    this.#committedTotal = this.registry.stat('total', 'committed-time-ns-total', CONSUMER_GROUP, this.#tags)
    this.commitLatency = this.#latency('commit-latency', 'commit')
    this.heartbeatLatency = this.#latency('heartbeat-response-time', 'heartbeat', ['max'])
    this.joinLatency = this.#latency('join-time', 'join')
    this.syncLatency = this.#latency('sync-time', 'sync')
    this.rebalanceLatency = this.#stats(
      COORDINATOR_GROUP,
      { avg: 'rebalance-latency-avg', max: 'rebalance-latency-max' },
      [
        ['total', 'rebalance-latency-total'],
        ['event-total', 'rebalance-total'],
      ],
    )
    this.failedRebalance = this.registry.stat('event-total', 'failed-rebalance-total', COORDINATOR_GROUP, this.#tags)
    this.partitionsRevokedLatency = this.#latency('partition-revoked-latency')
    this.partitionsAssignedLatency = this.#latency('partition-assigned-latency')
    this.partitionsLostLatency = this.#latency('partition-lost-latency')
  }

  /** Metrics that follow the group: `last-rebalance-seconds-ago` …; −1: never. @param lastMs on the monotonic clock */
  secondsAgo(name: string, lastMs: () => number | undefined): void {
    this.registry.gauge(name, COORDINATOR_GROUP, this.#tags, nowMs => {
      const last = lastMs()
      return last === undefined ? -1 : Math.floor((nowMs - last) / 1000)
    })
  }

  assignedPartitions(count: () => number): void {
    this.registry.gauge('assigned-partitions', COORDINATOR_GROUP, this.#tags, count)
  }

  recordPollStart(): void {
    const nowMs = this.#nowMs()
    this.#pollStartMs = nowMs
    this.#timeSinceLastPollMs = this.#lastPollMs === undefined ? 0 : nowMs - this.#lastPollMs
    this.#timeBetweenPolls(this.#timeSinceLastPollMs)
    this.#lastPollMs = nowMs
  }

  recordPollEnd(): void {
    const pollTimeMs = this.#nowMs() - this.#pollStartMs
    const cycleMs = pollTimeMs + this.#timeSinceLastPollMs
    this.#idleRatio(cycleMs === 0 ? 0 : pollTimeMs / cycleMs)
  }

  recordCommitSync(durationMs: number): void {
    this.#commitSyncTotal(Math.round(durationMs * 1_000_000))
  }

  recordCommitted(durationMs: number): void {
    this.#committedTotal(Math.round(durationMs * 1_000_000))
  }

  recordFetchLatency(latencyMs: number, throttleTimeMs: number): void {
    this.#fetchLatency(latencyMs)
    this.#throttleTime(throttleTimeMs)
  }

  /**
   * For the partitions of one answer (Kafka's FetchMetricsAggregator): what each gave is summed up and recorded when the last
   * one is drained.
   */
  fetchOf(partitions: number): (partition: TopicPartition, bytes: number, records: number) => void {
    let left = partitions
    let totalBytes = 0
    let totalRecords = 0
    const byTopic = new Map<string, { bytes: number; records: number }>()
    return ({ topic }, bytes, records) => {
      totalBytes += bytes
      totalRecords += records
      const ofTopic = byTopic.get(topic) ?? { bytes: 0, records: 0 }
      byTopic.set(topic, { bytes: ofTopic.bytes + bytes, records: ofTopic.records + records })
      if (--left > 0) return
      this.#fetchSize(totalBytes)
      this.#recordsPerRequest(totalRecords)
      for (const [name, sums] of byTopic) this.#recordTopic(name, sums.bytes, sums.records)
    }
  }

  recordPartitionLag(partition: TopicPartition, lag: number | undefined): void {
    if (lag === undefined) return
    this.#lagMax(lag)
    for (const [kind, name] of PARTITION_LAG) this.#ofPartition(kind, name, partition)(lag)
  }

  recordPartitionLead(partition: TopicPartition, lead: number | undefined): void {
    if (lead === undefined) return
    this.#leadMin(lead)
    for (const [kind, name] of PARTITION_LEAD) this.#ofPartition(kind, name, partition)(lead)
  }

  /** Drops the metrics of partitions that are no longer assigned. @param assignmentId changes with the assignment */
  maybeUpdateAssignment(assignmentId: number, assigned: () => Iterable<TopicPartition>): void {
    if (assignmentId === this.#assignmentId) return
    this.#assignmentId = assignmentId
    const now = new TopicPartitionSet(assigned())
    for (const partition of this.#assigned) {
      if (now.has(partition)) continue
      for (const [, name] of [...PARTITION_LAG, ...PARTITION_LEAD]) {
        this.registry.remove(name, FETCH_GROUP, this.#partitionTags(partition))
      }
    }
    this.#assigned = now
  }

  #recordTopic(topic: string, bytes: number, records: number): void {
    const tags = { ...this.#tags, topic }
    const record = (kind: 'avg' | 'max' | 'rate' | 'total', name: string, value: number) =>
      this.registry.stat(kind, name, FETCH_GROUP, tags)(value)
    record('avg', 'fetch-size-avg', bytes)
    record('max', 'fetch-size-max', bytes)
    record('rate', 'bytes-consumed-rate', bytes)
    record('total', 'bytes-consumed-total', bytes)
    record('avg', 'records-per-request-avg', records)
    record('rate', 'records-consumed-rate', records)
    record('total', 'records-consumed-total', records)
  }

  #ofPartition(kind: 'last' | 'avg' | 'max' | 'min', name: string, partition: TopicPartition): Record {
    return this.registry.stat(kind, name, FETCH_GROUP, this.#partitionTags(partition))
  }

  #partitionTags({ topic, partition }: TopicPartition) {
    return { ...this.#tags, topic, partition: `${partition}` }
  }

  /** `<name>-avg` and `<name>-max`, and how often: `<events>-rate` and `<events>-total`. */
  #latency(name: string, events?: string, kinds: readonly ('avg' | 'max')[] = ['avg', 'max']): Record {
    const names = Object.fromEntries(kinds.map(kind => [kind, `${name}-${kind}`]))
    const counts: [StatName[0], string][] =
      events === undefined
        ? []
        : [
            ['event-rate', `${events}-rate`],
            ['event-total', `${events}-total`],
          ]
    return this.#stats(COORDINATOR_GROUP, names, counts)
  }

  #stats(
    group: string,
    names: { readonly avg?: string; readonly max?: string },
    others: readonly StatName[] = [],
  ): Record {
    const stats: Record[] = []
    if (names.avg !== undefined) stats.push(this.registry.stat('avg', names.avg, group, this.#tags))
    if (names.max !== undefined) stats.push(this.registry.stat('max', names.max, group, this.#tags))
    for (const [kind, name] of others) stats.push(this.registry.stat(kind, name, group, this.#tags))
    return value => {
      for (const record of stats) record(value)
    }
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs()
  }
}

type StatName = readonly ['rate' | 'event-rate' | 'total' | 'event-total', string]

const PARTITION_LAG = [
  ['last', 'records-lag'],
  ['max', 'records-lag-max'],
  ['avg', 'records-lag-avg'],
] as const

const PARTITION_LEAD = [
  ['last', 'records-lead'],
  ['min', 'records-lead-min'],
  ['avg', 'records-lead-avg'],
] as const
