import type { CompressionCodec, RecordInput } from '../../protocol/records/batch.ts'
import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import type { Node } from '../node.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { FutureRecordMetadata } from './future-record-metadata.ts'
import type { OnCompletion } from './producer-batch.ts'
import type { TransactionManager } from './transaction-manager.ts'

export interface RecordAccumulatorOptions {
  readonly clientId: string
  /** `batch.size`, ≥ 1 */
  readonly batchSize: number
  readonly compression: CompressionCodec
  readonly lingerMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly deliveryTimeoutMs: number
  /** `partitioner.adaptive.partitioning.enable`, unless there is another partitioner */
  readonly adaptivePartitioning: boolean
  /** `partitioner.availability.timeout.ms`; 0: never */
  readonly partitionAvailabilityTimeoutMs: number
  /** Undefined: not idempotent. */
  readonly transactionManager: TransactionManager | undefined
  readonly bufferPool: BufferPool
  readonly onCallbackError: (error: unknown) => void
}

/** A record to append, and where its outcome goes. */
export interface AppendRequest {
  readonly topic: string
  /** Undefined: where the built-in partitioner says. */
  readonly partition: number | undefined
  readonly record: RecordInput
  /** Told before anything is appended, and again when it changes. */
  readonly setPartition: (partition: number) => void
  readonly onCompletion: OnCompletion
  readonly cluster: MetadataSnapshot
}

export interface RecordAppendResult {
  readonly future: FutureRecordMetadata
  /** Whether the sender should look now. */
  readonly batchIsFull: boolean
  readonly newBatchCreated: boolean
}

/** What must be allocated before the record can be appended. */
export interface MemoryNeeded {
  readonly neededBytes: number
}

export interface ReadyCheckResult {
  readonly readyNodes: readonly Node[]
  /** Until when nothing can become ready by time alone; Infinity: never. */
  readonly nextReadyCheckDelayMs: number
  readonly unknownLeaderTopics: ReadonlySet<string>
}
