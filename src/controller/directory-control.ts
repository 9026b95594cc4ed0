import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/apis/assign-replicas-to-dirs.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { BrokerLeadershipControl } from './broker-leadership-control.ts'
import type { ClusterControlManager } from './cluster-control-manager.ts'
import type { ControllerResult } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'
import type { MetadataRecord } from './metadata-records.ts'
import type { PartitionChanges, PartitionOfTopic } from './partition-changes.ts'

/** Which replica is in which log directory (KIP-858). Part of Kafka's ReplicationControlManager. */
export class DirectoryControl {
  readonly #state: ControllerState
  readonly #cluster: ClusterControlManager
  readonly #changes: PartitionChanges
  readonly #leadership: BrokerLeadershipControl

  constructor(
    state: ControllerState,
    cluster: ClusterControlManager,
    changes: PartitionChanges,
    leadership: BrokerLeadershipControl,
  ) {
    this.#state = state
    this.#cluster = cluster
    this.#changes = changes
    this.#leadership = leadership
  }

  /** Throws STALE_BROKER_EPOCH; errors of one partition stand in the response. */
  assignReplicasToDirs(request: AssignReplicasToDirsRequest): ControllerResult<AssignReplicasToDirsResponse> {
    const { brokerId } = request
    this.#cluster.checkBrokerEpoch(brokerId, request.brokerEpoch)
    const records: MetadataRecord[] = []
    const offline = new Map<string, PartitionOfTopic>()
    const directories = request.directories.map(({ id, topics }) => ({
      id,
      topics: topics.map(({ topicId, partitions }) => ({
        topicId,
        partitions: partitions.map(({ partitionIndex }) => {
          const present = this.#find(brokerId, topicId, partitionIndex)
          if (typeof present === 'number') return { partitionIndex, errorCode: present }
          const data = this.#changes.build(present, {
            election: 'online',
            target: { directory: { broker: brokerId, id } },
          })
          if (data !== undefined) records.push({ type: 'PartitionChangeRecord', data })
          if (!this.#cluster.hasOnlineDirectory(brokerId, id)) offline.set(`${topicId}:${partitionIndex}`, present)
          return { partitionIndex, errorCode: ErrorCode.NONE }
        }),
      })),
    }))
    for (const present of offline.values()) {
      const data = this.#changes.build(present, this.#leadership.withoutBroker(present.partition, brokerId))
      if (data !== undefined) records.push({ type: 'PartitionChangeRecord', data })
    }
    return { records, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, directories } }
  }

  /** The error code, when the broker has no such replica. */
  #find(brokerId: number, topicId: string, partitionId: number): PartitionOfTopic | ErrorCode {
    const topic = this.#state.current.topics.getTopicById(topicId)
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID
    const partition = topic.partitions.get(partitionId)
    if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if (!partition.replicas.includes(brokerId)) return ErrorCode.NOT_LEADER_OR_FOLLOWER
    return { topic, partitionId, partition }
  }
}
