import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/apis/alter-partition-reassignments.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/apis/list-partition-reassignments.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { tooManyRecords } from './configuration-control-manager.ts'
import { type ControllerResult, MAX_RECORDS_PER_USER_OP } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'
import type { TopicImage, TopicsImage } from './image/topics-image.ts'
import type { MetadataRecord, PartitionChangeRecord } from './metadata-records.ts'
import type { PartitionChanges, PartitionOfTopic } from './partition-changes.ts'
import { beginReassignment, revertReassignment } from './partition-reassignment.ts'
import { isReassignmentInProgress, type PartitionRegistration } from './partition-registration.ts'
import type { TopicAssigner } from './topic-creation.ts'

type OngoingTopic = ListPartitionReassignmentsResponse['topics'][number]

/** Partitions that get other replicas (KIP-455). Part of Kafka's ReplicationControlManager. */
export class ReassignmentControl {
  readonly #state: ControllerState
  readonly #changes: PartitionChanges
  readonly #assigner: TopicAssigner

  constructor(state: ControllerState, changes: PartitionChanges, assigner: TopicAssigner) {
    this.#state = state
    this.#changes = changes
    this.#assigner = assigner
  }

  /** Errors of one partition stand in the response. */
  alterPartitionReassignments(
    request: AlterPartitionReassignmentsRequest,
  ): ControllerResult<AlterPartitionReassignmentsResponse> {
    const { allowReplicationFactorChange } = request
    const records: MetadataRecord[] = []
    const responses = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, replicas }) => {
        let error: ApiError | undefined
        try {
          const present = this.#partition(name, partitionIndex)
          const data = replicas === null ? this.#cancel(present) : this.#change(present, replicas, request)
          if (data !== undefined) records.push({ type: 'PartitionChangeRecord', data })
        } catch (thrown) {
          if (!(thrown instanceof ApiError)) throw thrown
          error = thrown
        }
        if (records.length > MAX_RECORDS_PER_USER_OP) throw tooManyRecords()
        return { partitionIndex, errorCode: error?.code ?? ErrorCode.NONE, errorMessage: error?.message ?? null }
      }),
    }))
    return {
      records,
      response: {
        throttleTimeMs: 0,
        allowReplicationFactorChange,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        responses,
      },
    }
  }

  #partition(name: string, partitionId: number): PartitionOfTopic {
    const topic = this.#state.current.topics.getTopic(name)
    if (topic === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`)
    }
    const partition = topic.partitions.get(partitionId)
    if (partition === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${partitionId}.`)
    }
    return { topic, partitionId, partition }
  }

  /** New replicas are added at once; those to remove go when the others are in sync, which may be at once too. */
  #change(
    present: PartitionOfTopic,
    replicas: readonly number[],
    { allowReplicationFactorChange }: AlterPartitionReassignmentsRequest,
  ): PartitionChangeRecord | undefined {
    const { partition } = present
    this.#assigner.validateReplicas(replicas)
    if (!allowReplicationFactorChange) checkReplicationFactor(partition, replicas.length)
    const { adding, removing, replicas: targetReplicas } = beginReassignment(partition.replicas, replicas)
    return this.#changes.build(present, {
      election: 'online',
      target: {
        replicas: targetReplicas,
        ...(removing.length > 0 ? { removingReplicas: removing } : {}),
        ...(adding.length > 0 ? { addingReplicas: adding } : {}),
      },
    })
  }

  #cancel(present: PartitionOfTopic): PartitionChangeRecord | undefined {
    const { topic, partitionId, partition } = present
    if (!isReassignmentInProgress(partition)) {
      throw new ApiError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, 'No partition reassignment is in progress.')
    }
    const revert = revertReassignment(partition)
    if (revert.unclean && !this.#changes.uncleanElectionEnabled(topic.name)) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Unable to revert partition assignment for ${topic.name}:${partitionId} because it would require an unclean ` +
          'leader election.',
      )
    }
    const { replicas, isr } = revert
    return this.#changes.build(present, { target: { replicas, isr, removingReplicas: [], addingReplicas: [] } })
  }
}

/** The reassignments under way, by what `topics` says. */
export function listReassignments(
  topics: TopicsImage,
  request: ListPartitionReassignmentsRequest,
): ListPartitionReassignmentsResponse {
  const ongoing: OngoingTopic[] = []
  const add = (topic: TopicImage | undefined, partitionIds: Iterable<number>): void => {
    if (topic === undefined) return
    const partitions = [...partitionIds].flatMap(partitionIndex => {
      const partition = topic.partitions.get(partitionIndex)
      if (partition === undefined || !isReassignmentInProgress(partition)) return []
      const { replicas, addingReplicas, removingReplicas } = partition
      return [{ partitionIndex, replicas, addingReplicas, removingReplicas }]
    })
    if (partitions.length > 0) ongoing.push({ name: topic.name, partitions })
  }
  if (request.topics === null) {
    for (const topic of topics.topicsById.values()) add(topic, topic.partitions.keys())
  } else {
    for (const { name, partitionIndexes } of request.topics) add(topics.getTopic(name), partitionIndexes)
  }
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics: ongoing }
}

/** What remains when the reassignment under way, if any, is done must be as many as are wanted. */
function checkReplicationFactor(partition: PartitionRegistration, wanted: number): void {
  const { replicas, addingReplicas, removingReplicas } = partition
  const staying = new Set([...replicas, ...addingReplicas].filter(replica => !removingReplicas.includes(replica)))
  if (staying.size === wanted) return
  throw new ApiError(
    ErrorCode.INVALID_REPLICATION_FACTOR,
    `The replication factor is changed from ${staying.size} to ${wanted}`,
  )
}
