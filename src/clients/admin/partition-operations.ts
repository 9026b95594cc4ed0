import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { ElectionType, ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { ListOffsets, ListOffsetsTimestamp } from '../../protocol/apis/list-offsets.ts'
import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import { exceptionFor } from '../errors.ts'
import { drive, type KeyOutcome } from './admin-api-driver.ts'
import { type AdminCallOptions, type AdminContext, byTopic } from './admin-context.ts'
import { AdminResult } from './admin-result.ts'
import { throwError } from './cluster-operations.ts'
import { lookUpLeaders } from './partition-leader-lookup.ts'
import { settle } from './topic-operations.ts'

export interface OffsetListing {
  /** -1: there is no such record. */
  readonly offset: number
  /** Milliseconds since 1970; -1: of no record. */
  readonly timestamp: number
  readonly leaderEpoch: number | undefined
}

/** Which offset is asked for (Kafka's OffsetSpec); a number: the first record at or after that time, ms since 1970. */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | number

export interface ListOffsetsOptions extends AdminCallOptions {
  /** Default `read_uncommitted`. */
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed'
}

/** A move of a partition's replicas that is under way. */
export interface PartitionReassignment {
  readonly replicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

const SPEC_TIMESTAMPS = {
  earliest: ListOffsetsTimestamp.EARLIEST,
  latest: ListOffsetsTimestamp.LATEST,
  'max-timestamp': ListOffsetsTimestamp.MAX_TIMESTAMP,
} as const
/** First version that knows the record with the greatest timestamp. */
const FIRST_MAX_TIMESTAMP_VERSION = 7
/** First version that tells isolation levels. */
const FIRST_ISOLATION_VERSION = 2

/** Makes the given offsets (-1: the high watermark) the first ones; the values are the low watermarks after it. */
export function deleteRecords(
  context: AdminContext,
  recordsToDelete: readonly (readonly [TopicPartition, number])[],
  options: AdminCallOptions,
): AdminResult<TopicPartition, number> {
  const offsets = new Map(recordsToDelete.map(([partition, offset]) => [partitionKey(partition), offset]))
  const partitions = recordsToDelete.map(([partition]) => partition)
  const result = new AdminResult<TopicPartition, number>(partitions, partitionKey)
  const operation = {
    name: 'deleteRecords',
    lookup: (keys: readonly TopicPartition[], deadlineMs: number) => lookUpLeaders(context, keys, deadlineMs),
    fulfil: async (id: number, keys: readonly TopicPartition[], deadlineMs: number) => {
      const topics = [...byTopic(keys)].map(([name, own]) => ({
        name,
        partitions: own.map(key => ({ partitionIndex: key.partition, offset: offsets.get(partitionKey(key)) ?? -1 })),
      }))
      const { body } = await context.runnable.call(
        {
          name: 'deleteRecords',
          node: { id },
          once: true,
          api: DeleteRecords,
          body: (_version, timeoutMs) => ({ topics, timeoutMs }),
        },
        deadlineMs,
      )
      return outcomes(keys, body.topics, ({ lowWatermark }) => lowWatermark)
    },
  }
  void drive(context, operation, result, context.deadlineMs(options))
  return result
}

export function listOffsets(
  context: AdminContext,
  specs: readonly (readonly [TopicPartition, OffsetSpec])[],
  { isolationLevel = 'read_uncommitted', ...options }: ListOffsetsOptions,
): AdminResult<TopicPartition, OffsetListing> {
  const timestamps = new Map(specs.map(([partition, spec]) => [partitionKey(partition), timestampOf(spec)]))
  const wantsMax = specs.some(([, spec]) => spec === 'max-timestamp')
  const result = new AdminResult<TopicPartition, OffsetListing>(
    specs.map(([partition]) => partition),
    partitionKey,
  )
  const operation = {
    name: 'listOffsets',
    lookup: (keys: readonly TopicPartition[], deadlineMs: number) => lookUpLeaders(context, keys, deadlineMs),
    fulfil: async (id: number, keys: readonly TopicPartition[], deadlineMs: number) => {
      const topics = [...byTopic(keys)].map(([name, own]) => ({
        name,
        partitions: own.map(key => ({
          partitionIndex: key.partition,
          timestamp: timestamps.get(partitionKey(key)) ?? ListOffsetsTimestamp.LATEST,
        })),
      }))
      const { body } = await context.runnable.call(
        {
          name: 'listOffsets',
          node: { id },
          once: true,
          api: ListOffsets,
          oldestVersion: wantsMax ? FIRST_MAX_TIMESTAMP_VERSION : FIRST_ISOLATION_VERSION,
          body: (_version, timeoutMs) => ({
            isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
            topics,
            timeoutMs,
          }),
        },
        deadlineMs,
      )
      return outcomes(keys, body.topics, ({ offset, timestamp, leaderEpoch }) => ({
        offset,
        timestamp,
        leaderEpoch: leaderEpoch < 0 ? undefined : leaderEpoch,
      }))
    },
  }
  void drive(context, operation, result, context.deadlineMs(options))
  return result
}

/** @param partitions null: every partition that has not the leader wanted; the result names those an election was held for */
export async function electLeaders(
  context: AdminContext,
  type: keyof typeof ElectionType,
  partitions: readonly TopicPartition[] | null,
  options: AdminCallOptions,
): Promise<AdminResult<TopicPartition, void>> {
  const topicPartitions =
    partitions === null
      ? null
      : [...byTopic(partitions)].map(([topic, own]) => ({ topic, partitions: own.map(({ partition }) => partition) }))
  const { body } = await context.runnable.call(
    {
      name: 'electLeaders',
      node: 'controller',
      api: ElectLeaders,
      body: (_version, timeoutMs) => ({ electionType: ElectionType[type], topicPartitions, timeoutMs }),
      check: ({ errorCode }) => throwError(errorCode),
    },
    context.deadlineMs(options),
  )
  const held = body.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map(({ partitionId, errorCode, errorMessage }) => ({
      key: { topic, partition: partitionId },
      errorCode,
      errorMessage,
    })),
  )
  const result = new AdminResult<TopicPartition, void>(
    held.map(({ key }) => key),
    partitionKey,
  )
  for (const { key, errorCode, errorMessage } of held) {
    if (errorCode === ErrorCode.NONE) result.complete(key, undefined)
    else result.fail(key, exceptionFor(errorCode, errorMessage))
  }
  return result
}

/** Null in the place of replicas gives up the move that is under way. Done means that the move has begun. */
export function alterPartitionReassignments(
  context: AdminContext,
  reassignments: readonly (readonly [TopicPartition, readonly number[] | null])[],
  options: AdminCallOptions,
): AdminResult<TopicPartition, void> {
  const wanted = reassignments.map(([partition, replicas]) => ({ ...partition, replicas }))
  const result = new AdminResult<TopicPartition, void>(wanted, partitionKey)
  const topics = [...byTopic(wanted)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, replicas }) => ({
      partitionIndex: partition,
      replicas: replicas === null ? null : [...replicas],
    })),
  }))
  const answer = context.runnable.call(
    {
      name: 'alterPartitionReassignments',
      node: 'controller',
      api: AlterPartitionReassignments,
      body: (_version, timeoutMs) => ({ topics, timeoutMs }),
      check: ({ errorCode, errorMessage }) => throwError(errorCode, errorMessage),
    },
    context.deadlineMs(options),
  )
  settle(answer, result, ({ body }) => {
    for (const { name, partitions } of body.responses) {
      for (const { partitionIndex, errorCode, errorMessage } of partitions) {
        const key = { topic: name, partition: partitionIndex }
        if (errorCode === ErrorCode.NONE) result.complete(key, undefined)
        else result.fail(key, exceptionFor(errorCode, errorMessage))
      }
    }
  })
  return result
}

