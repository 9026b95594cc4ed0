import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { UnifiedLog } from '../log/unified-log.ts'
import type { TopicPartition } from '../protocol/topic-partition.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { AlterPartitionManager } from './alter-partition-manager.ts'
import type { ReplicationObserver } from './replication-observer.ts'

/** What all replicas of a broker share. */
export interface PartitionContext {
  readonly runtime: Runtime
  /** `node.id` */
  readonly brokerId: number
  /** The epoch under which this broker is registered; -1 before it is. */
  readonly brokerEpoch: () => number
  /** `replica.lag.time.max.ms` */
  readonly replicaLagTimeMaxMs: number
  /** The newest published metadata. */
  readonly metadataCache: { readonly image: MetadataImage }
  readonly alterPartitionManager: Pick<AlterPartitionManager, 'submit'>
  readonly observer: ReplicationObserver
  /**
   * The log of a partition with its high watermark from the checkpoint; made when there is none, in the directory of that id
   * if this broker has it.
   */
  openLog(topicPartition: TopicPartition, topicId: string, assignedDirectoryId?: string): Promise<UnifiedLog>
  /** As `UnifiedLog.truncateTo`, when nobody rewrites the log. */
  truncateLog(log: UnifiedLog, targetOffset: number): Promise<boolean>
  /** As `UnifiedLog.truncateFullyAndStartAt`, when nobody rewrites the log. */
  truncateLogFully(log: UnifiedLog, newOffset: number): Promise<void>
  /** Writes recovery points: one may have gone back. */
  checkpointRecoveryPoints(): Promise<void>
  /** Whether someone waits for records to be deleted on all replicas. */
  hasDelayedDeletes(): boolean
  /** High or low watermark, leadership or ISR of the partition have changed: what waits for it may go on. */
  completeDelayedRequests(partitionKey: string): void
}
