import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { RecordHeader, TimestampType } from '../../protocol/records/batch.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import { ApiException, exceptionFor, KafkaError, RetriableException, SerializationException } from '../errors.ts'
import { describePartitions, type TopicPartitionMap } from '../topic-partition-map.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'

/** There is no position to go on from, and `auto.offset.reset` is `none`. */
export abstract class InvalidOffsetException extends KafkaError {
  abstract readonly partitions: readonly TopicPartition[]
}

/** Nothing is committed for these partitions, and `auto.offset.reset` is `none`. */
export class NoOffsetForPartitionException extends InvalidOffsetException {
  readonly partitions: readonly TopicPartition[]

  constructor(partitions: readonly TopicPartition[]) {
    super(`undefined offset with no reset policy for partitions: ${describePartitions(partitions)}`)
    this.partitions = partitions
  }
}

/** Positions are before the log's start or behind its end, and `auto.offset.reset` is `none`. */
export class OffsetOutOfRangeException extends InvalidOffsetException {
  /** The positions. */
  readonly offsetOutOfRangePartitions: TopicPartitionMap<number>

  constructor(message: string, offsetOutOfRangePartitions: TopicPartitionMap<number>) {
    super(message)
    this.offsetOutOfRangePartitions = offsetOutOfRangePartitions
  }

  get partitions(): readonly TopicPartition[] {
    return this.offsetOutOfRangePartitions.keys()
  }
}

/**
 * The log of a partition was cut below the consumer's position after an unclean leader election (KIP-320), and
 * `auto.offset.reset` is `none`. Seek to the divergent offset to go on where both logs were the same.
 */
export class LogTruncationException extends OffsetOutOfRangeException {
  /** The first offset known to differ; missing for partitions of which the broker does not know. */
  readonly divergentOffsets: TopicPartitionMap<OffsetAndMetadata>

  constructor(fetchOffsets: TopicPartitionMap<number>, divergentOffsets: TopicPartitionMap<OffsetAndMetadata>) {
    const positions = [...fetchOffsets].map(([partition, offset]) => `${partitionKey(partition)} at ${offset}`)
    super(`detected log truncation; positions: ${positions.join(', ')}`, fetchOffsets)
    this.divergentOffsets = divergentOffsets
  }
}

/** The group has gone on without this member: what it worked on belongs to others now, and the commit was refused. */
export class CommitFailedException extends KafkaError {
  constructor(
    message = 'offset commit cannot be completed since the consumer is not part of an active group for auto partition ' +
      'assignment; it is likely that the consumer was kicked out of the group: the time between calls of poll() was ' +
      'longer than max.poll.interval.ms. Increase it, or reduce max.poll.records.',
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** An asynchronous commit failed for a passing reason. It was not tried again, since a later one may have succeeded. */
export class RetriableCommitFailedException extends RetriableException {
  constructor(cause: Error) {
    super(
      `offset commit failed with a retriable exception, retry committing the latest consumed offsets: ${cause.message}`,
      {
        cause,
      },
    )
  }
}

/** Another rebalance is going on: call `poll` to take part in it, then commit again. */
export class RebalanceInProgressException extends ApiException {
  constructor(message: string = errorName(ErrorCode.REBALANCE_IN_PROGRESS)) {
    super(message, { code: ErrorCode.REBALANCE_IN_PROGRESS })
  }
}

/** A newer consumer has the same `group.instance.id`. This one can only be closed. */
export class FencedInstanceIdException extends ApiException {
  constructor(message: string = errorName(ErrorCode.FENCED_INSTANCE_ID)) {
    super(message, { code: ErrorCode.FENCED_INSTANCE_ID })
  }
}

/** The group has `group.max.size` members already. */
export class GroupMaxSizeReachedException extends ApiException {
  constructor(groupId: string) {
    super(`consumer group ${groupId} already has the configured maximum number of members`, {
      code: ErrorCode.GROUP_MAX_SIZE_REACHED,
    })
  }
}

/** A call that needs a group, of a consumer without `group.id`. */
export class InvalidGroupIdException extends ApiException {
  constructor(message: string) {
    super(message, { code: ErrorCode.INVALID_GROUP_ID })
  }
}

/** The member's state changed between its request and the answer: it must join again. */
export class UnjoinedGroupException extends RetriableException {
  constructor() {
    super('the member is no longer joining the group')
  }
}

/** No leader is known of any of the partitions. */
export class StaleMetadataException extends RetriableException {
  constructor() {
    super('metadata is stale')
  }
}

/** Two calls of one consumer at a time: a mistake of the caller. Only `wakeup` may be called during another call. */
export class ConcurrentModificationException extends Error {
  override readonly name = 'ConcurrentModificationException'
}

export interface RecordDeserializationDetails {
  readonly origin: 'KEY' | 'VALUE'
  readonly topicPartition: TopicPartition
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: TimestampType
  readonly keyBuffer: Buffer | null
  readonly valueBuffer: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** A key or value could not be deserialized. The position stays at the record: seek past it to go on (KIP-334, KIP-1036). */
export class RecordDeserializationException extends SerializationException implements RecordDeserializationDetails {
  readonly origin: 'KEY' | 'VALUE'
  readonly topicPartition: TopicPartition
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: TimestampType
  readonly keyBuffer: Buffer | null
  readonly valueBuffer: Buffer | null
  readonly headers: readonly RecordHeader[]

  constructor(details: RecordDeserializationDetails, cause: unknown) {
    super(
      `error deserializing ${details.origin} for partition ${partitionKey(details.topicPartition)} at offset ` +
        `${details.offset}. If needed, please seek past the record to continue consumption.`,
      { cause },
    )
    this.origin = details.origin
    this.topicPartition = details.topicPartition
    this.offset = details.offset
    this.timestamp = details.timestamp
    this.timestampType = details.timestampType
    this.keyBuffer = details.keyBuffer
    this.valueBuffer = details.valueBuffer
    this.headers = details.headers
  }
}

/** The exception for an error code of the group APIs. */
export function groupExceptionFor(code: number): KafkaError {
  if (code === ErrorCode.REBALANCE_IN_PROGRESS) return new RebalanceInProgressException()
  if (code === ErrorCode.FENCED_INSTANCE_ID) return new FencedInstanceIdException()
  return exceptionFor(code)
}

/** Whether an error stands for this code of the protocol. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof KafkaError && error.code === code
}
