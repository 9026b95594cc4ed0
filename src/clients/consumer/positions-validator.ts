import {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from '../../protocol/apis/offset-for-leader-epoch.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { MessageInput } from '../../protocol/schema.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { TopicAuthorizationException } from '../errors.ts'
import type { Metadata } from '../metadata.ts'
import type { Node } from '../node.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../topic-partition-map.ts'
import { LogTruncationException } from './consumer-errors.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { FetchPosition } from './fetch-position.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'
import { canValidatePositions } from './offset-for-leader-epoch-support.ts'
import { partitionsByTopic } from './partitions-by-topic.ts'
import { isRetriable } from './request-future.ts'
import type { LogTruncation, SubscriptionState } from './subscription-state.ts'

/** Any replica but a follower asks so. */
const CONSUMER_REPLICA_ID = -1

export interface PositionsValidatorOptions {
  readonly client: ConsumerNetworkClient
  readonly metadata: Metadata
  readonly subscriptions: SubscriptionState
  readonly retryBackoffMs: number
  readonly requestTimeoutMs: number
}

/**
 * Finds out after a change of leader whether the log still holds what was read: asks the new leader where the epoch of the
 * last record ends (KIP-320; Kafka's PositionsValidator and OffsetsForLeaderEpochClient).
 */
export class PositionsValidator {
  readonly #runtime: Runtime
  readonly #options: PositionsValidatorOptions
  #metadataUpdateVersion = -1
  #error: Error | undefined

  constructor(runtime: Runtime, options: PositionsValidatorOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Looks for new leaders when there is new metadata. */
  validatePositionsOnMetadataChange(): void {
    const { client, metadata, subscriptions } = this.#options
    if (metadata.updateVersion === this.#metadataUpdateVersion) return
    this.#metadataUpdateVersion = metadata.updateVersion
    for (const partition of subscriptions.assignedPartitions()) {
      const leader = metadata.currentLeader(partition)
      const versions = leader.leader === undefined ? undefined : client.apiVersions(leader.leader.id)
      subscriptions.maybeValidatePositionForCurrentLeader(partition, leader, canValidatePositions(versions))
    }
  }

  /**
   * Asks about the positions that need it.
   *
   * @throws LogTruncationException, KafkaError that an earlier answer came to
   */
  validatePositionsIfNeeded(): void {
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
    this.validatePositionsOnMetadataChange()
    const positions = this.#options.subscriptions.partitionsNeedingValidation(this.#nowMs())
    const byLeader = Map.groupBy(positions, ([, { currentLeader }]) => currentLeader.leader?.id)
    for (const ofLeader of byLeader.values()) {
      const leader = ofLeader[0]?.[1].currentLeader.leader
      if (leader !== undefined) this.#ask(leader, new TopicPartitionMap(ofLeader))
    }
  }

  #ask(leader: Node, positions: TopicPartitionMap<FetchPosition>): void {
    const { client, subscriptions, requestTimeoutMs } = this.#options
    const versions = client.apiVersions(leader.id)
    if (versions === undefined) {
      client.tryConnect(leader)
      return
    }
    if (!canValidatePositions(versions)) {
      for (const partition of positions.keys()) subscriptions.state(partition).completeValidation()
      return
    }
    subscriptions.setNextAllowedRetry(positions.keys(), this.#nowMs() + requestTimeoutMs)
    client.send(leader, { api: OffsetForLeaderEpoch, body: requestBody(positions) }).addListener({
      onSuccess: ({ body }) => {
        try {
          this.#handle(positions, body)
        } catch (error) {
          if (!(error instanceof TopicAuthorizationException)) throw error
          this.#fail(positions, error)
        }
      },
      onFailure: error => this.#fail(positions, error),
    })
  }

  #handle(positions: TopicPartitionMap<FetchPosition>, { topics }: OffsetForLeaderEpochResponse): void {
    const { metadata, subscriptions } = this.#options
    const toRetry = new TopicPartitionSet(positions.keys())
    const unauthorizedTopics = new Set<string>()
    const truncations: LogTruncation[] = []
    const ends = topics.flatMap(({ topic, partitions }) => partitions.map(end => ({ topic, ...end })))
    for (const end of ends) {
      if (end.errorCode !== ErrorCode.TOPIC_AUTHORIZATION_FAILED) continue
      unauthorizedTopics.add(end.topic)
    }
    if (unauthorizedTopics.size > 0) throw new TopicAuthorizationException([...unauthorizedTopics])
    for (const { topic, partition, errorCode, leaderEpoch, endOffset } of ends) {
      const position = positions.get({ topic, partition })
      // Errors of all kinds are tried again.
      if (position === undefined || errorCode !== ErrorCode.NONE) continue
      toRetry.delete({ topic, partition })
      const end = { leaderEpoch, endOffset }
      const truncation = subscriptions.maybeCompleteValidation({ topic, partition }, position, end)
      if (truncation !== undefined) truncations.push(truncation)
    }
    if (toRetry.size > 0) {
      subscriptions.setNextAllowedRetry(toRetry, this.#nowMs() + this.#options.retryBackoffMs)
      metadata.requestUpdate(false)
    }
    if (truncations.length > 0) this.#error ??= logTruncation(truncations)
  }

  #fail(positions: TopicPartitionMap<FetchPosition>, error: Error): void {
    const { metadata, subscriptions, retryBackoffMs } = this.#options
    subscriptions.setNextAllowedRetry(positions.keys(), this.#nowMs() + retryBackoffMs)
    metadata.requestUpdate(false)
    if (!isRetriable(error)) this.#error ??= error
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs()
  }
}

function requestBody(positions: TopicPartitionMap<FetchPosition>): MessageInput<typeof OffsetForLeaderEpochRequest> {
  return {
    replicaId: CONSUMER_REPLICA_ID,
    topics: partitionsByTopic(positions.keys()).map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(partition => {
        const position = positions.get({ topic, partition })
        return {
          partition,
          currentLeaderEpoch: position?.currentLeader.epoch ?? -1,
          leaderEpoch: position?.offsetEpoch ?? -1,
        }
      }),
    })),
  }
}

function logTruncation(truncations: readonly LogTruncation[]): LogTruncationException {
  const divergentOffsets = new TopicPartitionMap<OffsetAndMetadata>()
  const fetchOffsets = new TopicPartitionMap<number>()
  for (const { partition, fetchPosition, divergentOffset } of truncations) {
    if (divergentOffset !== undefined) divergentOffsets.set(partition, divergentOffset)
    fetchOffsets.set(partition, fetchPosition.offset)
  }
  return new LogTruncationException(fetchOffsets, divergentOffsets)
}
