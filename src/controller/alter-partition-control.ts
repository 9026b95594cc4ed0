import {
  type AlterPartitionRequest,
  type AlterPartitionResponse,
  LeaderRecoveryState as RecoveryStateByte,
} from '../protocol/apis/alter-partition.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { ClusterControlManager } from './cluster-control-manager.ts'
import type { ControllerResult } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'
import type { MetadataRecord } from './metadata-records.ts'
import type { PartitionChanges, PartitionOfTopic } from './partition-changes.ts'
import {
  leaderRecoveryStateFromByte,
  leaderRecoveryStateToByte,
  mergePartitionChange,
  NO_LEADER_CHANGE,
} from './partition-registration.ts'

type RequestedPartition = AlterPartitionRequest['topics'][number]['partitions'][number]
type AlteredPartition = AlterPartitionResponse['topics'][number]['partitions'][number]
type BrokerState = RequestedPartition['newIsrWithEpochs'][number]

/** In a request: whatever the broker's epoch is. */
const ANY_BROKER_EPOCH = -1

/** The ISR as leaders ask for it: what is refused, and what is made of the rest. Part of Kafka's ReplicationControlManager. */
export class AlterPartitionControl {
  readonly #state: ControllerState
  readonly #cluster: ClusterControlManager
  readonly #changes: PartitionChanges

  constructor(state: ControllerState, cluster: ClusterControlManager, changes: PartitionChanges) {
    this.#state = state
    this.#cluster = cluster
    this.#changes = changes
  }

  /** Throws STALE_BROKER_EPOCH; errors of one partition stand in the response. */
  alterPartition(request: AlterPartitionRequest): ControllerResult<AlterPartitionResponse> {
    this.#cluster.checkBrokerEpoch(request.brokerId, request.brokerEpoch)
    const records: MetadataRecord[] = []
    const topics = request.topics.map(({ topicId, partitions }) => {
      const topic = this.#state.current.topics.getTopicById(topicId)
      return {
        topicId,
        partitions: partitions.map(requested => {
          const { partitionIndex: partitionId } = requested
          if (topic === undefined) return refused(partitionId, ErrorCode.UNKNOWN_TOPIC_ID)
          const partition = topic.partitions.get(partitionId)
          if (partition === undefined) return refused(partitionId, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
          return this.#alter(request.brokerId, { topic, partitionId, partition }, requested, records)
        }),
      }
    })
    return { records, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, topics } }
  }

  #alter(
    brokerId: number,
    present: PartitionOfTopic,
    requested: RequestedPartition,
    records: MetadataRecord[],
  ): AlteredPartition {
    const { partitionId } = present
    const isr = requestedIsr(requested)
    const error = this.#validate(brokerId, present, requested, isr)
    if (error !== ErrorCode.NONE) return refused(partitionId, error)
    let { partition } = present
    const data = this.#changes.build(present, {
      target: {
        isr: isr.map(broker => broker.brokerId),
        leaderRecoveryState: leaderRecoveryStateFromByte(requested.leaderRecoveryState),
      },
    })
    if (data !== undefined) {
      records.push({ type: 'PartitionChangeRecord', data })
      partition = mergePartitionChange(partition, data)
      // Only the end of a reassignment moves the leader here. The old one has to hear of it by the metadata.
      if (data.leader !== brokerId && data.leader !== NO_LEADER_CHANGE) {
        return refused(partitionId, ErrorCode.NEW_LEADER_ELECTED)
      }
    }
    return {
      partitionIndex: partitionId,
      errorCode: ErrorCode.NONE,
      leaderId: partition.leader,
      leaderEpoch: partition.leaderEpoch,
      isr: partition.isr,
      leaderRecoveryState: leaderRecoveryStateToByte(partition.leaderRecoveryState),
      partitionEpoch: partition.partitionEpoch,
    }
  }

  #validate(
    brokerId: number,
    { partition }: PartitionOfTopic,
    requested: RequestedPartition,
    isr: readonly BrokerState[],
  ): ErrorCode {
    // A leader that knows more than this controller has heard of it from another one.
    if (requested.leaderEpoch > partition.leaderEpoch) return ErrorCode.NOT_CONTROLLER
    if (requested.partitionEpoch > partition.partitionEpoch) return ErrorCode.NOT_CONTROLLER
    if (requested.leaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH
    if (brokerId !== partition.leader) return ErrorCode.INVALID_REQUEST
    if (requested.partitionEpoch < partition.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION
    const ids = isr.map(broker => broker.brokerId)
    if (!isValidIsr(ids, partition.replicas) || !ids.includes(brokerId)) return ErrorCode.INVALID_REQUEST
    switch (requested.leaderRecoveryState) {
      case RecoveryStateByte.RECOVERED:
        break
      case RecoveryStateByte.RECOVERING:
        // Who has not recovered cannot say who has what it has; and nobody goes back to recovering.
        if (isr.length > 1 || partition.leaderRecoveryState === 'RECOVERED') return ErrorCode.INVALID_REQUEST
        break
      default:
        return ErrorCode.INVALID_REQUEST
    }
    return isr.every(broker => this.#isEligible(broker)) ? ErrorCode.NONE : ErrorCode.INELIGIBLE_REPLICA
  }

  /** Registered, alive, staying, and the very process that has caught up (KIP-841, KIP-903). */
  #isEligible({ brokerId, brokerEpoch }: BrokerState): boolean {
    const registration = this.#cluster.registration(brokerId)
    if (registration === undefined || registration.inControlledShutdown || registration.fenced) return false
    return brokerEpoch === ANY_BROKER_EPOCH || brokerEpoch === registration.epoch
  }
}

/** Requests before version 3 name no epochs. */
function requestedIsr({ newIsr, newIsrWithEpochs }: RequestedPartition): readonly BrokerState[] {
  if (newIsrWithEpochs.length > 0) return newIsrWithEpochs
  return newIsr.map(brokerId => ({ brokerId, brokerEpoch: ANY_BROKER_EPOCH }))
}

/** Not empty, nobody twice, only replicas. */
function isValidIsr(isr: readonly number[], replicas: readonly number[]): boolean {
  return isr.length > 0 && new Set(isr).size === isr.length && isr.every(broker => replicas.includes(broker))
}

function refused(partitionIndex: number, errorCode: ErrorCode): AlteredPartition {
  return {
    partitionIndex,
    errorCode,
    leaderId: 0,
    leaderEpoch: 0,
    isr: [],
    leaderRecoveryState: RecoveryStateByte.RECOVERED,
    partitionEpoch: 0,
  }
}
