import type { AlterConfigsRequest, AlterConfigsResponse } from '../protocol/apis/alter-configs.ts'
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/apis/alter-partition.ts'
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/apis/alter-partition-reassignments.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/apis/assign-replicas-to-dirs.ts'
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../protocol/apis/create-partitions.ts'
import type { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/apis/create-topics.ts'
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../protocol/apis/delete-topics.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/apis/elect-leaders.ts'
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../protocol/apis/incremental-alter-configs.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/apis/list-partition-reassignments.ts'
import type { UnregisterBrokerRequest, UnregisterBrokerResponse } from '../protocol/apis/unregister-broker.ts'
import type { UpdateFeaturesRequest, UpdateFeaturesResponse } from '../protocol/apis/update-features.ts'
import type { BrokerEndpoint } from './broker-registration.ts'

/** Kafka's BrokerRegistrationRequest (62). */
export interface BrokerRegistrationRequest {
  readonly brokerId: number
  readonly clusterId: string
  /** Drawn by the broker process at its start. */
  readonly incarnationId: string
  readonly listeners: readonly BrokerEndpoint[]
  readonly features: readonly {
    readonly name: string
    readonly minSupportedVersion: number
    readonly maxSupportedVersion: number
  }[]
  readonly rack: string | null
  /** Ids of the log directories that are available; at least one. */
  readonly logDirs: readonly string[]
  /**
   * Epoch under which the broker shut down cleanly before; -1 when it did not, or never ran. Tells the controller
   * whether the broker's log may have lost its tail (KIP-966).
   */
  readonly previousBrokerEpoch: number
}

export interface BrokerRegistrationReply {
  readonly brokerEpoch: number
}

/** Kafka's BrokerHeartbeatRequest (63). */
export interface BrokerHeartbeatRequest {
  readonly brokerId: number
  readonly brokerEpoch: number
  /** Offset of the last metadata record that the broker has acted on. */
  readonly currentMetadataOffset: number
  readonly wantFence: boolean
  readonly wantShutDown: boolean
  /** Ids of log directories that have failed since the broker registered. */
  readonly offlineLogDirs: readonly string[]
}

export interface BrokerHeartbeatReply {
  /** Whether the broker has read the metadata log up to its registration. */
  readonly isCaughtUp: boolean
  readonly isFenced: boolean
  readonly shouldShutDown: boolean
}

/** Kafka's AllocateProducerIdsRequest (67). */
export interface AllocateProducerIdsRequest {
  readonly brokerId: number
  readonly brokerEpoch: number
}

/** Producer ids `producerIdStart` up to, but not including, `producerIdStart + producerIdLen`. */
export interface AllocateProducerIdsReply {
  readonly producerIdStart: number
  readonly producerIdLen: number
}

/**
 * How a broker talks to the active controller. Every call answers after the records it led to are committed. Errors of
 * one topic or resource stand in the response; an error of the whole request rejects with `ApiError`: NOT_CONTROLLER,
 * REQUEST_TIMED_OUT, STALE_BROKER_EPOCH, DUPLICATE_BROKER_REGISTRATION, INCONSISTENT_CLUSTER_ID …
 */
export interface ControllerChannel {
  /** Waits at most `request.timeoutMs` for its turn. */
  createTopics(request: CreateTopicsRequest): Promise<CreateTopicsResponse>
  /** Waits at most `request.timeoutMs` for its turn. */
  deleteTopics(request: DeleteTopicsRequest): Promise<DeleteTopicsResponse>
  /** Waits at most `request.timeoutMs` for its turn. */
  createPartitions(request: CreatePartitionsRequest): Promise<CreatePartitionsResponse>
  incrementalAlterConfigs(request: IncrementalAlterConfigsRequest): Promise<IncrementalAlterConfigsResponse>
  legacyAlterConfigs(request: AlterConfigsRequest): Promise<AlterConfigsResponse>
  registerBroker(request: BrokerRegistrationRequest): Promise<BrokerRegistrationReply>
  brokerHeartbeat(request: BrokerHeartbeatRequest): Promise<BrokerHeartbeatReply>
  allocateProducerIds(request: AllocateProducerIdsRequest): Promise<AllocateProducerIdsReply>
  /** Errors of one partition stand in the response; those of the whole request (STALE_BROKER_EPOCH …) in its `errorCode`. */
  alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResponse>
  /** Waits at most `request.timeoutMs` for its turn. */
  electLeaders(request: ElectLeadersRequest): Promise<ElectLeadersResponse>
  /** Waits at most `request.timeoutMs` for its turn. */
  alterPartitionReassignments(request: AlterPartitionReassignmentsRequest): Promise<AlterPartitionReassignmentsResponse>
  /** Waits at most `request.timeoutMs` for its turn. Tells what is committed. */
  listPartitionReassignments(request: ListPartitionReassignmentsRequest): Promise<ListPartitionReassignmentsResponse>
  /** The error stands in the response; then nothing was changed. */
  updateFeatures(request: UpdateFeaturesRequest): Promise<UpdateFeaturesResponse>
  /** The error stands in the response: BROKER_ID_NOT_REGISTERED. */
  unregisterBroker(request: UnregisterBrokerRequest): Promise<UnregisterBrokerResponse>
  /** Errors of one partition stand in the response; those of the whole request in its `errorCode`. */
  assignReplicasToDirs(request: AssignReplicasToDirsRequest): Promise<AssignReplicasToDirsResponse>
}
