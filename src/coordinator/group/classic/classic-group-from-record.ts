import type { Clock } from '../../../runtime/runtime.ts'
import type { GroupMetadataValue } from '../group-coordinator-records.ts'
import { ClassicGroup } from './classic-group.ts'
import { ClassicGroupMember } from './classic-group-member.ts'
import { computeSubscribedTopics } from './subscribed-topics.ts'

/** The group that a record tells of: stable, as all that was between two rebalances is not written, or without members. */
export function classicGroupFromRecord(clock: Clock, groupId: string, value: GroupMetadataValue): ClassicGroup {
  const { protocolType, protocol, currentStateTimestamp } = value
  const group = new ClassicGroup(clock, {
    groupId,
    state: value.members.length === 0 ? 'Empty' : 'Stable',
    generationId: value.generation,
    protocolType: protocolType === '' ? undefined : protocolType,
    protocolName: protocol ?? undefined,
    leaderId: value.leader ?? undefined,
    currentStateTimestamp: currentStateTimestamp === -1 ? undefined : currentStateTimestamp,
  })
  for (const member of value.members) {
    const { memberId, clientId, clientHost, sessionTimeout, rebalanceTimeout, assignment } = member
    group.add(
      new ClassicGroupMember({
        memberId,
        groupInstanceId: member.groupInstanceId ?? undefined,
        clientId,
        clientHost,
        rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
        sessionTimeoutMs: sessionTimeout,
        protocolType,
        supportedProtocols: [{ name: protocol ?? '', metadata: member.subscription }],
        assignment: Buffer.from(assignment),
      }),
    )
  }
  group.subscribedTopics = computeSubscribedTopics(group)
  return group
}