/** The moves that are under way, of these partitions or of all. */
export async function listPartitionReassignments(
  context: AdminContext,
  partitions: readonly TopicPartition[] | null,
  options: AdminCallOptions,
): Promise<readonly (readonly [TopicPartition, PartitionReassignment])[]> {
  const topics =
    partitions === null
      ? null
      : [...byTopic(partitions)].map(([name, own]) => ({ name, partitionIndexes: own.map(each => each.partition) }))
  const { body } = await context.runnable.call(
    {
      name: 'listPartitionReassignments',
      node: 'controller',
      api: ListPartitionReassignments,
      body: (_version, timeoutMs) => ({ topics, timeoutMs }),
      check: ({ errorCode, errorMessage }) => throwError(errorCode, errorMessage),
    },
    context.deadlineMs(options),
  )
  return body.topics.flatMap(({ name, partitions: moving }) =>
    moving.map(
      ({ partitionIndex, replicas, addingReplicas, removingReplicas }) =>
        [
          { topic: name, partition: partitionIndex },
          { replicas, addingReplicas, removingReplicas },
        ] as const,
    ),
  )
}

function timestampOf(spec: OffsetSpec): number {
  return typeof spec === 'number' ? spec : SPEC_TIMESTAMPS[spec]
}

interface WireTopic<P> {
  readonly name: string
  readonly partitions: readonly P[]
}

/** What a leader said of its partitions. A passing error means that it may not be the leader any more. */
function outcomes<P extends { readonly partitionIndex: number; readonly errorCode: number }, V>(
  keys: readonly TopicPartition[],
  topics: readonly WireTopic<P>[],
  valueFrom: (partition: P) => V,
): ReadonlyMap<TopicPartition, KeyOutcome<V>> {
  const told = new Map<string, P>()
  for (const { name, partitions } of topics) {
    for (const entry of partitions) told.set(partitionKey({ topic: name, partition: entry.partitionIndex }), entry)
  }
  const found = new Map<TopicPartition, KeyOutcome<V>>()
  for (const key of keys) {
    const entry = told.get(partitionKey(key))
    if (entry === undefined) continue
    if (entry.errorCode === ErrorCode.NONE) found.set(key, { value: valueFrom(entry) })
    else if (isRetriable(entry.errorCode)) found.set(key, 'unmap')
    else found.set(key, { error: exceptionFor(entry.errorCode) })
  }
  return found
}
