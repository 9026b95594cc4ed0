import type { MetadataImage } from '../controller/image/metadata-image.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { TopicIdPartition } from './fetch-params.ts'
import { offlinePartitionError, type Partition } from './partition.ts'

/** The replicas of a broker: those in service, and those whose log directory has failed. */
export class HostedPartitions {
  readonly #metadataCache: { readonly image: MetadataImage }
  /** By partition key. */
  readonly #online = new Map<string, Partition>()
  readonly #offline = new Set<string>()

  constructor(metadataCache: { readonly image: MetadataImage }) {
    this.#metadataCache = metadataCache
  }

  /** The replicas in service, by partition key. */
  get online(): ReadonlyMap<string, Partition> {
    return this.#online
  }

  /** The replica, undefined when this broker hosts none or its directory has failed. */
  get(topicPartition: TopicPartition): Partition | undefined {
    return this.#online.get(partitionKey(topicPartition))
  }

  isOffline(key: string): boolean {
    return this.#offline.has(key)
  }

  add(partition: Partition): void {
    this.#online.set(partition.name, partition)
  }

  /** The replica's directory has failed; it stays so until the broker is started again, or the replica is deleted. */
  markOffline(key: string): void {
    this.#online.delete(key)
    this.#offline.add(key)
  }

  remove(key: string): void {
    this.#online.delete(key)
    this.#offline.delete(key)
  }

  /** The replica; throws KAFKA_STORAGE_ERROR, NOT_LEADER_OR_FOLLOWER or UNKNOWN_TOPIC_OR_PARTITION where there is none. */
  getOrThrow(topicPartition: TopicPartition): Partition {
    const key = partitionKey(topicPartition)
    const partition = this.#online.get(key)
    if (partition !== undefined) return partition
    if (this.#offline.has(key)) throw offlinePartitionError(key)
    const topic = this.#metadataCache.image.topics.getTopic(topicPartition.topic)
    if (topic?.partitions.has(topicPartition.partition) === true) {
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `this broker hosts no replica of ${key}`)
    }
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no partition ${key}`)
  }

  /**
   * As `getOrThrow`; `mismatch` when the partition belongs to another topic of that name: INCONSISTENT_TOPIC_ID for fetchers,
   * UNKNOWN_TOPIC_ID for producers (KIP-516).
   */
  getByIdOrThrow(id: TopicIdPartition, mismatch: ErrorCode): Partition {
    const partition = this.getOrThrow(id)
    if (id.topicId === ZERO_UUID || id.topicId === partition.topicId) return partition
    throw new ApiError(
      mismatch,
      `${partition.name} belongs to topic id ${partition.topicId}, the request asks for ${id.topicId}`,
    )
  }
}
