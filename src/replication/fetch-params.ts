import type { LogOffsetMetadata } from '../log/log-offset-metadata.ts'
import type { FetchIsolation } from '../log/unified-log.ts'

/** A partition by all its names. `topicId` is the zero id where the client gave none. */
export interface TopicIdPartition {
  readonly topicId: string
  readonly topic: string
  readonly partition: number
}

/** Who a consumer is, as far as it decides on where to read (KIP-392; Kafka's ClientMetadata). */
export interface ClientMetadata {
  /** Empty: not told. */
  readonly rackId: string
  /** The listener that the fetch came by. */
  readonly listenerName: string
}

/** What a whole fetch asks for (Kafka's FetchParams). */
export interface FetchParams {
  /** -1 from consumers. */
  readonly replicaId: number
  /** The epoch under which the follower is registered; -1: not told. */
  readonly replicaEpoch: number
  /** Only the leader may answer; else any replica as far as its high watermark goes. */
  readonly requireLeader: boolean
  /** Undefined from followers, and from consumers too old to read from followers. */
  readonly clientMetadata: ClientMetadata | undefined
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  /** `log-end` from followers. */
  readonly isolation: FetchIsolation
}

/** What a fetch asks of one partition. -1 in the epochs and the log start offset means that they were not given. */
export interface FetchPartitionRequest {
  readonly topicIdPartition: TopicIdPartition
  readonly fetchOffset: number
  /** The follower's, -1 from consumers. */
  readonly logStartOffset: number
  readonly maxBytes: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
}

/** What one partition answers (Kafka's FetchPartitionData). Offsets are -1 with an error. */
export interface FetchPartitionData {
  readonly topicIdPartition: TopicIdPartition
  /** One of Kafka's error codes, 0 for none. */
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** The last batch may be cut off. */
  readonly records: Buffer
  /** Where the fetcher's log parts from this one: it must truncate before it fetches on. */
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number }
  /** Broker id of the replica that the consumer should read from instead; nothing was read. */
  readonly preferredReadReplica?: number
}

/** A read of one partition, with what a delayed fetch must remember of it. */
export interface LogReadResult {
  readonly data: FetchPartitionData
  /** Where the read began; undefined with an error. */
  readonly fetchOffsetMetadata: LogOffsetMetadata | undefined
}

/** Called once with the answers, in the order in which the partitions were asked for. */
export type FetchCallback = (results: readonly FetchPartitionData[]) => void
