import type { GroupMigrationPolicy } from './conversion/group-migration-policy.ts'

/**
 * What the group coordinator is told (Kafka's GroupCoordinatorConfig): every member is named as there and stands beside the
 * key that it comes from. Times are in milliseconds unless the name says otherwise.
 */
export interface GroupCoordinatorConfig {
  /** `group.coordinator.threads`, ≥ 1. */
  readonly numThreads: number
  /** `group.coordinator.append.linger.ms`, ≥ -1; -1: as long as the shard has other events to do. */
  readonly appendLingerMs: number
  /** `offsets.load.buffer.size`, bytes. */
  readonly offsetsLoadBufferSize: number
  /** `offsets.commit.timeout.ms`: how long every write of the coordinator may wait for its replicas. */
  readonly offsetCommitTimeoutMs: number
  /** `offsets.topic.num.partitions`. */
  readonly offsetsTopicPartitions: number
  /** `offsets.topic.segment.bytes`. */
  readonly offsetsTopicSegmentBytes: number
  /** `offsets.topic.replication.factor`. */
  readonly offsetsTopicReplicationFactor: number
  /** `offset.metadata.max.bytes`: of one committed offset. */
  readonly offsetMetadataMaxSize: number
  /** `offsets.retention.minutes`, in milliseconds. */
  readonly offsetsRetentionMs: number
  /** `offsets.retention.check.interval.ms`. */
  readonly offsetsRetentionCheckIntervalMs: number
  /** `group.min.session.timeout.ms`. */
  readonly classicGroupMinSessionTimeoutMs: number
  /** `group.max.session.timeout.ms`. */
  readonly classicGroupMaxSessionTimeoutMs: number
  /** `group.initial.rebalance.delay.ms`: how long a group without members waits for more once the first has come. */
  readonly classicGroupInitialRebalanceDelayMs: number
  /** `group.max.size`: members of a classic group. */
  readonly classicGroupMaxSize: number
  /** How long a new member may take to join, whatever its session timeout; no key, as in Kafka. */
  readonly classicGroupNewMemberJoinTimeoutMs: number
  /** `group.consumer.session.timeout.ms`: how long a member of a consumer group may be silent. */
  readonly consumerGroupSessionTimeoutMs: number
  /** `group.consumer.heartbeat.interval.ms`: what its members are told. */
  readonly consumerGroupHeartbeatIntervalMs: number
  /** `group.consumer.max.size`: members of a consumer group. */
  readonly consumerGroupMaxSize: number
  /** `group.consumer.assignors`: names of those that may be asked for; the first is taken when none is. */
  readonly consumerGroupAssignors: readonly string[]
  /** `group.consumer.migration.policy`: which groups that have members may be converted. */
  readonly consumerGroupMigrationPolicy: GroupMigrationPolicy
  /** `group.consumer.regex.refresh.interval.ms`: when patterns are resolved again although nothing has changed. */
  readonly consumerGroupRegexRefreshIntervalMs: number
}

/** Kafka's CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS. */
const CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000

/** Kafka 4.2's defaults. */
export const DEFAULT_GROUP_COORDINATOR_CONFIG: GroupCoordinatorConfig = {
  numThreads: 4,
  appendLingerMs: -1,
  offsetsLoadBufferSize: 5 * 1024 * 1024,
  offsetCommitTimeoutMs: 5000,
  offsetsTopicPartitions: 50,
  offsetsTopicSegmentBytes: 100 * 1024 * 1024,
  offsetsTopicReplicationFactor: 3,
  offsetMetadataMaxSize: 4096,
  offsetsRetentionMs: 7 * 24 * 60 * 60 * 1000,
  offsetsRetentionCheckIntervalMs: 600_000,
  classicGroupMinSessionTimeoutMs: 6000,
  classicGroupMaxSessionTimeoutMs: 1_800_000,
  classicGroupInitialRebalanceDelayMs: 3000,
  classicGroupMaxSize: 2_147_483_647,
  classicGroupNewMemberJoinTimeoutMs: CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS,
  consumerGroupSessionTimeoutMs: 45_000,
  consumerGroupHeartbeatIntervalMs: 5000,
  consumerGroupMaxSize: 2_147_483_647,
  consumerGroupAssignors: ['uniform', 'range'],
  consumerGroupMigrationPolicy: 'bidirectional',
  consumerGroupRegexRefreshIntervalMs: 10 * 60 * 1000,
}
