import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type { ConsumerGroupDescribeResponseInput } from '../../../../protocol/apis/consumer-group-describe.ts'
import { ErrorCode } from '../../../../protocol/errors.ts'
import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'
import type { CommittedConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, topicPartitionsOf } from './consumer-group-member.ts'
import { preferredServerAssignor } from './preferred-server-assignor.ts'

export type DescribedConsumerGroup = ConsumerGroupDescribeResponseInput['groups'][number]

/** KIP-1099's numbers. */
const CLASSIC_MEMBER = 0
const CONSUMER_MEMBER = 1

/** What ConsumerGroupDescribe tells of a group (ConsumerGroup.asDescribedGroup). Topics that are no more are left out. */
export function describeConsumerGroup(
  group: CommittedConsumerGroup,
  image: MetadataImage,
  defaultAssignor: string,
): DescribedConsumerGroup {
  const assignment = (partitions: PartitionsByTopic) => ({
    topicPartitions: topicPartitionsOf(partitions).flatMap(topicPartitions => {
      const topic = image.topics.getTopicById(topicPartitions.topicId)
      return topic === undefined ? [] : [{ ...topicPartitions, topicName: topic.name }]
    }),
  })
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredServerAssignor(group.members) ?? defaultAssignor,
    members: group.members.map((member: ConsumerGroupMember) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames],
      subscribedTopicRegex: member.subscribedTopicRegex,
      assignment: assignment(member.assignedPartitions),
      targetAssignment: assignment(group.targetAssignment(member.memberId)),
      memberType: member.classicMemberMetadata === null ? CONSUMER_MEMBER : CLASSIC_MEMBER,
    })),
  }
}

/** A group that cannot be described. */
export function describeConsumerGroupError(
  groupId: string,
  errorCode: ErrorCode,
  errorMessage: string | null = null,
): DescribedConsumerGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}
