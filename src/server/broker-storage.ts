import type { MetadataCache } from '../controller/image/metadata-cache.ts'
import { KafkaScheduler } from '../log/kafka-scheduler.ts'
import type { LogDirFailureChannel } from '../log/log-dir-failure-channel.ts'
import { LogManager } from '../log/log-manager.ts'
import { ReplicaManager } from '../replication/replica-manager.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { topicConfigOf } from './topic-config-repository.ts'

/** The part of a broker that keeps records: logs, replicas, and the background work on them. */
export interface BrokerStorage {
  readonly scheduler: KafkaScheduler
  readonly logManager: LogManager
  readonly replicaManager: ReplicaManager
}

/** Makes the parts from the configuration; nothing is opened yet. */
export function createBrokerStorage(
  runtime: Runtime,
  config: KafkaConfig,
  metadataCache: MetadataCache,
  failureChannel: LogDirFailureChannel,
): BrokerStorage {
  const scheduler = new KafkaScheduler(runtime, config.getNumber('background.threads'))
  const logManager = new LogManager(runtime, {
    logDirs: config.logDirs,
    scheduler,
    failureChannel,
    topicConfig: topic => topicConfigOf(config, metadataCache.image, topic),
    initialTaskDelayMs: config.getNumber('log.initial.task.delay.ms'),
    retentionCheckIntervalMs: config.getNumber('log.retention.check.interval.ms'),
    flushSchedulerIntervalMs: config.getNumber('log.flush.scheduler.interval.ms'),
    recoveryPointCheckpointIntervalMs: config.getNumber('log.flush.offset.checkpoint.interval.ms'),
    logStartOffsetCheckpointIntervalMs: config.getNumber('log.flush.start.offset.checkpoint.interval.ms'),
    producerIdExpirationMs: config.getNumber('producer.id.expiration.ms'),
    producerIdExpirationCheckIntervalMs: config.getNumber('producer.id.expiration.check.interval.ms'),
  })
  const replicaManager = new ReplicaManager(runtime, {
    brokerId: config.nodeId,
    logManager,
    scheduler,
    failureChannel,
    highWatermarkCheckpointIntervalMs: config.getNumber('replica.high.watermark.checkpoint.interval.ms'),
    fetchPurgatoryPurgeInterval: config.getNumber('fetch.purgatory.purge.interval.requests'),
    producerPurgatoryPurgeInterval: config.getNumber('producer.purgatory.purge.interval.requests'),
  })
  return { scheduler, logManager, replicaManager }
}
