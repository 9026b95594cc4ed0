import type { MetadataDelta } from '../../controller/image/metadata-delta.ts'
import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { CoordinatorExecutor } from './coordinator-executor.ts'
import type { CoordinatorTimer } from './coordinator-timer.ts'
import type { SnapshotRegistry } from './snapshot-registry.ts'

/** The state machine behind one partition of a coordinator's topic (Kafka's CoordinatorShard). */
export interface CoordinatorShard<R> {
  /** Applies a record that was read from the log, or that is about to be written to it at `offset`. */
  replay(offset: number, record: R): void
  /** The log was read; requests come from now on. */
  onLoaded(image: MetadataImage): void
  /** Another broker coordinates, or this one is shut down: what waits here is to be given up. */
  onUnloaded(): void
  onNewMetadataImage(image: MetadataImage, delta: MetadataDelta): void
}

/** What a shard is made of besides its state. */
export interface CoordinatorShardContext<R> {
  readonly topicPartition: TopicPartition
  readonly snapshotRegistry: SnapshotRegistry
  readonly timer: CoordinatorTimer<R>
  readonly executor: CoordinatorExecutor<R>
}
