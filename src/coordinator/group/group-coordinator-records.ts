import {
  array,
  bigInt64,
  bytes,
  int8,
  int32,
  int64,
  type Message,
  message,
  string,
  struct,
  uuid,
} from '../../protocol/schema.ts'

/*
 * The records of `__consumer_offsets`, with Kafka 4.2's numbers and fields (group-coordinator's message definitions). Each
 * record's key says what it is about and its value how that stands; null (a tombstone) says that it is gone. How they lie
 * in the log is told by `group-coordinator-record-serde.ts`.
 */

/** Key of a committed offset. */
export const OffsetCommitKey = message({ group: string(), topic: string(), partition: int32() })
export type OffsetCommitKey = Message<typeof OffsetCommitKey>

/** Versions 0 to 4. */
export const OffsetCommitValue = message({
  offset: int64(),
  /** −1: not told. */
  leaderEpoch: int32({ since: 3, default: -1, ignorable: true }),
  metadata: string(),
  /** Wall-clock milliseconds. */
  commitTimestamp: int64(),
  /** Wall-clock milliseconds; −1: by the retention time of the broker. Only in version 1. */
  expireTimestamp: int64({ since: 1, until: 1, default: -1, ignorable: true }),
  topicId: uuid({ since: 4, tag: 0, ignorable: true }),
})
export type OffsetCommitValue = Message<typeof OffsetCommitValue>

/** Key of a classic group. */
export const GroupMetadataKey = message({ group: string() })
export type GroupMetadataKey = Message<typeof GroupMetadataKey>

/** Versions 0 to 4; version 3 is written. */
export const GroupMetadataValue = message({
  protocolType: string(),
  generation: int32(),
  protocol: string({ nullable: true }),
  leader: string({ nullable: true }),
  /** Wall-clock milliseconds; −1: not told. */
  currentStateTimestamp: int64({ since: 2, default: -1, ignorable: true }),
  members: array({
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: true, default: null, ignorable: true }),
    clientId: string(),
    clientHost: string(),
    /** Milliseconds; −1 in version 0, where the session timeout stands for it. */
    rebalanceTimeout: int32({ since: 1, default: -1, ignorable: true }),
    sessionTimeout: int32(),
    subscription: bytes(),
    assignment: bytes(),
  }),
})
export type GroupMetadataValue = Message<typeof GroupMetadataValue>

/** Key of a consumer group, of its subscribed topics and of its target assignment (KIP-848). */
export const ConsumerGroupKey = message({ groupId: string() })
export type ConsumerGroupKey = Message<typeof ConsumerGroupKey>

/** Key of what concerns one member of a consumer group. */
export const ConsumerGroupMemberKey = message({ groupId: string(), memberId: string() })
export type ConsumerGroupMemberKey = Message<typeof ConsumerGroupMemberKey>

export const ConsumerGroupMetadataValue = message({
  epoch: int32(),
  /** Of all topics subscribed to (KIP-1101). */
  metadataHash: bigInt64({ tag: 0, default: 0n }),
})
export type ConsumerGroupMetadataValue = Message<typeof ConsumerGroupMetadataValue>

/** What the hash in `ConsumerGroupMetadataValue` has taken the place of in Kafka 4.1. Read, and deleted; never written. */
export const ConsumerGroupPartitionMetadataValue = message({
  topics: array({
    topicId: uuid(),
    topicName: string(),
    numPartitions: int32(),
    partitionMetadata: array({ partition: int32(), racks: array(string()) }),
  }),
})
export type ConsumerGroupPartitionMetadataValue = Message<typeof ConsumerGroupPartitionMetadataValue>

export const ConsumerGroupMemberMetadataValue = message({
  instanceId: string({ nullable: true }),
  rackId: string({ nullable: true }),
  clientId: string(),
  clientHost: string(),
  subscribedTopicNames: array(string()),
  subscribedTopicRegex: string({ nullable: true }),
  rebalanceTimeoutMs: int32({ default: -1 }),
  serverAssignor: string({ nullable: true }),
  /** Null: the member speaks the consumer protocol. */
  classicMemberMetadata: struct(
    { sessionTimeoutMs: int32(), supportedProtocols: array({ name: string(), metadata: bytes() }) },
    { tag: 0, nullable: true, default: null },
  ),
})
export type ConsumerGroupMemberMetadataValue = Message<typeof ConsumerGroupMemberMetadataValue>

export const ConsumerGroupTargetAssignmentMetadataValue = message({ assignmentEpoch: int32() })
export type ConsumerGroupTargetAssignmentMetadataValue = Message<typeof ConsumerGroupTargetAssignmentMetadataValue>

export const ConsumerGroupTargetAssignmentMemberValue = message({
  topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
})
export type ConsumerGroupTargetAssignmentMemberValue = Message<typeof ConsumerGroupTargetAssignmentMemberValue>

export const ConsumerGroupCurrentMemberAssignmentValue = message({
  memberEpoch: int32(),
  previousMemberEpoch: int32(),
  /** Number of Kafka's MemberState. */
  state: int8(),
  assignedPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  partitionsPendingRevocation: array({ topicId: uuid(), partitions: array(int32()) }),
})
export type ConsumerGroupCurrentMemberAssignmentValue = Message<typeof ConsumerGroupCurrentMemberAssignmentValue>

export const ConsumerGroupRegularExpressionKey = message({ groupId: string(), regularExpression: string() })
export type ConsumerGroupRegularExpressionKey = Message<typeof ConsumerGroupRegularExpressionKey>

export const ConsumerGroupRegularExpressionValue = message({
  topics: array(string()),
  /** Of the metadata image that it was resolved with. */
  version: int64(),
  /** When, in wall-clock milliseconds. */
  timestamp: int64(),
})
export type ConsumerGroupRegularExpressionValue = Message<typeof ConsumerGroupRegularExpressionValue>

interface RecordOf<T extends string, K, V> {
  readonly type: T
  readonly key: K
  /** Null: a tombstone. */
  readonly value: V | null
}

/** One record of `__consumer_offsets`: `type` names its kind. */
export type GroupCoordinatorRecord =
  | RecordOf<'OffsetCommit', OffsetCommitKey, OffsetCommitValue>
  | RecordOf<'GroupMetadata', GroupMetadataKey, GroupMetadataValue>
  | RecordOf<'ConsumerGroupMetadata', ConsumerGroupKey, ConsumerGroupMetadataValue>
  | RecordOf<'ConsumerGroupPartitionMetadata', ConsumerGroupKey, ConsumerGroupPartitionMetadataValue>
  | RecordOf<'ConsumerGroupMemberMetadata', ConsumerGroupMemberKey, ConsumerGroupMemberMetadataValue>
  | RecordOf<'ConsumerGroupTargetAssignmentMetadata', ConsumerGroupKey, ConsumerGroupTargetAssignmentMetadataValue>
  | RecordOf<'ConsumerGroupTargetAssignmentMember', ConsumerGroupMemberKey, ConsumerGroupTargetAssignmentMemberValue>
  | RecordOf<'ConsumerGroupCurrentMemberAssignment', ConsumerGroupMemberKey, ConsumerGroupCurrentMemberAssignmentValue>
  | RecordOf<'ConsumerGroupRegularExpression', ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue>
