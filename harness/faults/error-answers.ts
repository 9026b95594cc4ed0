import type { Request } from '../../src/network/request.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { OffsetCommit } from '../../src/protocol/apis/offset-commit.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { minInsyncReplicas } from '../trial/cluster.ts'
import type { ClusterSpec, ErrorAnswerName, Fault } from '../trial/scenario.ts'
import { appendedBut, committedBut, type ErrorFrame, leaderless, namedWithEpoch, unreadable } from './error-frames.ts'

const DEFAULT_COMMIT_TIMEOUT_MS = 5000

/** An error that a broker of Apache Kafka gives for a moment, and what has become of the request then. */
export interface ErrorAnswer {
  readonly api: string
  readonly errorCode: ErrorCode
  /** The class in Kafka that gives it, and when. */
  readonly source: string
  /** Whether it can come up in a cluster at all; default always. */
  readonly inCluster?: (cluster: ClusterSpec) => boolean
  /** Whether it can be the answer to a request; default to every one of the API. */
  readonly ofRequest?: (request: Request) => boolean
  /** Absent: the request is refused before anything is done. Else it is carried out, and this is what is told of it. */
  readonly instead?: Instead
}

interface Instead {
  readonly frame: ErrorFrame
  /** When it is given, after the request has been carried out, ms; default at once. */
  readonly afterMs?: (request: Request, cluster: ClusterSpec) => number
  /** Something was written: more than one such answer on end would need something to happen in between. */
  readonly wrote: boolean
}

/** Who leads is news that travels only where there are others. */
const hasOthers = ({ brokers }: ClusterSpec): boolean => brokers > 1
/** `__consumer_offsets` has three replicas, or as many as there are brokers when it is created, unless it is configured. */
const replicatesCommits = ({ brokers, config }: ClusterSpec): boolean =>
  Math.min(brokers, Number(config['offsets.topic.replication.factor'] ?? brokers)) > 1
const ofAllReplicas = (request: Request): boolean => request.bodyOf(Produce).acks === -1
const isReplicated = ({ topic }: ClusterSpec): boolean => topic.replicationFactor > 1
const needsSeveralReplicas = (cluster: ClusterSpec): boolean => minInsyncReplicas(cluster) > 1

/** Followers fetch too, and consumers name no replica. */
function isOfConsumer(request: Request): boolean {
  const { replicaId, replicaState } = request.bodyOf(Fetch)
  return replicaId < 0 && replicaState.replicaId < 0
}

const BEHIND = 'the broker has not applied the metadata yet that the client has from another one'
const RESIGNED =
  'CoordinatorRuntime: the broker had handed the partition of __consumer_offsets over, and leads it again'
const LOADING = 'CoordinatorRuntime: the shard of the group is being loaded'

/**
 * What `error-response` can answer. Only errors that are over in a moment without anything else to be seen: a client that is told
 * one of these finds, when it looks again, what it would find in Kafka. So there is no FENCED_LEADER_EPOCH (a newer epoch
 * would have to be found), KAFKA_STORAGE_ERROR (the directory stays offline until a restart), OFFSET_OUT_OF_RANGE (it says
 * something of the log), REBALANCE_IN_PROGRESS (a newer generation would follow), no error of SyncGroup (a coordinator that was
 * elected anew knows nothing of a rebalance that was under way) and none of Heartbeat while a coordinator loads (it is answered
 * as if all were well).
 */
