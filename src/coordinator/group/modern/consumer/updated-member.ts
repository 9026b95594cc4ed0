import type { ConsumerGroupHeartbeatRequest } from '../../../../protocol/apis/consumer-group-heartbeat.ts'
import type { GroupRequestContext } from '../../classic/classic-group-joiner.ts'
import { type ConsumerGroupMember, sortedNames } from './consumer-group-member.ts'

/** The member with what this heartbeat says anew of it. */
export function updatedMember(
  member: ConsumerGroupMember,
  { clientId, clientHost }: GroupRequestContext,
  request: ConsumerGroupHeartbeatRequest,
): ConsumerGroupMember {
  const { instanceId, rackId, rebalanceTimeoutMs, serverAssignor, subscribedTopicNames, subscribedTopicRegex } = request
  return {
    ...member,
    clientId,
    clientHost,
    instanceId: instanceId ?? member.instanceId,
    rackId: rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: serverAssignor ?? member.serverAssignor,
    subscribedTopicNames:
      subscribedTopicNames === null ? member.subscribedTopicNames : sortedNames(subscribedTopicNames),
    subscribedTopicRegex: subscribedTopicRegex ?? member.subscribedTopicRegex,
    classicMemberMetadata: null,
  }
}
