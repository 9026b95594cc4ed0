import { OffsetCommit, type OffsetCommitResponse } from '../../protocol/apis/offset-commit.ts'
import { OffsetFetch, type OffsetFetchResponse } from '../../protocol/apis/offset-fetch.ts'
import { ErrorCode, errorName, isRetriable as isRetriableCode } from '../../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import {
  exceptionFor,
  GroupAuthorizationException,
  IllegalArgumentException,
  KafkaError,
  TopicAuthorizationException,
} from '../errors.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../topic-partition-map.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { CoordinatorConnection } from './coordinator-connection.ts'
import type { GroupRebalanceConfig } from './group-rebalance-config.ts'
import { coordinatorNotAvailable } from './group-requests.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'
import { type CommitIdentity, commonCommitError, type OffsetMember } from './offset-member.ts'
import { partitionsByTopic } from './partitions-by-topic.ts'
import { RequestFuture } from './request-future.ts'

/** The last versions that name topics. */
const LAST_VERSION_WITH_NAMES = 9
/** The first OffsetFetch version that asks for several groups. */
const BATCHED_SINCE = 8
/** The first that can leave out offsets of open transactions (KIP-447). */
const REQUIRE_STABLE_SINCE = 7

export type Offsets = TopicPartitionMap<OffsetAndMetadata>
/** Undefined: nothing is committed for the partition. */
export type CommittedOffsets = TopicPartitionMap<OffsetAndMetadata | undefined>

export interface OffsetRequestsOptions {
  readonly client: ConsumerNetworkClient
  readonly config: GroupRebalanceConfig
  readonly coordinator: CoordinatorConnection
  readonly offsetMember: OffsetMember
  readonly metrics: ConsumerMetrics
}

/** Requests about committed offsets, and what their answers mean (those of Kafka's ConsumerCoordinator and CommitRequestManager). */
export class OffsetRequests {
  readonly #options: OffsetRequestsOptions

  constructor(options: OffsetRequestsOptions) {
    this.#options = options
  }

  commit(offsets: Offsets): RequestFuture<void> {
    const { client, config, coordinator, metrics, offsetMember } = this.#options
    if (offsets.size === 0) return RequestFuture.success(undefined)
    const node = coordinator.get()
    if (node === undefined) return coordinatorNotAvailable()
    for (const { offset } of offsets.values()) {
      if (offset < 0) return RequestFuture.failure(new IllegalArgumentException(`invalid offset: ${offset}`))
    }
    const sent = offsetMember.commitIdentity()
    if (sent instanceof KafkaError) return RequestFuture.failure(sent)
    return client
      .send(node, {
        api: OffsetCommit,
        latestVersion: LAST_VERSION_WITH_NAMES,
        body: {
          groupId: config.groupId,
          generationIdOrMemberEpoch: sent.generationIdOrMemberEpoch,
          memberId: sent.memberId,
          groupInstanceId: sent.groupInstanceId,
          topics: partitionsByTopic(offsets.keys()).map(({ topic, partitions }) => ({
            name: topic,
            partitions: partitions.map(partition => committedPartition(offsets, { topic, partition })),
          })),
        },
      })
      .compose<void>(
        ({ body, latencyMs }, future) => {
          metrics.commitLatency(latencyMs)
          const error = this.#commitFailed(body, sent)
          if (error === undefined) future.complete()
          else future.raise(error)
        },
        error => coordinator.requestFailed(error),
      )
  }

