import type { ControllerChannel } from '../controller/controller-channel.ts'
import type { MetadataCache } from '../controller/image/metadata-cache.ts'
import type { CleanerConfig } from '../log/cleaner/cleaner-config.ts'
import { KafkaScheduler } from '../log/kafka-scheduler.ts'
import type { LogDirFailureChannel } from '../log/log-dir-failure-channel.ts'
import { LogManager } from '../log/log-manager.ts'
import { AlterPartitionManager } from '../replication/alter-partition-manager.ts'
import { AssignmentsManager } from '../replication/assignments-manager.ts'
import { ReplicaManager } from '../replication/replica-manager.ts'
import type { ReplicationConfig } from '../replication/replication-config.ts'
import type { ReplicationObserver } from '../replication/replication-observer.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { topicConfigOf } from './topic-config-repository.ts'

/** The part of a broker that keeps records: logs, replicas, and the background work on them. */
export interface BrokerStorage {
  readonly scheduler: KafkaScheduler
  readonly logManager: LogManager
  readonly replicaManager: ReplicaManager
  /** To be shut down before the channel to the controller. */
  readonly alterPartitionManager: AlterPartitionManager
  /** To be shut down before the channel to the controller. */
  readonly assignmentsManager: AssignmentsManager
}

/** What the storage needs of parts that are made later. */
export interface BrokerStorageLinks {
  /** The epoch under which this broker is registered; -1 before it is. */
  readonly brokerEpoch: () => number
  readonly channel: Pick<ControllerChannel, 'alterPartition' | 'assignReplicasToDirs'>
  /** Ids of the log directories, by path. */
  readonly directoryIds: ReadonlyMap<string, string>
  readonly observer?: ReplicationObserver | undefined
}

/** Makes the parts from the configuration; nothing is opened yet. */
export function createBrokerStorage(
  runtime: Runtime,
  config: KafkaConfig,
  metadataCache: MetadataCache,
  failureChannel: LogDirFailureChannel,
  links: BrokerStorageLinks,
): BrokerStorage {
  const scheduler = new KafkaScheduler(runtime, config.getNumber('background.threads'))
  const logManager = new LogManager(runtime, {
    logDirs: config.logDirs,
    directoryIds: links.directoryIds,
    scheduler,
    failureChannel,
    ...(config.getBoolean('log.cleaner.enable') && { cleanerConfig: cleanerConfigOf(config) }),
    topicConfig: topic => topicConfigOf(config, metadataCache.image, topic),
    initialTaskDelayMs: config.getNumber('log.initial.task.delay.ms'),
    retentionCheckIntervalMs: config.getNumber('log.retention.check.interval.ms'),
    flushSchedulerIntervalMs: config.getNumber('log.flush.scheduler.interval.ms'),
    recoveryPointCheckpointIntervalMs: config.getNumber('log.flush.offset.checkpoint.interval.ms'),
    logStartOffsetCheckpointIntervalMs: config.getNumber('log.flush.start.offset.checkpoint.interval.ms'),
    producerIdExpirationMs: config.getNumber('producer.id.expiration.ms'),
    producerIdExpirationCheckIntervalMs: config.getNumber('producer.id.expiration.check.interval.ms'),
  })
  const { brokerEpoch, channel, observer } = links
  const alterPartitionManager = new AlterPartitionManager(runtime, { brokerId: config.nodeId, brokerEpoch, channel })
  const assignmentsManager = new AssignmentsManager(runtime, { brokerId: config.nodeId, metadataCache, channel })
  const replicaManager = new ReplicaManager(runtime, {
    brokerId: config.nodeId,
    logManager,
    scheduler,
    failureChannel,
    metadataCache,
    alterPartitionManager,
    assignmentsManager,
    brokerEpoch,
    observer,
    config: replicationConfigOf(config),
    highWatermarkCheckpointIntervalMs: config.getNumber('replica.high.watermark.checkpoint.interval.ms'),
    fetchPurgatoryPurgeInterval: config.getNumber('fetch.purgatory.purge.interval.requests'),
    producerPurgatoryPurgeInterval: config.getNumber('producer.purgatory.purge.interval.requests'),
  })
  return { scheduler, logManager, replicaManager, alterPartitionManager, assignmentsManager }
}

function cleanerConfigOf(config: KafkaConfig): CleanerConfig {
  return {
    numThreads: config.getNumber('log.cleaner.threads'),
    dedupeBufferSize: config.getNumber('log.cleaner.dedupe.buffer.size'),
    dedupeBufferLoadFactor: config.getNumber('log.cleaner.io.buffer.load.factor'),
    ioBufferSize: config.getNumber('log.cleaner.io.buffer.size'),
    maxIoBytesPerSecond: config.getNumber('log.cleaner.io.max.bytes.per.second'),
    backoffMs: config.getNumber('log.cleaner.backoff.ms'),
  }
}

function replicationConfigOf(config: KafkaConfig): ReplicationConfig {
  return {
    replicaLagTimeMaxMs: config.getNumber('replica.lag.time.max.ms'),
    numReplicaFetchers: config.getNumber('num.replica.fetchers'),
    replicaFetchWaitMaxMs: config.getNumber('replica.fetch.wait.max.ms'),
    replicaFetchMinBytes: config.getNumber('replica.fetch.min.bytes'),
    replicaFetchMaxBytes: config.getNumber('replica.fetch.max.bytes'),
    replicaFetchResponseMaxBytes: config.getNumber('replica.fetch.response.max.bytes'),
    replicaFetchBackoffMs: config.getNumber('replica.fetch.backoff.ms'),
    replicaSocketTimeoutMs: config.getNumber('replica.socket.timeout.ms'),
    replicaSocketReceiveBufferBytes: config.getNumber('replica.socket.receive.buffer.bytes'),
    interBrokerListenerName: config.interBrokerListenerName,
    replicaSelectorClass: config.get('replica.selector.class'),
  }
}
