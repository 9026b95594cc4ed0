import type { BeginQuorumEpochRequest } from '../protocol/apis/begin-quorum-epoch.ts'
import type { EndQuorumEpochRequest } from '../protocol/apis/end-quorum-epoch.ts'
import type { FetchRequest } from '../protocol/apis/fetch.ts'
import type { FetchSnapshotRequest } from '../protocol/apis/fetch-snapshot.ts'
import type { VoteRequest } from '../protocol/apis/vote.ts'
import type { MessageInput } from '../protocol/schema.ts'
import { METADATA_TOPIC_ID, ZERO_UUID } from '../protocol/uuid.ts'
import type { OffsetAndEpoch } from './raft-client.ts'

export const METADATA_TOPIC = '__cluster_metadata'
export const METADATA_PARTITION = 0
/** A follower's fetch waits at the leader for news at most this long. */
export const MAX_FETCH_WAIT_MS = 500
export const MAX_FETCH_BYTES = 8 * 1024 * 1024

/** Who sends a request, and in which epoch. */
export interface Sender {
  readonly clusterId: string
  readonly nodeId: number
  readonly epoch: number
}

export function voteRequest(
  { clusterId, nodeId, epoch }: Sender,
  voterId: number,
  logEnd: OffsetAndEpoch,
  preVote: boolean,
): MessageInput<typeof VoteRequest> {
  const partition = {
    partitionIndex: METADATA_PARTITION,
    replicaEpoch: epoch,
    replicaId: nodeId,
    lastOffsetEpoch: logEnd.epoch,
    lastOffset: logEnd.offset,
    preVote,
  }
  return { clusterId, voterId, topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }] }
}

export function beginQuorumEpochRequest(
  { clusterId, nodeId, epoch }: Sender,
  voterId: number,
): MessageInput<typeof BeginQuorumEpochRequest> {
  const partition = { partitionIndex: METADATA_PARTITION, leaderId: nodeId, leaderEpoch: epoch }
  return { clusterId, voterId, topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }] }
}

export function endQuorumEpochRequest(
  { clusterId, nodeId, epoch }: Sender,
  preferredSuccessors: readonly number[],
): MessageInput<typeof EndQuorumEpochRequest> {
  const preferredCandidates = preferredSuccessors.map(candidateId => ({ candidateId, candidateDirectoryId: ZERO_UUID }))
  const partition = { partitionIndex: METADATA_PARTITION, leaderId: nodeId, leaderEpoch: epoch, preferredCandidates }
  return { clusterId, topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }] }
}

export function fetchRequest(
  { clusterId, nodeId, epoch }: Sender,
  logEnd: OffsetAndEpoch,
  highWatermark: number | undefined,
): MessageInput<typeof FetchRequest> {
  const partition = {
    partition: METADATA_PARTITION,
    currentLeaderEpoch: epoch,
    fetchOffset: logEnd.offset,
    lastFetchedEpoch: logEnd.epoch,
    partitionMaxBytes: MAX_FETCH_BYTES,
    highWatermark: highWatermark ?? -1,
  }
  return {
    clusterId,
    replicaState: { replicaId: nodeId },
    maxWaitMs: MAX_FETCH_WAIT_MS,
    minBytes: 0,
    maxBytes: MAX_FETCH_BYTES,
    topics: [{ topicId: METADATA_TOPIC_ID, partitions: [partition] }],
  }
}

export function fetchSnapshotRequest(
  { clusterId, nodeId, epoch }: Sender,
  id: OffsetAndEpoch,
  position: number,
): MessageInput<typeof FetchSnapshotRequest> {
  const partition = {
    partition: METADATA_PARTITION,
    currentLeaderEpoch: epoch,
    snapshotId: { endOffset: id.offset, epoch: id.epoch },
    position,
  }
  const topics = [{ name: METADATA_TOPIC, partitions: [partition] }]
  return { clusterId, replicaId: nodeId, maxBytes: MAX_FETCH_BYTES, topics }
}

/** The one partition that a message of the quorum may speak of; undefined when it speaks of anything else. */
export function onlyPartition<P extends { readonly partitionIndex: number }>(
  topics: readonly { readonly topicName: string; readonly partitions: readonly P[] }[],
): P | undefined {
  const topic = topics[0]
  if (topics.length !== 1 || topic?.topicName !== METADATA_TOPIC || topic.partitions.length !== 1) return undefined
  const partition = topic.partitions[0]
  return partition?.partitionIndex === METADATA_PARTITION ? partition : undefined
}