  fetch(partitions: readonly TopicPartition[]): RequestFuture<CommittedOffsets> {
    const { client, config, coordinator, offsetMember } = this.#options
    const node = coordinator.get()
    if (node === undefined) return coordinatorNotAvailable()
    const asked = offsetMember.fetchIdentity()
    const topics = partitionsByTopic(partitions).map(({ topic, partitions: partitionIndexes }) => ({
      name: topic,
      partitionIndexes,
    }))
    return client
      .send(node, {
        api: OffsetFetch,
        latestVersion: LAST_VERSION_WITH_NAMES,
        body: version => {
          const requireStable = version >= REQUIRE_STABLE_SINCE
          if (version < BATCHED_SINCE) return { groupId: config.groupId, topics, requireStable }
          return { groups: [{ groupId: config.groupId, ...asked, topics }], requireStable }
        },
      })
      .compose<CommittedOffsets>(
        ({ body }, future) => future.complete(this.#committed(body)),
        error => coordinator.requestFailed(error),
      )
  }

  /** The first error that is no partition's own; undefined: all is committed. */
  #commitFailed({ topics }: OffsetCommitResponse, sent: CommitIdentity): KafkaError | undefined {
    const unauthorizedTopics = new Set<string>()
    for (const { name, partitions } of topics) {
      for (const { errorCode } of partitions) {
        if (errorCode === ErrorCode.NONE) continue
        if (errorCode !== ErrorCode.TOPIC_AUTHORIZATION_FAILED) return this.#commitError(errorCode, sent)
        unauthorizedTopics.add(name)
      }
    }
    return unauthorizedTopics.size > 0 ? new TopicAuthorizationException([...unauthorizedTopics]) : undefined
  }

  #commitError(errorCode: number, sent: CommitIdentity): KafkaError {
    const { config, coordinator } = this.#options
    return (
      commonCommitError(errorCode, config.groupId, coordinator) ??
      sent.failed(errorCode) ??
      new KafkaError(`unexpected error in commit: ${errorName(errorCode)}`)
    )
  }

  #committed(response: OffsetFetchResponse): CommittedOffsets {
    const { groupId } = this.#options.config
    const group = response.groups.find(group => group.groupId === groupId) ?? response
    this.#checkGroup(group.errorCode)
    const offsets: CommittedOffsets = new TopicPartitionMap()
    const unstable = new TopicPartitionSet()
    const unauthorizedTopics = new Set<string>()
    for (const { name: topic, partitions } of group.topics) {
      for (const {
        partitionIndex: partition,
        errorCode,
        committedOffset,
        committedLeaderEpoch,
        metadata,
      } of partitions) {
        const of = { topic, partition }
        if (errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED) unauthorizedTopics.add(topic)
        else if (errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT) unstable.add(of)
        else if (errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
          throw new KafkaError(`topic or partition ${partitionKey(of)} does not exist`)
        } else if (errorCode !== ErrorCode.NONE) {
          const what = `unexpected error in fetch offset response for partition ${partitionKey(of)}`
          throw new KafkaError(`${what}: ${errorName(errorCode)}`)
        } else if (committedOffset < 0) offsets.set(of, undefined)
        else {
          const leaderEpoch = committedLeaderEpoch < 0 ? undefined : committedLeaderEpoch
          offsets.set(of, { offset: committedOffset, leaderEpoch, metadata: metadata ?? '' })
        }
      }
    }
    if (unauthorizedTopics.size > 0) throw new TopicAuthorizationException([...unauthorizedTopics])
    if (unstable.size > 0) {
      throw exceptionFor(
        ErrorCode.UNSTABLE_OFFSET_COMMIT,
        'there are unstable offsets for the requested topic partitions',
      )
    }
    return offsets
  }

  #checkGroup(errorCode: number): void {
    const { config, coordinator, offsetMember } = this.#options
    if (errorCode === ErrorCode.NONE) return
    if (errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorCode.NOT_COORDINATOR) {
      coordinator.markUnknown()
    }
    if (errorCode === ErrorCode.GROUP_AUTHORIZATION_FAILED) {
      throw new GroupAuthorizationException(`not authorized to access group: ${config.groupId}`)
    }
    if (isRetriableCode(errorCode)) throw exceptionFor(errorCode)
    const error = offsetMember.fetchFailed(errorCode)
    if (error !== undefined) throw error
    throw new KafkaError(`unexpected error in fetch offset response: ${errorName(errorCode)}`)
  }
}

function committedPartition(offsets: Offsets, partition: TopicPartition) {
  const { offset = -1, leaderEpoch, metadata = '' } = offsets.get(partition) ?? {}
  return {
    partitionIndex: partition.partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch ?? -1,
    committedMetadata: metadata,
  }
}
