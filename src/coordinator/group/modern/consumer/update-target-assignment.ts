import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import {
  type ConsumerGroupPartitionAssignor,
  PartitionAssignorError,
  type PartitionsByTopic,
} from '../../assignor/consumer-group-partition-assignor.ts'
import { NO_PARTITIONS } from '../../assignor/partitions.ts'
import { RangeAssignor } from '../../assignor/range-assignor.ts'
import { UniformAssignor } from '../../assignor/uniform-assignor.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { buildTargetAssignment } from '../target-assignment-builder.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './consumer-group-member.ts'
import { membersWith, subscriptionTypeOf } from './group-members.ts'
import { preferredServerAssignor } from './preferred-server-assignor.ts'

const ASSIGNORS: ReadonlyMap<string, ConsumerGroupPartitionAssignor> = new Map(
  [new UniformAssignor(), new RangeAssignor()].map(assignor => [assignor.name, assignor]),
)

/**
 * Makes the target of a new epoch by the assignor that most members ask for, else the first of `assignors`, and adds what must
 * be written of it. Returns what this member is to have. @throws ApiError UNKNOWN_SERVER_ERROR when the assignor has failed
 */
export function updateTargetAssignment(
  group: ConsumerGroup,
  groupEpoch: number,
  updated: ConsumerGroupMember,
  assignors: readonly string[],
  image: MetadataImage,
  records: GroupCoordinatorRecord[],
): PartitionsByTopic {
  const members = membersWith(group, updated)
  const asked = preferredServerAssignor(members.values())
  const name = asked !== undefined && assignors.includes(asked) ? asked : assignors[0]
  const assignor = ASSIGNORS.get(name ?? '')
  if (assignor === undefined) throw new Error(`there is no assignor ${name}, only ${[...ASSIGNORS.keys()].join(', ')}`)
  const topicIds = (member: ConsumerGroupMember) =>
    new Set(group.subscribedTopicNames(member).flatMap(topic => image.topics.getTopic(topic)?.id ?? []))
  try {
    const { records: changes, target } = buildTargetAssignment(assignor, {
      groupId: group.groupId,
      groupEpoch,
      members: new Map(
        [...members].map(([memberId, member]) => [
          memberId,
          {
            instanceId: member.instanceId,
            subscribedTopicIds: topicIds(member),
            assignedPartitions:
              memberId === updated.memberId
                ? group.targetAssignmentOf(member)
                : (group.targetAssignment(memberId) ?? NO_PARTITIONS),
          },
        ]),
      ),
      subscriptionType: subscriptionTypeOf(members.values()),
      image,
      currentTarget: memberId => group.targetAssignment(memberId),
    })
    records.push(...changes)
    return target(updated.memberId)
  } catch (error) {
    if (!(error instanceof PartitionAssignorError)) throw error
    throw new ApiError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `Failed to compute a new target assignment for epoch ${groupEpoch}: ${error.message}`,
    )
  }
}
