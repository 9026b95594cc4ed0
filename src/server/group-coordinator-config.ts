import {
  GROUP_MIGRATION_POLICIES,
  type GroupMigrationPolicy,
} from '../coordinator/group/conversion/group-migration-policy.ts'
import type { GroupCoordinatorConfig } from '../coordinator/group/group-coordinator-config.ts'
import { DEFAULT_GROUP_COORDINATOR_CONFIG } from '../coordinator/group/group-coordinator-config.ts'
import { type CompressionCodec, compressionById } from '../protocol/records/compression/codec.ts'
import type { KafkaConfig } from './config/kafka-config.ts'

/** The group coordinator's part of a broker's configuration. */
export function groupCoordinatorConfigOf(config: KafkaConfig): GroupCoordinatorConfig {
  return {
    numThreads: config.getNumber('group.coordinator.threads'),
    appendLingerMs: config.getNumber('group.coordinator.append.linger.ms'),
    offsetsLoadBufferSize: config.getNumber('offsets.load.buffer.size'),
    offsetCommitTimeoutMs: config.getNumber('offsets.commit.timeout.ms'),
    offsetsTopicPartitions: config.getNumber('offsets.topic.num.partitions'),
    offsetsTopicSegmentBytes: config.getNumber('offsets.topic.segment.bytes'),
    offsetsTopicReplicationFactor: config.getNumber('offsets.topic.replication.factor'),
    offsetMetadataMaxSize: config.getNumber('offset.metadata.max.bytes'),
    offsetsRetentionMs: config.getNumber('offsets.retention.minutes') * 60_000,
    offsetsRetentionCheckIntervalMs: config.getNumber('offsets.retention.check.interval.ms'),
    classicGroupMinSessionTimeoutMs: config.getNumber('group.min.session.timeout.ms'),
    classicGroupMaxSessionTimeoutMs: config.getNumber('group.max.session.timeout.ms'),
    classicGroupInitialRebalanceDelayMs: config.getNumber('group.initial.rebalance.delay.ms'),
    classicGroupMaxSize: config.getNumber('group.max.size'),
    classicGroupNewMemberJoinTimeoutMs: DEFAULT_GROUP_COORDINATOR_CONFIG.classicGroupNewMemberJoinTimeoutMs,
    consumerGroupSessionTimeoutMs: config.getNumber('group.consumer.session.timeout.ms'),
    consumerGroupHeartbeatIntervalMs: config.getNumber('group.consumer.heartbeat.interval.ms'),
    consumerGroupMaxSize: config.getNumber('group.consumer.max.size'),
    consumerGroupAssignors: config.getList('group.consumer.assignors'),
    consumerGroupMigrationPolicy: migrationPolicyOf(config),
    consumerGroupRegexRefreshIntervalMs: config.getNumber('group.consumer.regex.refresh.interval.ms'),
  }
}

function migrationPolicyOf(config: KafkaConfig): GroupMigrationPolicy {
  const name = config.get('group.consumer.migration.policy')?.toLowerCase()
  return GROUP_MIGRATION_POLICIES.find(policy => policy === name) ?? 'disabled'
}

/** `offsets.topic.compression.codec` */
export function offsetsTopicCompressionOf(config: KafkaConfig): CompressionCodec {
  return compressionById(config.getNumber('offsets.topic.compression.codec'))
}
