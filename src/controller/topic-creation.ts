import type { CreateTopicsRequest } from '../protocol/apis/create-topics.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { ClusterControlManager } from './cluster-control-manager.ts'
import { MAX_RECORDS_PER_USER_OP } from './controller-result.ts'
import type { MetadataRecord } from './metadata-records.ts'
import type { StripedReplicaPlacer } from './striped-replica-placer.ts'

/** A topic as a CreateTopics request describes it. */
export type CreatableTopic = CreateTopicsRequest['topics'][number]

/** The replicas of a new partition, and those of them that are alive. The first of these leads. */
export interface PartitionAssignment {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

/** Works out where the partitions of new topics go. The messages are Kafka's. */
export class TopicAssigner {
  readonly #cluster: ClusterControlManager
  readonly #placer: StripedReplicaPlacer
  readonly #isActive: (broker: number) => boolean
  readonly #defaults: { readonly numPartitions: number; readonly replicationFactor: number }

  constructor(
    cluster: ClusterControlManager,
    placer: StripedReplicaPlacer,
    isActive: (broker: number) => boolean,
    defaults: { readonly numPartitions: number; readonly replicationFactor: number },
  ) {
    this.#cluster = cluster
    this.#placer = placer
    this.#isActive = isActive
    this.#defaults = defaults
  }

  /** The partitions of a new topic, by number. Throws ApiError. */
  assign(topic: CreatableTopic): PartitionAssignment[] {
    if (topic.assignments.length > 0) return this.#manual(topic)
    const { numPartitions, replicationFactor } = topic
    if (replicationFactor < -1 || replicationFactor === 0) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        'Replication factor must be larger than 0, or -1 to use the default value.',
      )
    }
    if (numPartitions < -1 || numPartitions === 0) {
      throw new ApiError(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.')
    }
    return this.place(
      numPartitions === -1 ? this.#defaults.numPartitions : numPartitions,
      replicationFactor === -1 ? this.#defaults.replicationFactor : replicationFactor,
    )
  }

  /** Lets the placer choose. Throws ApiError. */
  place(partitions: number, replicationFactor: number): PartitionAssignment[] {
    if (partitions > MAX_RECORDS_PER_USER_OP) {
      throw new ApiError(ErrorCode.POLICY_VIOLATION, 'Unable to perform excessively large batch operation.')
    }
    const unable = (why: string) =>
      new ApiError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        `Unable to replicate the partition ${replicationFactor} time(s): ${why}`,
      )
    let placed: number[][]
    try {
      placed = this.#placer.place(partitions, replicationFactor, this.#cluster.usableBrokers())
    } catch (error) {
      if (error instanceof ApiError && error.code === ErrorCode.INVALID_REPLICATION_FACTOR) throw unable(error.message)
      throw error
    }
    return placed.map(replicas => {
      const isr = replicas.filter(this.#isActive)
      if (isr.length === 0) throw unable('All brokers are currently fenced or in controlled shutdown.')
      return { replicas, isr }
    })
  }

  /** Checks an assignment that a user has chosen. Throws INVALID_REPLICA_ASSIGNMENT. */
  validateManual(
    brokers: readonly number[],
    partition: number,
    replicationFactor: number | undefined,
  ): PartitionAssignment {
    this.validateReplicas(brokers)
    if (replicationFactor !== undefined && brokers.length !== replicationFactor) {
      throw invalidAssignment(
        `The manual partition assignment includes a partition with ${brokers.length} replica(s), but this is not ` +
          `consistent with previous partitions, which have ${replicationFactor} replica(s).`,
      )
    }
    const isr = brokers.filter(this.#isActive)
    if (isr.length === 0) {
      throw invalidAssignment(
        `All brokers specified in the manual partition assignment for partition ${partition} are fenced or in ` +
          'controlled shutdown.',
      )
    }
    return { replicas: brokers, isr }
  }

  /** Brokers that a user has chosen: some, known, nobody twice. Throws INVALID_REPLICA_ASSIGNMENT. */
  validateReplicas(brokers: readonly number[]): void {
    if (brokers.length === 0) {
      throw invalidAssignment('The manual partition assignment includes an empty replica list.')
    }
    const seen = new Set<number>()
    for (const broker of brokers.toSorted((a, b) => a - b)) {
      if (this.#cluster.registration(broker) === undefined) {
        throw invalidAssignment(
          `The manual partition assignment includes broker ${broker}, but no such broker is registered.`,
        )
      }
      if (seen.has(broker)) {
        throw invalidAssignment(`The manual partition assignment includes the broker ${broker} more than once.`)
      }
      seen.add(broker)
    }
  }

  /** The record that begins a partition. */
  partitionRecord(topicId: string, partitionId: number, { replicas, isr }: PartitionAssignment): MetadataRecord {
    return {
      type: 'PartitionRecord',
      data: {
        partitionId,
        topicId,
        replicas,
        isr,
        removingReplicas: [],
        addingReplicas: [],
        leader: isr[0] ?? -1,
        leaderRecoveryState: 0,
        leaderEpoch: 0,
        partitionEpoch: 0,
        directories: replicas.map(broker => this.#cluster.defaultDirectory(broker)),
        eligibleLeaderReplicas: null,
        lastKnownElr: null,
      },
    }
  }

  #manual(topic: CreatableTopic): PartitionAssignment[] {
    if (topic.replicationFactor !== -1) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        'A manual partition assignment was specified, but replication factor was not set to -1.',
      )
    }
    if (topic.numPartitions !== -1) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        'A manual partition assignment was specified, but numPartitions was not set to -1.',
      )
    }
    const partitions = new Map<number, PartitionAssignment>()
    let replicationFactor: number | undefined
    for (const { partitionIndex, brokerIds } of topic.assignments) {
      if (partitions.has(partitionIndex)) {
        throw new ApiError(
          ErrorCode.INVALID_REPLICA_ASSIGNMENT,
          `Found multiple manual partition assignments for partition ${partitionIndex}`,
        )
      }
      partitions.set(partitionIndex, this.validateManual(brokerIds, partitionIndex, replicationFactor))
      replicationFactor = brokerIds.length
    }
    return Array.from({ length: partitions.size }, (_, index) => {
      const assignment = partitions.get(index)
      if (assignment !== undefined) return assignment
      throw new ApiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        'partitions should be a consecutive 0-based integer sequence',
      )
    })
  }
}

function invalidAssignment(problem: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem)
}
