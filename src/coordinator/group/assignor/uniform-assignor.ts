import type {
  ConsumerGroupPartitionAssignor,
  GroupAssignment,
  GroupSpec,
  SubscribedTopicDescriber,
} from './consumer-group-partition-assignor.ts'
import { assignHeterogeneous } from './uniform-heterogeneous-assignment-builder.ts'
import { assignHomogeneous } from './uniform-homogeneous-assignment-builder.ts'

/**
 * Gives each member as many partitions as the others, as nearly as what they read allows, and leaves with each as much of what
 * it had as that allows (Kafka's UniformAssignor).
 */
export class UniformAssignor implements ConsumerGroupPartitionAssignor {
  readonly name = 'uniform'

  assign(group: GroupSpec, topics: SubscribedTopicDescriber): GroupAssignment {
    if (group.members.size === 0) return new Map()
    return group.subscriptionType === 'homogeneous'
      ? assignHomogeneous(group, topics)
      : assignHeterogeneous(group, topics)
  }
}
