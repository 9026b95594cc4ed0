import { MessageCodec } from '../../protocol/message-codec.ts'
import type { Fields } from '../../protocol/schema.ts'
import {
  type CoordinatorRecordKind,
  type CoordinatorRecordSerde,
  coordinatorRecordSerde,
} from '../common/coordinator-record-serde.ts'
import {
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupKey,
  ConsumerGroupMemberKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataValue,
  type GroupCoordinatorRecord,
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from './group-coordinator-records.ts'

/** Kafka's GROUP_METADATA_VALUE_VERSION. */
const GROUP_METADATA_VALUE_VERSION = 3
const OFFSET_COMMIT_VALUE_VERSION = 4
/** The only version that can say when an offset expires. */
const OFFSET_COMMIT_VALUE_VERSION_WITH_EXPIRE_TIMESTAMP = 1

/**
 * `__consumer_offsets` as Kafka's GroupCoordinatorRecordSerde writes and reads it. Type 0 is an offset commit of Kafka
 * before 0.9 and says the same as type 1.
 */
export const groupCoordinatorRecordSerde: CoordinatorRecordSerde<GroupCoordinatorRecord> = coordinatorRecordSerde([
  {
    type: 'OffsetCommit',
    ids: [1, 0],
    key: codec('OffsetCommitKey', OffsetCommitKey, null),
    value: codec('OffsetCommitValue', OffsetCommitValue, 4),
    maxVersion: 4,
    versionOf: value =>
      'expireTimestamp' in value && value.expireTimestamp !== -1
        ? OFFSET_COMMIT_VALUE_VERSION_WITH_EXPIRE_TIMESTAMP
        : OFFSET_COMMIT_VALUE_VERSION,
  },
  {
    type: 'GroupMetadata',
    ids: [2],
    key: codec('GroupMetadataKey', GroupMetadataKey, null),
    value: codec('GroupMetadataValue', GroupMetadataValue, 4),
    maxVersion: 4,
    versionOf: () => GROUP_METADATA_VALUE_VERSION,
  },
  consumerGroup('ConsumerGroupMetadata', 3, ConsumerGroupKey, ConsumerGroupMetadataValue),
  consumerGroup('ConsumerGroupPartitionMetadata', 4, ConsumerGroupKey, ConsumerGroupPartitionMetadataValue),
  consumerGroup('ConsumerGroupMemberMetadata', 5, ConsumerGroupMemberKey, ConsumerGroupMemberMetadataValue),
  consumerGroup(
    'ConsumerGroupTargetAssignmentMetadata',
    6,
    ConsumerGroupKey,
    ConsumerGroupTargetAssignmentMetadataValue,
  ),
  consumerGroup(
    'ConsumerGroupTargetAssignmentMember',
    7,
    ConsumerGroupMemberKey,
    ConsumerGroupTargetAssignmentMemberValue,
  ),
  consumerGroup(
    'ConsumerGroupCurrentMemberAssignment',
    8,
    ConsumerGroupMemberKey,
    ConsumerGroupCurrentMemberAssignmentValue,
  ),
  consumerGroup(
    'ConsumerGroupRegularExpression',
    16,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue,
  ),
])

/** Keys have no versions and no tagged fields. */
function codec(name: string, fields: Fields, flexibleSince: number | null): MessageCodec {
  return new MessageCodec(fields, { name, flexibleSince })
}

/** Values of consumer groups have one version, with tagged fields. */
function consumerGroup(
  type: GroupCoordinatorRecord['type'],
  id: number,
  key: Fields,
  value: Fields,
): CoordinatorRecordKind {
  return {
    type,
    ids: [id],
    key: codec(`${type}Key`, key, null),
    value: codec(`${type}Value`, value, 0),
    maxVersion: 0,
    versionOf: () => 0,
  }
}
