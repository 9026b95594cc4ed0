import type { MetadataImage } from '../../../controller/image/metadata-image.ts'
import {
  CONSUMER_PROTOCOL_TYPE,
  CONSUMER_PROTOCOL_VERSION,
  consumerProtocolVersion,
  encodeAssignment,
} from '../../../protocol/consumer-protocol.ts'
import type { Clock } from '../../../runtime/runtime.ts'
import type { TimelineMap } from '../../common/timeline-map.ts'
import type { PartitionsByTopic } from '../assignor/consumer-group-partition-assignor.ts'
import { NO_PARTITIONS } from '../assignor/partitions.ts'
import { ClassicGroup } from '../classic/classic-group.ts'
import { ClassicGroupMember } from '../classic/classic-group-member.ts'
import type { ClassicGroupRebalancer } from '../classic/classic-group-rebalancer.ts'
import { groupMetadataRecord } from '../classic/classic-group-records.ts'
import { computeSubscribedTopics } from '../classic/subscribed-topics.ts'
import { SupportedProtocols } from '../classic/supported-protocols.ts'
import type { Group } from '../group.ts'
import type { GroupCoordinatorConfig } from '../group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../group-coordinator-records.ts'
import type { ConsumerGroup } from '../modern/consumer/consumer-group.ts'
import type { ConsumerGroupMember } from '../modern/consumer/consumer-group-member.ts'
import { groupTombstones } from '../modern/consumer/consumer-group-records.ts'
import { namedPartitions } from './consumer-protocol-partitions.ts'
import { isDowngradeEnabled } from './group-migration-policy.ts'

/** What makes a consumer group a classic one: its last members of the consumer protocol leave, or one is replaced. */
export type Downgrading =
  | { readonly leaving: readonly ConsumerGroupMember[] }
  | {
      /** Of the classic protocol; takes the place of the static member of its name, for which the records are there already. */
      readonly joining: ConsumerGroupMember
      readonly hasSubscriptionChanged: boolean
    }

export interface OnlineDowngradeOptions {
  readonly time: Clock
  readonly config: GroupCoordinatorConfig
  readonly rebalancer: ClassicGroupRebalancer
  readonly groups: TimelineMap<string, Group>
}

/** Makes a consumer group whose members all speak the classic protocol a classic group again (KIP-848). */
export class OnlineDowngrade {
  readonly #time: Clock
  readonly #config: GroupCoordinatorConfig
  readonly #rebalancer: ClassicGroupRebalancer
  readonly #groups: TimelineMap<string, Group>

  constructor({ time, config, rebalancer, groups }: OnlineDowngradeOptions) {
    this.#time = time
    this.#config = config
    this.#rebalancer = rebalancer
    this.#groups = groups
  }

  /** Whether it is due when these members leave (GroupMetadataManager.validateOnlineDowngradeWithFencedMembers). */
  isDueWithout(group: ConsumerGroup, leaving: readonly ConsumerGroupMember[]): boolean {
    const remaining = without(group, leaving)
    return remaining.length > 0 && remaining.every(usesClassicProtocol) && this.#isAllowed(remaining.length)
  }

  /** The same when a member of the classic protocol takes the place of this one (validateOnlineDowngradeWithReplacedMember). */
  isDueWithReplaced(group: ConsumerGroup, replaced: ConsumerGroupMember): boolean {
    const others = without(group, [replaced])
    return !usesClassicProtocol(replaced) && others.every(usesClassicProtocol) && this.#isAllowed(group.numMembers)
  }

