import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { CONSUMER_PROTOCOL_TYPE, decodeAssignment } from '../../protocol/consumer-protocol.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { UnsupportedVersionException } from '../errors.ts'
import { drive, type KeyOutcome } from './admin-api-driver.ts'
import type { AdminCallOptions, AdminContext } from './admin-context.ts'
import { AdminResult } from './admin-result.ts'
import { coordinatorOutcome, lookUpCoordinators } from './coordinator-lookup.ts'

export interface MemberDescription {
  readonly memberId: string
  readonly groupInstanceId: string | undefined
  readonly clientId: string
  /** The address the member's coordinator sees: `/127.0.0.1`. */
  readonly host: string
  readonly assignment: readonly TopicPartition[]
}

export interface ConsumerGroupDescription {
  readonly groupId: string
  /** `Classic` or `Consumer` (KIP-848). */
  readonly type: 'Classic' | 'Consumer'
  /** `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable`, `Assigning`, `Reconciling`, `Dead`. */
  readonly state: string
  /** The assignor; empty unless a classic group is stable. */
  readonly partitionAssignor: string
  readonly members: readonly MemberDescription[]
}

type Outcome = KeyOutcome<ConsumerGroupDescription>

/** Groups of the consumer protocol (KIP-848) and classic ones; the client finds out which is which, as the Java client does. */
export function describeConsumerGroups(
  context: AdminContext,
  groupIds: readonly string[],
  options: AdminCallOptions,
): AdminResult<string, ConsumerGroupDescription> {
  const result = new AdminResult<string, ConsumerGroupDescription>(groupIds, groupId => groupId)
  const operation = {
    name: 'describeConsumerGroups',
    lookup: (keys: readonly string[], deadlineMs: number) => lookUpCoordinators(context, keys, deadlineMs),
    fulfil: async (nodeId: number, keys: readonly string[], deadlineMs: number) => {
      const modern = await describeModern(context, nodeId, keys, deadlineMs)
      const others = keys.filter(key => !modern.has(key))
      const classic = others.length === 0 ? [] : await describeClassic(context, nodeId, others, deadlineMs)
      return new Map([...modern, ...classic])
    },
  }
  void drive(context, operation, result, context.deadlineMs(options))
  return result
}

/** Groups that are of the consumer protocol; others are left out, and all where a broker does not know it. */
async function describeModern(
  { runnable }: AdminContext,
  id: number,
  groupIds: readonly string[],
  deadlineMs: number,
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  try {
    const { body } = await runnable.call(
      {
        name: 'describeConsumerGroups',
        node: { id },
        once: true,
        api: ConsumerGroupDescribe,
        body: () => ({ groupIds: [...groupIds], includeAuthorizedOperations: false }),
      },
      deadlineMs,
    )
    for (const { groupId, errorCode, errorMessage, groupState, assignorName, members } of body.groups) {
      if (errorCode === ErrorCode.NONE) {
        const value = {
          groupId,
          type: 'Consumer' as const,
          state: groupState,
          partitionAssignor: assignorName,
          members: members.map(member => ({
            memberId: member.memberId,
            groupInstanceId: member.instanceId ?? undefined,
            clientId: member.clientId,
            host: member.clientHost,
            assignment: member.assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
              partitions.map(partition => ({ topic: topicName, partition })),
            ),
          })),
        }
        outcomes.set(groupId, { value })
      } else if (errorCode !== ErrorCode.GROUP_ID_NOT_FOUND && errorCode !== ErrorCode.UNSUPPORTED_VERSION) {
        outcomes.set(groupId, coordinatorOutcome(errorCode, errorMessage))
      }
    }
  } catch (error) {
    if (!(error instanceof UnsupportedVersionException)) throw error
  }
  return outcomes
}

async function describeClassic(
  { runnable }: AdminContext,
  id: number,
  groupIds: readonly string[],
  deadlineMs: number,
): Promise<[string, Outcome][]> {
  const { body } = await runnable.call(
    {
      name: 'describeConsumerGroups',
      node: { id },
      once: true,
      api: DescribeGroups,
      body: () => ({ groups: [...groupIds] }),
    },
    deadlineMs,
  )
  return body.groups.map(({ groupId, errorCode, errorMessage, groupState, protocolType, protocolData, members }) => {
    if (errorCode !== ErrorCode.NONE) return [groupId, coordinatorOutcome(errorCode, errorMessage)]
    const isConsumer = protocolType === CONSUMER_PROTOCOL_TYPE
    const value = {
      groupId,
      type: 'Classic' as const,
      state: groupState,
      partitionAssignor: protocolData,
      members: members.map(member => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId ?? undefined,
        clientId: member.clientId,
        host: member.clientHost,
        assignment: isConsumer ? assignmentOf(member.memberAssignment) : [],
      })),
    }
    return [groupId, { value }]
  })
}

function assignmentOf(encoded: Buffer): TopicPartition[] {
  if (encoded.length === 0) return []
  return decodeAssignment(encoded).assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map(partition => ({ topic, partition })),
  )
}
