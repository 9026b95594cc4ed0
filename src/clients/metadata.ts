import type { MetadataRequest, MetadataResponse } from '../protocol/apis/metadata.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { MessageInput } from '../protocol/schema.ts'
import type { TopicPartition } from '../protocol/topic-partition.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { Address } from '../runtime/network.ts'
import type { RandomStream } from '../runtime/runtime.ts'
import { InvalidTopicException, isInvalidMetadataCode, type KafkaError, TopicAuthorizationException } from './errors.ts'
import { ExponentialBackoff } from './exponential-backoff.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { MetadataSnapshot, type PartitionMetadata } from './metadata-snapshot.ts'
import type { Node } from './node.ts'

const RETRY_BACKOFF_EXP_BASE = 2
const RETRY_BACKOFF_JITTER = 0.2

export type MetadataRequestBody = MessageInput<typeof MetadataRequest>

export interface MetadataOptions {
  /** `retry.backoff.ms` */
  readonly retryBackoffMs: number
  /** `retry.backoff.max.ms` */
  readonly retryBackoffMaxMs: number
  /** `metadata.max.age.ms` */
  readonly metadataMaxAgeMs: number
  readonly random: RandomStream
}

/** A partition's leader as an error of a Produce or Fetch answer tells it (KIP-951). */
export interface LeaderIdAndEpoch extends TopicPartition {
  readonly leaderId: number
  readonly leaderEpoch: number
}

/** Undefined: not known. */
export interface LeaderAndEpoch {
  readonly leader: Node | undefined
  readonly epoch: number | undefined
}

export interface MetadataRequestAndVersion {
  readonly request: MetadataRequestBody
  readonly requestVersion: number
  /** Whether it asks for new topics only. */
  readonly isPartialUpdate: boolean
}

/**
 * What a client knows of the cluster, and when it is to be asked for anew (Kafka's Metadata). Leader epochs never go back
 * within one topic id (KAFKA-7181, KIP-320). Times are of the monotonic clock.
 */
export class Metadata {
  readonly #refreshBackoff: ExponentialBackoff
  readonly #maxAgeMs: number
  readonly #lastSeenLeaderEpochs = new LeaderEpochs()
  #snapshot = MetadataSnapshot.EMPTY
  #bootstrapAddresses: readonly Address[] = []
  #updateVersion = 0
  #requestVersion = 0
  #lastRefreshMs = Number.NEGATIVE_INFINITY
  #lastSuccessfulRefreshMs = Number.NEGATIVE_INFINITY
  #attempts = 0
  #equivalentResponseCount = 0
  #needFullUpdate = false
  #needPartialUpdate = false
  #fatalException: KafkaError | undefined
  #invalidTopics: ReadonlySet<string> = new Set()
  #unauthorizedTopics: ReadonlySet<string> = new Set()
  #closed = false

