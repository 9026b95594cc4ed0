import type { ListOffsetsResponse } from '../../protocol/apis/list-offsets.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { TopicAuthorizationException } from '../errors.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../topic-partition-map.ts'

const UNKNOWN_OFFSET = -1

/** An offset that was found. */
export interface ListOffsetData {
  readonly offset: number
  /** −1: the broker did not tell. */
  readonly timestamp: number
  readonly leaderEpoch: number | undefined
}

/** What answers to ListOffsets came to (OffsetFetcherUtils.ListOffsetResult). */
export interface ListOffsetResult {
  /** Without partitions that hold nothing so late. */
  readonly fetchedOffsets: TopicPartitionMap<ListOffsetData>
  readonly partitionsToRetry: TopicPartitionSet
}

/** @throws TopicAuthorizationException */
export function listOffsetResult({ topics }: ListOffsetsResponse): ListOffsetResult {
  const fetchedOffsets = new TopicPartitionMap<ListOffsetData>()
  const partitionsToRetry = new TopicPartitionSet()
  const unauthorizedTopics = new Set<string>()
  for (const { name: topic, partitions } of topics) {
    for (const { partitionIndex: partition, errorCode, offset, timestamp, leaderEpoch } of partitions) {
      if (errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED) unauthorizedTopics.add(topic)
      else if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT) {
        // Whatever it is, it is tried again, as in Kafka.
        partitionsToRetry.add({ topic, partition })
      } else if (errorCode === ErrorCode.NONE && offset !== UNKNOWN_OFFSET) {
        const data = { offset, timestamp, leaderEpoch: leaderEpoch < 0 ? undefined : leaderEpoch }
        fetchedOffsets.set({ topic, partition }, data)
      }
    }
  }
  if (unauthorizedTopics.size > 0) throw new TopicAuthorizationException([...unauthorizedTopics])
  return { fetchedOffsets, partitionsToRetry }
}
