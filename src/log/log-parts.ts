import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { KafkaScheduler } from './kafka-scheduler.ts'
import { leaderEpochCheckpointFile } from './leader-epoch-checkpoint-file.ts'
import { LeaderEpochFileCache } from './leader-epoch-file-cache.ts'
import { LocalLog } from './local-log.ts'
import type { LogConfig } from './log-config.ts'
import type { LogDirFailureChannel } from './log-dir-failure-channel.ts'
import { InconsistentTopicIdError } from './log-errors.ts'
import { parentPath } from './log-file-utils.ts'
import { LogLoader } from './log-loader.ts'
import { LogSegments } from './log-segments.ts'
import { PartitionMetadataFile } from './partition-metadata-file.ts'
import { ProducerStateManager, type ProducerStateManagerConfig } from './producer-state-manager.ts'

export interface UnifiedLogOptions {
  /** The partition's directory; exists. */
  readonly directory: string
  readonly topicPartition: TopicPartition
  /** Undefined: whatever the directory says. */
  readonly topicId?: string
  readonly config: LogConfig
  readonly scheduler: KafkaScheduler
  readonly failureChannel: LogDirFailureChannel
  readonly producerStateConfig: ProducerStateManagerConfig
  readonly hadCleanShutdown: boolean
  readonly logStartOffset: number
  readonly recoveryPoint: number
  /** Compaction has been at work: gaps between segments are no damage, whatever the configuration says now. */
  readonly wasCompacted?: boolean
}

/** What a log is made of, as its directory has it. */
export interface LogParts {
  readonly local: LocalLog
  readonly leaderEpochCache: LeaderEpochFileCache
  readonly producerStateManager: ProducerStateManager
  readonly logStartOffset: number
  readonly truncatedBytes: number
  readonly topicId: string | undefined
}

/**
 * Opens what a log is made of, recovering it unless the last shutdown was clean. Rejects with `InconsistentTopicIdError`
 * when the directory belongs to another topic, and with `DiskError`, which it does not report itself.
 */
export async function loadLogParts(runtime: Runtime, options: UnifiedLogOptions): Promise<LogParts> {
  const { directory, config } = options
  const topicId = await checkTopicId(runtime, options)
  const where = partitionKey(options.topicPartition)
  const leaderEpochCache = await LeaderEpochFileCache.open(leaderEpochCheckpointFile(runtime, directory))
  const producerStateManager = await ProducerStateManager.open(runtime, where, directory, options.producerStateConfig)
  const segments = new LogSegments()
  const loader = new LogLoader(runtime, {
    directory,
    config,
    hadCleanShutdown: options.hadCleanShutdown,
    logStartOffsetCheckpoint: options.logStartOffset,
    recoveryPointCheckpoint: options.recoveryPoint,
    mayHaveGaps: config.compact || options.wasCompacted === true,
    segments,
    leaderEpochCache,
    producerStateManager,
  })
  const { logStartOffset, recoveryPoint, nextOffsetMetadata, truncatedBytes } = await loader.load()
  const local = new LocalLog(runtime, {
    directory,
    config,
    scheduler: options.scheduler,
    segments,
    recoveryPoint,
    nextOffsetMetadata,
    onBackgroundError: error => {
      if (!(error instanceof DiskError)) throw error
      options.failureChannel.maybeAddOfflineLogDir(parentPath(directory), error)
    },
  })
  // Recovery finds what a killed process left in the page cache. Where `flush.messages` promises that records are on the
  // platter before anyone hears of them, that must hold for these too: a producer that repeats one of them is answered as
  // for a duplicate, without an append. Kafka does not flush here, and loses such a record when the power fails then.
  if (local.unflushedMessages >= config.flushMessages) await local.flush(local.logEndOffset)
  return { local, leaderEpochCache, producerStateManager, logStartOffset, truncatedBytes, topicId }
}

async function checkTopicId(runtime: Runtime, { directory, topicId }: UnifiedLogOptions): Promise<string | undefined> {
  const file = new PartitionMetadataFile(runtime, directory)
  const found = await file.read()
  if (topicId === undefined) return found
  if (found === undefined) await file.write(topicId)
  else if (found !== topicId) throw new InconsistentTopicIdError(directory, found, topicId)
  return topicId
}