  constructor(options: MetadataOptions) {
    this.#maxAgeMs = options.metadataMaxAgeMs
    this.#refreshBackoff = new ExponentialBackoff({
      initialIntervalMs: options.retryBackoffMs,
      multiplier: RETRY_BACKOFF_EXP_BASE,
      maxIntervalMs: options.retryBackoffMaxMs,
      jitter: RETRY_BACKOFF_JITTER,
      random: options.random,
    })
  }

  /** What is known now. */
  fetch(): MetadataSnapshot {
    return this.#snapshot
  }

  get metadataMaxAgeMs(): number {
    return this.#maxAgeMs
  }

  /** Grows with every update. */
  get updateVersion(): number {
    return this.#updateVersion
  }

  get updateRequested(): boolean {
    return this.#needFullUpdate || this.#needPartialUpdate
  }

  get closed(): boolean {
    return this.#closed
  }

  /** When all topics were last told; -∞: never. */
  get lastSuccessfulUpdateMs(): number {
    return this.#lastSuccessfulRefreshMs
  }

  /** Milliseconds until the backoff lets an update go out. */
  timeToAllowUpdate(nowMs: number): number {
    const sinceRefresh = this.#refreshBackoff.backoff(this.#attempts > 0 ? this.#attempts - 1 : 0)
    if (this.#lastSuccessfulRefreshMs + this.#maxAgeMs <= nowMs) this.#equivalentResponseCount = 0
    const count = this.#equivalentResponseCount
    const forEquivalent = count > 0 ? this.#refreshBackoff.backoff(count - 1) : 0
    return Math.max(this.#lastRefreshMs + Math.max(sinceRefresh, forEquivalent) - nowMs, 0)
  }

  /** Milliseconds until the next update is due; 0: now. */
  timeToNextUpdate(nowMs: number): number {
    const toExpiry = this.updateRequested ? 0 : Math.max(this.#lastSuccessfulRefreshMs + this.#maxAgeMs - nowMs, 0)
    return Math.max(toExpiry, this.timeToAllowUpdate(nowMs))
  }

  /**
   * Asks for an update of all topics; returns the version that is to grow.
   *
   * @param resetEquivalentResponseBackoff whether there is news, so that the pause between answers that say nothing new
   * begins anew
   */
  requestUpdate(resetEquivalentResponseBackoff: boolean): number {
    this.#needFullUpdate = true
    if (resetEquivalentResponseBackoff) this.#equivalentResponseCount = 0
    return this.#updateVersion
  }

  /** Asks for topics that were added, without waiting for the backoff; returns the version that is to grow. */
  requestUpdateForNewTopics(): number {
    this.#lastRefreshMs = Number.NEGATIVE_INFINITY
    this.#needPartialUpdate = true
    this.#equivalentResponseCount = 0
    this.#requestVersion++
    return this.#updateVersion
  }

  /** Takes an epoch that another answer told and asks for an update, if it is newer than a known one; whether it was. */
  updateLastSeenEpochIfNewer(partition: TopicPartition, leaderEpoch: number): boolean {
    const known = this.#lastSeenLeaderEpochs.get(partition)
    if (known === undefined || leaderEpoch <= known) return false
    this.#lastSeenLeaderEpochs.set(partition, leaderEpoch)
    this.#needFullUpdate = true
    return true
  }

  lastSeenLeaderEpoch(partition: TopicPartition): number | undefined {
    return this.#lastSeenLeaderEpochs.get(partition)
  }

  /** What is known of a partition, unless a newer leader epoch has been seen since. */
  partitionMetadataIfCurrent(partition: TopicPartition): PartitionMetadata | undefined {
    const epoch = this.#lastSeenLeaderEpochs.get(partition)
    const metadata = this.#snapshot.partitionMetadata(partition)
    return epoch === undefined || metadata?.leaderEpoch === epoch ? metadata : undefined
  }

  currentLeader(partition: TopicPartition): LeaderAndEpoch {
    const metadata = this.partitionMetadataIfCurrent(partition)
    if (metadata === undefined) return { leader: undefined, epoch: this.#lastSeenLeaderEpochs.get(partition) }
    const { leaderId, leaderEpoch } = metadata
    return { leader: leaderId === undefined ? undefined : this.#snapshot.nodeById(leaderId), epoch: leaderEpoch }
  }

  /** Sets the servers to begin with. */
  bootstrap(addresses: readonly Address[]): void {
    this.#needFullUpdate = true
    this.#updateVersion++
    this.#snapshot = MetadataSnapshot.bootstrap(addresses)
    this.#bootstrapAddresses = addresses
  }

  /** Forgets the cluster and begins again with the servers to begin with (KIP-899). */
  rebootstrap(): void {
    this.bootstrap(this.#bootstrapAddresses)
  }

  /** The request to send now: for all topics of interest, or only for new ones. */
  newMetadataRequestAndVersion(nowMs: number): MetadataRequestAndVersion {
    const isFresh = !this.#needFullUpdate && this.#lastSuccessfulRefreshMs + this.#maxAgeMs > nowMs
    const partial = isFresh ? this.newMetadataRequestForNewTopics() : undefined
    return {
      request: partial ?? this.newMetadataRequest(),
      requestVersion: this.#requestVersion,
      isPartialUpdate: partial !== undefined,
    }
  }

  /** Takes an answer to a request of `requestVersion`. */
  update(requestVersion: number, response: MetadataResponse, isPartialUpdate: boolean, nowMs: number): void {
    if (this.#closed) return
    this.#needPartialUpdate = requestVersion < this.#requestVersion
    this.#lastRefreshMs = nowMs
    this.#attempts = 0
    this.#updateVersion++
    if (!isPartialUpdate) {
      this.#needFullUpdate = false
      this.#lastSuccessfulRefreshMs = nowMs
    }
    this.#equivalentResponseCount++
    this.#snapshot = this.#snapshotOf(response, isPartialUpdate, nowMs)
    this.#invalidTopics = this.#snapshot.invalidTopics
    this.#unauthorizedTopics = this.#snapshot.unauthorizedTopics
    this.#lastSeenLeaderEpochs.retain(topic => this.retainTopic(topic, false, nowMs, this.#snapshot.topicId(topic)))
  }

  /**
   * Takes leaders that errors of Produce or Fetch answers told (KIP-951), as far as they are newer than what is known and
   * their nodes are; returns the partitions that it took.
   */
  updatePartitionLeadership(leaders: readonly LeaderIdAndEpoch[], leaderNodes: readonly Node[]): TopicPartition[] {
    const nodes = new Map([...this.#snapshot.nodes, ...leaderNodes].map(node => [node.id, node]))
    const updated: PartitionMetadata[] = []
    for (const { topic, partition, leaderId, leaderEpoch } of leaders) {
      const known = this.#snapshot.partitionMetadata({ topic, partition })
      const { epoch } = this.currentLeader({ topic, partition })
      if (leaderId < 0 || leaderEpoch < 0 || (epoch !== undefined && leaderEpoch <= epoch)) continue
      if (known === undefined || !nodes.has(leaderId)) continue
      updated.push({ ...known, leaderId, leaderEpoch })
      this.#lastSeenLeaderEpochs.set(known, leaderEpoch)
    }
    if (updated.length === 0) return []
    const { clusterId, controllerId, topicIds } = this.#snapshot
    const merged = { clusterId, controllerId, topicIds, nodes: [...nodes.values()], partitions: updated }
    this.#snapshot = this.#snapshot.mergeWith(merged, () => true)
    return updated
  }

  /** No answer came: the next request waits for the backoff. */
  failedUpdate(nowMs: number): void {
    this.#lastRefreshMs = nowMs
    this.#attempts++
    this.#equivalentResponseCount = 0
  }

  /** An error that whoever waits next gets. */
  fatalError(error: KafkaError): void {
    this.#fatalException = error
  }

  /** Throws an error that was found since the last call: a fatal one, or that of any topic. */
  maybeThrowAnyException(): void {
    const unauthorized = [...this.#unauthorizedTopics]
    const invalid = [...this.#invalidTopics]
    this.#throwAndClear(
      unauthorized.length > 0
        ? new TopicAuthorizationException(unauthorized)
        : invalid.length > 0
          ? new InvalidTopicException(invalid)
          : undefined,
    )
  }

  /** Throws an error that was found since the last call: a fatal one, or that of this topic. */
  maybeThrowExceptionForTopic(topic: string): void {
    this.#throwAndClear(
      this.#unauthorizedTopics.has(topic)
        ? new TopicAuthorizationException([topic])
        : this.#invalidTopics.has(topic)
          ? new InvalidTopicException([topic])
          : undefined,
    )
  }

  close(): void {
    this.#closed = true
  }

  /** The request for all topics of interest; here: all there are. */
  protected newMetadataRequest(): MetadataRequestBody {
    return { topics: null, allowAutoTopicCreation: true }
  }

  /** The request for topics that were added since; undefined: there is no such thing. */
  protected newMetadataRequestForNewTopics(): MetadataRequestBody | undefined {
    return undefined
  }

  /** Whether a topic is still of interest; here: always. */
  protected retainTopic(_topic: string, _isInternal: boolean, _nowMs: number, _topicId: string): boolean {
    return true
  }

  /** Throws the fatal error, once. */
  protected maybeThrowFatalException(): void {
    const error = this.#fatalException
    this.#fatalException = undefined
    if (error !== undefined) throw error
  }

  #throwAndClear(recoverable: KafkaError | undefined): void {
    const error = this.#fatalException ?? recoverable
    this.#fatalException = undefined
    this.#invalidTopics = new Set()
    this.#unauthorizedTopics = new Set()
    if (error !== undefined) throw error
  }

  #snapshotOf(response: MetadataResponse, isPartialUpdate: boolean, nowMs: number): MetadataSnapshot {
    const told = new Set<string>()
    const internalTopics = new Set<string>()
    const unauthorizedTopics = new Set<string>()
    const invalidTopics = new Set<string>()
    const partitions: PartitionMetadata[] = []
    const topicIds = new Map<string, string>()
    for (const topic of response.topics) {
      const { name, errorCode, topicId, isInternal } = topic
      if (name === null) continue
      told.add(name)
      if (topicId !== ZERO_UUID) topicIds.set(name, topicId)
      if (!this.retainTopic(name, isInternal, nowMs, topicId)) continue
      if (isInternal) internalTopics.add(name)
      if (errorCode === ErrorCode.NONE) {
        const isNewTopicId = topicId !== ZERO_UUID && topicId !== this.#snapshot.topicIds.get(name)
        for (const partition of topic.partitions) {
          const latest = this.#latestMetadata(partitionMetadata(name, partition), isNewTopicId)
          if (latest !== undefined) partitions.push(latest)
          if (isInvalidMetadataCode(partition.errorCode)) this.requestUpdate(false)
        }
      } else {
        if (isInvalidMetadataCode(errorCode)) this.requestUpdate(false)
        if (errorCode === ErrorCode.INVALID_TOPIC_EXCEPTION) invalidTopics.add(name)
        else if (errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED) unauthorizedTopics.add(name)
      }
    }
    const options = {
      clusterId: response.clusterId,
      controllerId: response.controllerId,
      nodes: response.brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack })),
      partitions,
      unauthorizedTopics,
      invalidTopics,
      internalTopics,
      topicIds,
    }
    if (!isPartialUpdate) return new MetadataSnapshot(options)
    return this.#snapshot.mergeWith(
      options,
      (topic, isInternal) =>
        !told.has(topic) && this.retainTopic(topic, isInternal, nowMs, this.#snapshot.topicId(topic)),
    )
  }

  /** The partition as told, or as known when what is told is of an older leader epoch. */
  #latestMetadata(told: PartitionMetadata, isNewTopicId: boolean): PartitionMetadata | undefined {
    const { leaderEpoch } = told
    if (leaderEpoch === undefined) {
      this.#lastSeenLeaderEpochs.delete(told)
      this.#equivalentResponseCount = 0
      return told
    }
    const known = this.#lastSeenLeaderEpochs.get(told)
    if (known !== undefined && leaderEpoch < known && !isNewTopicId) return this.#snapshot.partitionMetadata(told)
    this.#lastSeenLeaderEpochs.set(told, leaderEpoch)
    if (leaderEpoch !== known || isNewTopicId) this.#equivalentResponseCount = 0
    return told
  }
}

function partitionMetadata(
  topic: string,
  told: MetadataResponse['topics'][number]['partitions'][number],
): PartitionMetadata {
  return {
    topic,
    partition: told.partitionIndex,
    errorCode: told.errorCode,
    leaderId: told.leaderId < 0 ? undefined : told.leaderId,
    leaderEpoch: told.leaderEpoch < 0 ? undefined : told.leaderEpoch,
    replicaIds: told.replicaNodes,
    inSyncReplicaIds: told.isrNodes,
    offlineReplicaIds: told.offlineReplicas,
  }
}
