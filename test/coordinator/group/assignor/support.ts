import type {
  AssignorMember,
  GroupAssignment,
  GroupSpec,
  SubscribedTopicDescriber,
} from '../../../../src/coordinator/group/assignor/consumer-group-partition-assignor.ts'

/** Partitions by the name of their topic. */
export type Partitions = Readonly<Record<string, readonly number[]>>

export interface MemberSpec {
  readonly topics: readonly string[]
  readonly has?: Partitions
  readonly instanceId?: string
}

/** A topic's id from its name, a single letter. */
export function idOf(topic: string): string {
  return Buffer.alloc(16, topic).toString('base64url')
}

/** The topics of a test: how many partitions each has. */
export function topicsOf(numPartitions: Readonly<Record<string, number>>): SubscribedTopicDescriber {
  const byId = new Map(Object.entries(numPartitions).map(([topic, count]) => [idOf(topic), count]))
  return { numPartitions: topicId => byId.get(topicId) }
}

/** A group of these members; homogeneous if they all read the same topics. */
export function groupOf(members: Readonly<Record<string, MemberSpec>>): GroupSpec {
  const specs = Object.entries(members)
  const subscriptions = new Set(specs.map(([, { topics }]) => [...topics].sort().join()))
  return {
    members: new Map(specs.map(([memberId, spec]) => [memberId, memberOf(spec)])),
    subscriptionType: subscriptions.size > 1 ? 'heterogeneous' : 'homogeneous',
  }
}

function memberOf({ topics, has = {}, instanceId }: MemberSpec): AssignorMember {
  return {
    instanceId,
    subscribedTopicIds: new Set(topics.map(idOf)),
    assignedPartitions: new Map(Object.entries(has).map(([topic, partitions]) => [idOf(topic), new Set(partitions)])),
  }
}

/** An assignment with the names of the topics, in order. */
export function named(assignment: GroupAssignment): Record<string, Partitions> {
  return Object.fromEntries(
    [...assignment].map(([memberId, partitions]) => [
      memberId,
      Object.fromEntries(
        [...partitions]
          .map(([topicId, numbers]) => [nameOf(topicId), [...numbers].sort((first, second) => first - second)] as const)
          .sort(([first], [second]) => (first < second ? -1 : 1)),
      ),
    ]),
  )
}

export function nameOf(topicId: string): string {
  return String.fromCharCode(Buffer.from(topicId, 'base64url')[0] ?? 0)
}

/** How many partitions a member has. */
export function sizeOf(partitions: Partitions | undefined): number {
  return Object.values(partitions ?? {}).reduce((size, numbers) => size + numbers.length, 0)
}
