import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'
import { NO_PARTITIONS, samePartitions } from '../../assignor/partitions.ts'
import type {
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataValue,
} from '../../group-coordinator-records.ts'
import type { CurrentAssignment, MemberState } from './current-assignment.ts'

/** The epoch by which a member leaves, and that it has until it is forgotten. */
export const LEAVE_GROUP_MEMBER_EPOCH = -1
/** The epoch of a static member that has left for a while (KIP-848). */
export const LEAVE_GROUP_STATIC_MEMBER_EPOCH = -2

/** A member of a consumer group. Never changed in place. */
export interface ConsumerGroupMember extends CurrentAssignment {
  readonly memberId: string
  /** Null: a dynamic member. */
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  /** The client's address as Kafka writes it: `/127.0.0.1`. */
  readonly clientHost: string
  /** Each once, sorted. */
  readonly subscribedTopicNames: readonly string[]
  /** Empty or null: none. */
  readonly subscribedTopicRegex: string | null
  /** How long it may take to give partitions up; −1: not told. */
  readonly rebalanceTimeoutMs: number
  /** Null: it leaves the choice to others. */
  readonly serverAssignor: string | null
  /** Of a member that speaks the classic protocol; null: it speaks the consumer protocol. */
  readonly classicMemberMetadata: ClassicMemberMetadata
}

type ClassicMemberMetadata = ConsumerGroupMemberMetadataValue['classicMemberMetadata']

/** Kafka's MemberState by its number in the record; all others are UNKNOWN. */
const STATES: readonly MemberState[] = ['STABLE', 'UNREVOKED_PARTITIONS', 'UNRELEASED_PARTITIONS']
const UNKNOWN_STATE = 127

export function memberStateNumber(state: MemberState): number {
  return state === 'UNKNOWN' ? UNKNOWN_STATE : STATES.indexOf(state)
}

/** A member of whom nothing is known but its id. */
export function newConsumerGroupMember(memberId: string): ConsumerGroupMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: 'STABLE',
    assignedPartitions: NO_PARTITIONS,
    partitionsPendingRevocation: NO_PARTITIONS,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    classicMemberMetadata: null,
  }
}

export function withMetadata(
  member: ConsumerGroupMember,
  value: ConsumerGroupMemberMetadataValue,
): ConsumerGroupMember {
  const { classicMemberMetadata } = value
  return {
    ...member,
    ...value,
    subscribedTopicNames: sortedNames(value.subscribedTopicNames),
    classicMemberMetadata: classicMemberMetadata && kept(classicMemberMetadata),
  }
}

/** Bytes of a record are views of the batch that it was read with, which must not live as long as a member does. */
function kept({ sessionTimeoutMs, supportedProtocols }: NonNullable<ClassicMemberMetadata>): ClassicMemberMetadata {
  const copies = supportedProtocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
  return { sessionTimeoutMs, supportedProtocols: copies }
}

export function withCurrentAssignment(
  member: ConsumerGroupMember,
  value: ConsumerGroupCurrentMemberAssignmentValue,
): ConsumerGroupMember {
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: STATES[value.state] ?? 'UNKNOWN',
    assignedPartitions: partitionsByTopic(value.assignedPartitions),
    partitionsPendingRevocation: partitionsByTopic(value.partitionsPendingRevocation),
  }
}

/** The same member without partitions, as one that is about to be forgotten. */
export function leftMember(member: ConsumerGroupMember): ConsumerGroupMember {
  return {
    ...member,
    memberEpoch: LEAVE_GROUP_MEMBER_EPOCH,
    previousMemberEpoch: LEAVE_GROUP_MEMBER_EPOCH,
    assignedPartitions: NO_PARTITIONS,
    partitionsPendingRevocation: NO_PARTITIONS,
  }
}

export function isReconciledTo({ state, memberEpoch }: CurrentAssignment, targetAssignmentEpoch: number): boolean {
  return state === 'STABLE' && memberEpoch === targetAssignmentEpoch
}

/** Whether two say the same of what is written when a member changes its mind. */
export function sameMetadata(first: ConsumerGroupMember, second: ConsumerGroupMember): boolean {
  return (
    first.instanceId === second.instanceId &&
    first.rackId === second.rackId &&
    first.clientId === second.clientId &&
    first.clientHost === second.clientHost &&
    first.rebalanceTimeoutMs === second.rebalanceTimeoutMs &&
    first.serverAssignor === second.serverAssignor &&
    first.subscribedTopicRegex === second.subscribedTopicRegex &&
    sameClassicMetadata(first.classicMemberMetadata, second.classicMemberMetadata) &&
    sameNames(first.subscribedTopicNames, second.subscribedTopicNames)
  )
}

function sameClassicMetadata(first: ClassicMemberMetadata, second: ClassicMemberMetadata): boolean {
  if (first === null || second === null) return first === second
  const { supportedProtocols } = second
  return (
    first.sessionTimeoutMs === second.sessionTimeoutMs &&
    first.supportedProtocols.length === supportedProtocols.length &&
    first.supportedProtocols.every(({ name, metadata }, index) => {
      const other = supportedProtocols[index]
      return other !== undefined && name === other.name && metadata.equals(other.metadata)
    })
  )
}

export function sameCurrentAssignment(first: CurrentAssignment, second: CurrentAssignment): boolean {
  return (
    first.memberEpoch === second.memberEpoch &&
    first.previousMemberEpoch === second.previousMemberEpoch &&
    first.state === second.state &&
    samePartitions(first.assignedPartitions, second.assignedPartitions) &&
    samePartitions(first.partitionsPendingRevocation, second.partitionsPendingRevocation)
  )
}

/** Whether two sorted lists of names are the same. */
export function sameNames(first: readonly string[], second: readonly string[]): boolean {
  return first.length === second.length && first.every((name, index) => name === second[index])
}

/** Each once, sorted. */
export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

/** As requests and records have them; topics without partitions are left out. */
export function partitionsByTopic(
  topicPartitions: readonly { readonly topicId: string; readonly partitions: readonly number[] }[],
): PartitionsByTopic {
  const withPartitions = topicPartitions.filter(({ partitions }) => partitions.length > 0)
  return new Map(withPartitions.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))
}

/** As responses and records have them. */
export function topicPartitionsOf(partitions: PartitionsByTopic): { topicId: string; partitions: number[] }[] {
  return [...partitions].map(([topicId, numbers]) => ({ topicId, partitions: [...numbers].sort((a, b) => a - b) }))
}
