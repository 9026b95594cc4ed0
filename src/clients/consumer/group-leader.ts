import type { JoinGroupResponse } from '../../protocol/apis/join-group.ts'
import { decodeSubscription, encodeAssignment } from '../../protocol/consumer-protocol.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { IllegalStateException, TimeoutException } from '../errors.ts'
import { compareTopicPartitions, describePartitions, TopicPartitionSet } from '../topic-partition-map.ts'
import type { ConsumerMetadata } from './consumer-metadata.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type {
  Assignment,
  ConsumerPartitionAssignor,
  RebalanceProtocol,
  Subscription,
} from './consumer-partition-assignor.ts'
import { flattenPartitions, partitionsByTopic } from './partitions-by-topic.ts'
import type { SubscriptionMetadata } from './subscription-metadata.ts'
import type { SubscriptionState } from './subscription-state.ts'
import { Timer } from './timer.ts'

/** Those that assign nothing but topics that members have subscribed to. */
const ASSIGN_FROM_SUBSCRIBED = new Set(['range', 'roundrobin', 'sticky', 'cooperative-sticky'])

export interface GroupLeaderOptions {
  readonly client: ConsumerNetworkClient
  readonly metadata: ConsumerMetadata
  readonly subscriptions: SubscriptionState
  readonly subscriptionMetadata: SubscriptionMetadata
  readonly protocol: RebalanceProtocol
}

/** What the leader of a group does for all: divides the partitions (ConsumerCoordinator.onLeaderElected). */
export class GroupLeader {
  readonly #runtime: Runtime
  readonly #options: GroupLeaderOptions

  constructor(runtime: Runtime, options: GroupLeaderOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** The encoded assignments by member id; none when a static leader comes back and all stays as it was (KIP-814). */
  async assign(
    assignor: ConsumerPartitionAssignor,
    { members, skipAssignment }: JoinGroupResponse,
  ): Promise<Map<string, Buffer>> {
    const subscriptions = new Map<string, Subscription>()
    const topics = new Set<string>()
    for (const { memberId, groupInstanceId, metadata } of members) {
      const subscription = subscriptionOf(metadata, groupInstanceId)
      subscriptions.set(memberId, subscription)
      for (const topic of subscription.topics) topics.add(topic)
    }
    // The leader must hear of changes in all topics of the group.
    await this.#updateGroupSubscription(topics)
    if (skipAssignment) return new Map()
    const assignments = assignor.assign(this.#options.metadata.fetch(), subscriptions)
    if (this.#options.protocol === 'COOPERATIVE' && assignor.name !== 'cooperative-sticky') {
      validateCooperativeAssignment(subscriptions, assignments)
    }
    if (!ASSIGN_FROM_SUBSCRIBED.has(assignor.name)) await this.#followAssignedTopics(assignments, topics)
    return new Map([...assignments].map(([member, assignment]) => [member, encoded(assignment)]))
  }

  async #updateGroupSubscription(topics: ReadonlySet<string>): Promise<void> {
    const { client, metadata, subscriptions, subscriptionMetadata } = this.#options
    if (subscriptions.groupSubscribe(topics)) metadata.requestUpdateForNewTopics()
    const forEver = new Timer(this.#runtime, Number.POSITIVE_INFINITY)
    if (!(await client.ensureFreshMetadata(forEver))) throw new TimeoutException('no metadata came for the group')
    subscriptionMetadata.maybeUpdate()
  }

  /** An assignor may give out topics that nobody has subscribed to: their metadata is needed from now on too. */
  async #followAssignedTopics(
    assignments: ReadonlyMap<string, Assignment>,
    subscribed: ReadonlySet<string>,
  ): Promise<void> {
    const all = new Set(subscribed)
    for (const { partitions } of assignments.values()) for (const { topic } of partitions) all.add(topic)
    if (all.size > subscribed.size) await this.#updateGroupSubscription(all)
  }
}

function subscriptionOf(metadata: Buffer, groupInstanceId: string | null): Subscription {
  const { topics, userData, ownedPartitions, generationId, rackId } = decodeSubscription(metadata)
  return {
    topics,
    userData,
    ownedPartitions: flattenPartitions(ownedPartitions),
    generationId: generationId < 0 ? undefined : generationId,
    rackId: rackId ?? undefined,
    groupInstanceId: groupInstanceId ?? undefined,
  }
}

function encoded({ partitions, userData }: Assignment): Buffer {
  const assignedPartitions = partitionsByTopic(partitions.toSorted(compareTopicPartitions))
  return encodeAssignment({ assignedPartitions, userData })
}

/** With the cooperative protocol what somebody owns still must not be given to another (KIP-429). */
function validateCooperativeAssignment(
  subscriptions: ReadonlyMap<string, Subscription>,
  assignments: ReadonlyMap<string, Assignment>,
): void {
  const added = new TopicPartitionSet()
  const revoked = new TopicPartitionSet()
  for (const [member, { partitions }] of assignments) {
    const owned = new TopicPartitionSet(subscriptions.get(member)?.ownedPartitions)
    const assigned = new TopicPartitionSet(partitions)
    for (const partition of assigned) if (!owned.has(partition)) added.add(partition)
    for (const partition of owned) if (!assigned.has(partition)) revoked.add(partition)
  }
  const both = [...added].filter(partition => revoked.has(partition))
  if (both.length === 0) return
  throw new IllegalStateException(
    `assignor supporting the COOPERATIVE protocol violates its requirements: it has reassigned ${describePartitions(both)} ` +
      'which are still owned by some members',
  )
}