  /**
   * Puts the classic group in the place of the consumer group, and adds what must be written; the records need not be applied.
   * If members were to leave, or what they read has changed, the classic group rebalances
   * (GroupMetadataManager.convertToClassicGroup).
   */
  convert(
    group: ConsumerGroup,
    downgrading: Downgrading,
    image: MetadataImage,
    records: GroupCoordinatorRecord[],
  ): void {
    const { groupId } = group
    const members = memberships(group, downgrading)
    const regexes = [...group.resolvedRegularExpressions.keys()]
    const written = 'joining' in downgrading ? members : group.members.map(member => ({ member }))
    records.push(
      ...groupTombstones(
        groupId,
        written.map(({ member }) => member.memberId),
        regexes,
      ),
    )
    const classicGroup = this.#classicGroupOf(group, members, image)
    const assignments = new Map(classicGroup.members.map(({ memberId, assignment }) => [memberId, assignment]))
    records.push(groupMetadataRecord(classicGroup, assignments))
    this.#groups.set(groupId, classicGroup)
    for (const member of classicGroup.members) this.#rebalancer.rescheduleHeartbeat(classicGroup, member)
    if ('leaving' in downgrading || downgrading.hasSubscriptionChanged) this.#rebalancer.prepareRebalance(classicGroup)
  }

  #isAllowed(numMembers: number): boolean {
    const { consumerGroupMigrationPolicy, classicGroupMaxSize } = this.#config
    return isDowngradeEnabled(consumerGroupMigrationPolicy) && numMembers <= classicGroupMaxSize
  }

  /** ClassicGroup.fromConsumerGroup. */
  #classicGroupOf(group: ConsumerGroup, memberships: readonly Membership[], image: MetadataImage): ClassicGroup {
    const members = memberships.map(({ member }) => classicGroupMemberOf(member))
    const supported = new SupportedProtocols()
    for (const { supportedProtocols } of members) supported.add(supportedProtocols)
    const protocolName = supported.select(members)
    const classicGroup = new ClassicGroup(this.#time, {
      groupId: group.groupId,
      state: 'Stable',
      generationId: group.groupEpoch,
      protocolType: CONSUMER_PROTOCOL_TYPE,
      protocolName,
    })
    for (const [index, member] of members.entries()) {
      const version = Math.min(consumerProtocolVersion(member.metadata(protocolName)), CONSUMER_PROTOCOL_VERSION)
      const assignedPartitions = namedPartitions(memberships[index]?.target ?? NO_PARTITIONS, image)
      member.assignment = encodeAssignment({ assignedPartitions }, version)
      classicGroup.add(member)
    }
    classicGroup.subscribedTopics = computeSubscribedTopics(classicGroup)
    return classicGroup
  }
}

interface Membership {
  readonly member: ConsumerGroupMember
  /** What it is to have. */
  readonly target: PartitionsByTopic
}

/** Who is in the classic group. A member that replaces another takes what that one was to have, and joins last. */
function memberships(group: ConsumerGroup, downgrading: Downgrading): readonly Membership[] {
  const targetOf = (memberId: string) => group.targetAssignment(memberId) ?? NO_PARTITIONS
  const keep = (members: readonly ConsumerGroupMember[]) =>
    members.map(member => ({ member, target: targetOf(member.memberId) }))
  if ('leaving' in downgrading) return keep(without(group, downgrading.leaving))
  const { joining } = downgrading
  const replaced = group.staticMember(joining.instanceId)
  if (replaced === undefined) throw new Error(`member ${joining.memberId} does not replace a static member`)
  return [...keep(without(group, [replaced])), { member: joining, target: targetOf(replaced.memberId) }]
}

function classicGroupMemberOf(member: ConsumerGroupMember): ClassicGroupMember {
  const { memberId, instanceId, clientId, clientHost, rebalanceTimeoutMs, classicMemberMetadata } = member
  if (classicMemberMetadata === null) throw new Error(`member ${memberId} does not use the classic protocol`)
  return new ClassicGroupMember({
    memberId,
    groupInstanceId: instanceId ?? undefined,
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    sessionTimeoutMs: classicMemberMetadata.sessionTimeoutMs,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    supportedProtocols: classicMemberMetadata.supportedProtocols,
  })
}

function without(group: ConsumerGroup, leaving: readonly ConsumerGroupMember[]): readonly ConsumerGroupMember[] {
  const ids = new Set(leaving.map(({ memberId }) => memberId))
  return group.members.filter(({ memberId }) => !ids.has(memberId))
}

function usesClassicProtocol({ classicMemberMetadata }: ConsumerGroupMember): boolean {
  return classicMemberMetadata !== null
}
