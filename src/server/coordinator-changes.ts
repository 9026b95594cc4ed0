import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { TopicsDelta } from '../controller/image/topics-delta.ts'

/** What a coordinator does when its partitions come and go. */
export interface CoordinatorElections {
  onElection(partition: number, leaderEpoch: number): void
  /** `leaderEpoch` undefined: the partition was deleted, or moved away. */
  onResignation(partition: number, leaderEpoch: number | undefined): void
}

/** Tells a coordinator which partitions of its topic this broker leads now (Kafka's updateCoordinator). */
export function updateCoordinator(
  topic: string,
  brokerId: number,
  delta: TopicsDelta,
  newImage: MetadataImage,
  coordinator: CoordinatorElections,
): void {
  const before = delta.image.getTopic(topic)
  const now = newImage.topics.getTopic(topic)
  const wasDeleted = before !== undefined && delta.deletedTopicIds.has(before.id)
  if (!wasDeleted && (now === undefined || !delta.changedTopics.has(now.id))) return
  const { deletes, electedLeaders, followers } = delta.localChanges(brokerId)
  for (const deleted of deletes) {
    if (deleted.topic === topic) coordinator.onResignation(deleted.partition, undefined)
  }
  for (const { topic: name, partition, registration } of electedLeaders) {
    if (name === topic) coordinator.onElection(partition, registration.leaderEpoch)
  }
  for (const { topic: name, partition, registration } of followers) {
    if (name === topic) coordinator.onResignation(partition, registration.leaderEpoch)
  }
}