export const ERROR_ANSWERS: Readonly<Record<ErrorAnswerName, ErrorAnswer>> = {
  'Produce NOT_LEADER_OR_FOLLOWER': {
    api: Produce.name,
    errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    source: `Partition.appendRecordsToLeader: ${BEHIND}`,
    inCluster: hasOthers,
  },
  'Produce NOT_LEADER_OR_FOLLOWER after append': {
    api: Produce.name,
    errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    source: 'DelayedProduce, Partition.checkEnoughReplicasReachOffset: it no longer led while it waited for followers',
    inCluster: isReplicated,
    ofRequest: ofAllReplicas,
    instead: { frame: appendedBut(ErrorCode.NOT_LEADER_OR_FOLLOWER), wrote: true },
  },
  'Produce NOT_ENOUGH_REPLICAS': {
    api: Produce.name,
    errorCode: ErrorCode.NOT_ENOUGH_REPLICAS,
    source: 'Partition.appendRecordsToLeader: fewer in sync than min.insync.replicas',
    inCluster: needsSeveralReplicas,
    ofRequest: ofAllReplicas,
  },
  'Produce NOT_ENOUGH_REPLICAS_AFTER_APPEND': {
    api: Produce.name,
    errorCode: ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    source: 'Partition.checkEnoughReplicasReachOffset: all that are in sync have it, but they have become too few',
    inCluster: needsSeveralReplicas,
    ofRequest: ofAllReplicas,
    instead: { frame: appendedBut(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND), wrote: true },
  },
  'Produce REQUEST_TIMED_OUT after append': {
    api: Produce.name,
    errorCode: ErrorCode.REQUEST_TIMED_OUT,
    source: "DelayedProduce.onExpiration: followers did not have it within the request's timeout_ms",
    inCluster: isReplicated,
    ofRequest: ofAllReplicas,
    instead: {
      frame: appendedBut(ErrorCode.REQUEST_TIMED_OUT),
      afterMs: request => request.bodyOf(Produce).timeoutMs,
      wrote: true,
    },
  },
  'InitProducerId COORDINATOR_LOAD_IN_PROGRESS': {
    api: 'InitProducerId',
    errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    source: 'RPCProducerIdManager.generateProducerId: it waits for its next block of ids',
  },
  'Metadata LEADER_NOT_AVAILABLE': {
    api: Metadata.name,
    errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
    source: 'KRaftMetadataCache.getPartitionMetadata: the leader is not among the brokers that are alive to this one',
    inCluster: hasOthers,
    instead: { frame: leaderless, wrote: false },
  },
  'Fetch NOT_LEADER_OR_FOLLOWER': {
    api: Fetch.name,
    errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    source: `Partition.readRecords: ${BEHIND}`,
    inCluster: hasOthers,
    ofRequest: isOfConsumer,
    instead: { frame: unreadable(ErrorCode.NOT_LEADER_OR_FOLLOWER), wrote: false },
  },
  'Fetch UNKNOWN_LEADER_EPOCH': {
    api: Fetch.name,
    errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH,
    source: `Partition.checkCurrentLeaderEpoch: ${BEHIND}`,
    inCluster: hasOthers,
    ofRequest: isOfConsumer,
    instead: { frame: unreadable(ErrorCode.UNKNOWN_LEADER_EPOCH, namedWithEpoch), wrote: false },
  },
  'ListOffsets NOT_LEADER_OR_FOLLOWER': {
    api: ListOffsets.name,
    errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    source: `Partition.fetchOffsetForTimestamp: ${BEHIND}`,
    inCluster: hasOthers,
    ofRequest: request => request.bodyOf(ListOffsets).replicaId < 0,
  },
  'FindCoordinator COORDINATOR_NOT_AVAILABLE': {
    api: 'FindCoordinator',
    errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    source: 'KafkaApis.getCoordinator: the partition of __consumer_offsets has no leader that is alive to this broker',
  },
  'JoinGroup COORDINATOR_LOAD_IN_PROGRESS': {
    api: 'JoinGroup',
    errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    source: LOADING,
  },
  'JoinGroup NOT_COORDINATOR': {
    api: 'JoinGroup',
    errorCode: ErrorCode.NOT_COORDINATOR,
    source: RESIGNED,
    inCluster: hasOthers,
  },
  'Heartbeat NOT_COORDINATOR': {
    api: 'Heartbeat',
    errorCode: ErrorCode.NOT_COORDINATOR,
    source: RESIGNED,
    inCluster: hasOthers,
  },
  'ConsumerGroupHeartbeat COORDINATOR_LOAD_IN_PROGRESS': {
    api: 'ConsumerGroupHeartbeat',
    errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    source: LOADING,
  },
  'ConsumerGroupHeartbeat NOT_COORDINATOR': {
    api: 'ConsumerGroupHeartbeat',
    errorCode: ErrorCode.NOT_COORDINATOR,
    source: RESIGNED,
    inCluster: hasOthers,
  },
  'OffsetFetch COORDINATOR_LOAD_IN_PROGRESS': {
    api: 'OffsetFetch',
    errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    source: LOADING,
  },
  'OffsetFetch NOT_COORDINATOR': {
    api: 'OffsetFetch',
    errorCode: ErrorCode.NOT_COORDINATOR,
    source: RESIGNED,
    inCluster: hasOthers,
  },
  'OffsetCommit COORDINATOR_LOAD_IN_PROGRESS': {
    api: OffsetCommit.name,
    errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    source: LOADING,
  },
  'OffsetCommit NOT_COORDINATOR': {
    api: OffsetCommit.name,
    errorCode: ErrorCode.NOT_COORDINATOR,
    source: RESIGNED,
    inCluster: hasOthers,
  },
  'OffsetCommit NOT_COORDINATOR after commit': {
    api: OffsetCommit.name,
    errorCode: ErrorCode.NOT_COORDINATOR,
    source: 'CoordinatorRuntime: the shard was unloaded while the commit waited for followers, which have it',
    inCluster: replicatesCommits,
    instead: { frame: committedBut(ErrorCode.NOT_COORDINATOR), wrote: true },
  },
  'OffsetCommit COORDINATOR_NOT_AVAILABLE after commit': {
    api: OffsetCommit.name,
    errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    source:
      'CoordinatorOperationExceptionHelper: followers did not have the commit within offsets.commit.timeout.ms, but later',
    inCluster: replicatesCommits,
    instead: {
      frame: committedBut(ErrorCode.COORDINATOR_NOT_AVAILABLE),
      afterMs: (_, { config }) => Number(config['offsets.commit.timeout.ms'] ?? DEFAULT_COMMIT_TIMEOUT_MS),
      wrote: true,
    },
  },
}

/** What a fault answers with; default the first of `ERROR_ANSWER_NAMES`. */
export function errorAnswerOf({ error = 'Produce NOT_LEADER_OR_FOLLOWER' }: Fault): ErrorAnswer {
  return ERROR_ANSWERS[error]
}

/** Whether a fault can come up in a cluster. */
export function canAnswer(fault: Fault, cluster: ClusterSpec): boolean {
  return errorAnswerOf(fault).inCluster?.(cluster) ?? true
}
