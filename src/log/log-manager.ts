import { parsePartitionKey, partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import { DiskError } from '../runtime/disk.ts'
import { Mutex } from '../runtime/mutex.ts'
import type { RandomStream, Runtime } from '../runtime/runtime.ts'
import { CleanerCheckpoints } from './cleaner/cleaner-checkpoints.ts'
import type { CleanerConfig } from './cleaner/cleaner-config.ts'
import { LogCleaner } from './cleaner/log-cleaner.ts'
import { CLUSTER_METADATA_TOPIC } from './internal-topics.ts'
import type { KafkaScheduler } from './kafka-scheduler.ts'
import type { LogConfig } from './log-config.ts'
import type { LogDirFailureChannel } from './log-dir-failure-channel.ts'
import { LogDirectories } from './log-directories.ts'
import type { LogDirectory } from './log-directory.ts'
import { ignoringStorageErrors, KafkaStorageError } from './log-errors.ts'
import { DELETE_DIR_SUFFIX, joinPath, parentPath, STRAY_DIR_SUFFIX } from './log-file-utils.ts'
import type { UnifiedLogOptions } from './log-parts.ts'
import { CLEANER_OFFSET_CHECKPOINT_FILE } from './offset-checkpoint-file.ts'
import { UnifiedLog } from './unified-log.ts'

const MAX_DIRECTORY_NAME = 255

/** Intervals in milliseconds, with Kafka's defaults where a key is named. */
export interface LogManagerOptions {
  /** `log.dirs`, relative to the host's data root. */
  readonly logDirs: readonly string[]
  /** The ids of these, by path (KIP-858); by default they have none. */
  readonly directoryIds?: ReadonlyMap<string, string>
  readonly scheduler: KafkaScheduler
  readonly failureChannel: LogDirFailureChannel
  /** The configuration of a topic, as the metadata has it now. */
  readonly topicConfig: (topic: string) => LogConfig
  /** How compacted logs are cleaned; by default not at all (`log.cleaner.enable=false`). */
  readonly cleanerConfig?: CleanerConfig
  /** `log.initial.task.delay.ms`, 30 s. */
  readonly initialTaskDelayMs?: number
  /** `log.retention.check.interval.ms`, 5 min. */
  readonly retentionCheckIntervalMs?: number
  /** `log.flush.scheduler.interval.ms`, never. */
  readonly flushSchedulerIntervalMs?: number
  /** `log.flush.offset.checkpoint.interval.ms`, 1 min. */
  readonly recoveryPointCheckpointIntervalMs?: number
  /** `log.flush.start.offset.checkpoint.interval.ms`, 1 min. */
  readonly logStartOffsetCheckpointIntervalMs?: number
  /** `producer.id.expiration.ms`, 1 day. */
  readonly producerIdExpirationMs?: number
  /** `producer.id.expiration.check.interval.ms`, 10 min. */
  readonly producerIdExpirationCheckIntervalMs?: number
}

const MINUTE_MS = 60_000

/**
 * The logs of a broker (Kafka's LogManager): loads them, makes and deletes them, and does in the background what keeps them
 * bounded and recoverable. The number of logs is bounded by the partitions that the metadata assigns to the broker.
 */
export class LogManager {
  readonly #runtime: Runtime
  readonly #options: LogManagerOptions
  readonly #scheduler: KafkaScheduler
  readonly #failureChannel: LogDirFailureChannel
  readonly #dirs: LogDirectories
  readonly #logs = new Map<string, UnifiedLog>()
  readonly #cleanerCheckpoints: CleanerCheckpoints
  readonly #cleaner: LogCleaner | undefined
  readonly #creation: Mutex
  /** Makes names of directories that go: one replica may go twice before the first is removed. */
  readonly #directoryNames: RandomStream
  /** Directories whose last shutdown was not clean. */
  readonly #recoveredDirs = new Set<string>()
  #loaded = false

  /** Throws RangeError unless there are between 1 and 1024 log directories. */
  constructor(runtime: Runtime, options: LogManagerOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#scheduler = options.scheduler
    this.#failureChannel = options.failureChannel
    this.#creation = new Mutex(runtime, 'log creation or deletion')
    this.#directoryNames = runtime.random.stream('log-directory-names')
    const { logDirs, directoryIds, failureChannel } = options
    this.#dirs = new LogDirectories(runtime, { logDirs, directoryIds, failureChannel, logs: this.#logs })
    this.#cleanerCheckpoints = new CleanerCheckpoints(runtime, failureChannel)
    this.#cleaner =
      options.cleanerConfig && new LogCleaner(runtime, options.cleanerConfig, this.#logs, this.#cleanerCheckpoints)
    this.#failureChannel.onFailure(directory => this.#handleLogDirFailure(directory))
  }

  /** Log directories that work. */
  get liveLogDirs(): string[] {
    return this.#dirs.live.map(dir => dir.path)
  }

  /** All logs, in the order in which they were loaded or made. */
  get allLogs(): readonly UnifiedLog[] {
    return [...this.#logs.values()]
  }

  /** Log directories that had to be recovered at the last start. */
  get recoveredLogDirs(): ReadonlySet<string> {
    return this.#recoveredDirs
  }

  /** Undefined where compacted logs are not cleaned. */
  get cleaner(): LogCleaner | undefined {
    return this.#cleaner
  }

  getLog(topicPartition: TopicPartition): UnifiedLog | undefined {
    return this.#logs.get(partitionKey(topicPartition))
  }

  /**
   * The broker epoch under which the broker last shut down cleanly; -1 when that was not so in every directory, or not in
   * the same run: who was away longer than the others may lack what they have. To be asked before `startup`, which removes
   * the markers.
   */
  async readBrokerEpochFromCleanShutdownFiles(): Promise<number> {
    let brokerEpoch: number | undefined
    for (const dir of this.#dirs.all) {
      const epoch = await this.#cleanShutdownEpoch(dir)
      if (epoch === undefined || (brokerEpoch !== undefined && epoch !== brokerEpoch)) return -1
      brokerEpoch = epoch
    }
    return brokerEpoch ?? -1
  }

  /** Opens all logs, recovering where the last shutdown was not clean, and starts the background work. */
  async startup(): Promise<void> {
    for (const dir of this.#dirs.all) await this.#dirs.run(dir, () => this.#loadLogs(dir))
    this.#loaded = true
    this.#scheduleTasks()
    this.#cleaner?.startup()
  }

  /** The id of a log directory. */
  directoryId(directory: string): string | undefined {
    return this.#dirs.idOf(directory)
  }

  /**
   * The log of a partition, made when there is none: in the directory with the assigned id, or, where this broker has no such
   * directory, in the one with the fewest logs. Rejects with `InconsistentTopicIdError` when a log of another topic of
   * that name is there; with `KafkaStorageError` when no directory works, or when the log may be in one that does not.
   */
  getOrCreateLog(topicPartition: TopicPartition, topicId: string, assignedDirectoryId?: string): Promise<UnifiedLog> {
    return this.#creation.runExclusive(async () => {
      const existing = this.getLog(topicPartition)
      if (existing !== undefined) {
        await existing.assignTopicId(topicId)
        return existing
      }
      const dir = this.#dirs.dirForNewLog(topicPartition, assignedDirectoryId)
      const log = await this.#dirs.run(dir, () => this.#createLog(dir, topicPartition, topicId))
      if (log === undefined) throw new KafkaStorageError(`log directory ${dir.path} has failed`)
      this.#logs.set(log.name, log)
      this.#cleaner?.noteLog(log)
      return log
    })
  }

  /** The topic's configuration was changed. Resolves when what no longer is to be compacted is not being cleaned either. */
  async updateTopicConfig(topic: string, config: LogConfig): Promise<void> {
    for (const log of this.allLogs) {
      if (log.topicPartition.topic !== topic) continue
      const wasCompacted = log.config.compact
      log.updateConfig(config)
      this.#cleaner?.noteLog(log)
      if (wasCompacted && !config.compact) await this.#cleaner?.manager.abortCleaning(log.name)
    }
  }

  /** As `UnifiedLog.truncateTo`, when the cleaner has let go of what is cut off. */
  async truncateTo(log: UnifiedLog, targetOffset: number): Promise<boolean> {
    if (targetOffset >= activeBaseOffset(log)) return log.truncateTo(targetOffset)
    return this.#whileNotCleaned(log, () => log.truncateTo(targetOffset))
  }

  /** As `UnifiedLog.truncateFullyAndStartAt`, when the cleaner has let go of the log. */
  truncateFullyAndStartAt(log: UnifiedLog, newOffset: number): Promise<void> {
    return this.#whileNotCleaned(log, () => log.truncateFullyAndStartAt(newOffset))
  }

  /**
   * Takes logs out of service and renames their directories, to be removed after `file.delete.delay.ms`. Partitions without
   * a log are skipped.
   * @param stray the metadata no longer knows them, and nobody asked to delete them: they are kept under another name
   */
  asyncDelete(topicPartitions: readonly TopicPartition[], stray = false): Promise<void> {
    return this.#creation.runExclusive(async () => {
      const touched = new Set<LogDirectory>()
      for (const topicPartition of topicPartitions) {
        const log = this.getLog(topicPartition)
        if (log === undefined) continue
        this.#logs.delete(log.name)
        await this.#cleaner?.manager.abortCleaning(log.name)
        const dir = this.#dirs.at(log.parentDir)
        touched.add(dir)
        await this.#dirs.run(dir, () => this.#retire(log, stray))
        await this.#cleanerCheckpoints.remove(log)
      }
      // A new topic of the same name must not inherit recovery points.
      for (const dir of touched) await this.#dirs.run(dir, () => dir.checkpoint(this.#dirs.logsIn(dir)))
    })
  }

  /** Writes the recovery points of all logs. */
  async checkpointRecoveryOffsets(): Promise<void> {
    for (const dir of this.#dirs.live)
      await this.#dirs.run(dir, () => dir.checkpointRecoveryPoints(this.#dirs.logsIn(dir)))
  }

  /** Writes the log start offsets of logs that begin later than their first segment. */
  async checkpointLogStartOffsets(): Promise<void> {
    for (const dir of this.#dirs.live)
      await this.#dirs.run(dir, () => dir.checkpointStartOffsets(this.#dirs.logsIn(dir)))
  }

  /** Deletes what retention lets go, in all logs that are not compacted; the cleaner does so in those that are. */
  async cleanupLogs(): Promise<void> {
    const manager = this.#cleaner?.manager
    const logs = manager?.pauseCleaningForNonCompactedPartitions() ?? this.allLogs.filter(log => !log.config.compact)
    try {
      for (const log of logs) await ignoringStorageErrors(() => log.deleteOldSegments())
    } finally {
      for (const { name } of logs) manager?.resumeCleaning(name)
    }
  }

  /** Flushes logs that have not been flushed for their `flush.ms`. */
  async flushDirtyLogs(): Promise<void> {
    const nowMs = this.#runtime.clock.wallMs()
    for (const log of this.allLogs) {
      if (nowMs - log.lastFlushedMs >= log.config.flushMs) await ignoringStorageErrors(() => log.flush())
    }
  }

  /**
   * Flushes and closes everything, and leaves a marker in each directory where that went well. Stop the scheduler first.
   * @param brokerEpoch the epoch of the broker's registration; -1 when it has none
   */
  async shutdown(brokerEpoch = -1): Promise<void> {
    await this.stopCleaner()
    for (const dir of this.#dirs.live) {
      await this.#dirs.run(dir, async () => {
        const logs = this.#dirs.logsIn(dir)
        for (const log of logs) await log.closeCleanly()
        await dir.checkpoint(logs)
        // Logs that were never opened cannot be vouched for.
        if (this.#loaded) await dir.cleanShutdown.write(brokerEpoch)
      })
    }
    this.#logs.clear()
  }

  /** Ends the cleaner's threads: part of `shutdown`, by itself for a broker that gives up while it starts. */
  async stopCleaner(): Promise<void> {
    await this.#cleaner?.shutdown()
  }

  async #whileNotCleaned<T>(log: UnifiedLog, truncate: () => Promise<T>): Promise<T> {
    const manager = this.#cleaner?.manager
    await manager?.abortAndPauseCleaning(log.name)
    try {
      const result = await truncate()
      await this.#cleanerCheckpoints.truncate(log, activeBaseOffset(log))
      return result
    } finally {
      manager?.resumeCleaning(log.name)
    }
  }

  #scheduleTasks(): void {
    const options = this.#options
    const schedule = (name: string, periodMs: number, body: () => Promise<void>): void => {
      this.#scheduler.schedule(name, body, options.initialTaskDelayMs ?? MINUTE_MS / 2, periodMs)
    }
    schedule('kafka-log-retention', options.retentionCheckIntervalMs ?? 5 * MINUTE_MS, () => this.cleanupLogs())
    schedule('kafka-log-flusher', options.flushSchedulerIntervalMs ?? Infinity, () => this.flushDirtyLogs())
    schedule('kafka-recovery-point-checkpoint', options.recoveryPointCheckpointIntervalMs ?? MINUTE_MS, () => {
      return this.checkpointRecoveryOffsets()
    })
    schedule('kafka-log-start-offset-checkpoint', options.logStartOffsetCheckpointIntervalMs ?? MINUTE_MS, () => {
      return this.checkpointLogStartOffsets()
    })
    schedule(
      'PeriodicProducerExpirationCheck',
      options.producerIdExpirationCheckIntervalMs ?? 10 * MINUTE_MS,
      async () => {
        for (const log of this.#logs.values()) log.removeExpiredProducers()
      },
    )
  }

  async #loadLogs(dir: LogDirectory): Promise<void> {
    const { disk } = this.#runtime
    await disk.makeDirectory(dir.path)
    const hadCleanShutdown = (await dir.cleanShutdown.read()) !== undefined
    if (hadCleanShutdown) await dir.cleanShutdown.delete()
    const { recoveryPoints, logStartOffsets } = await dir.readCheckpoints()
    if (!hadCleanShutdown) this.#recoveredDirs.add(dir.path)
    const names = await disk.list(dir.path)
    if (names.includes(CLEANER_OFFSET_CHECKPOINT_FILE)) await this.#cleanerCheckpoints.load(dir.path)
    for (const name of names) {
      const directory = joinPath(dir.path, name)
      if (name.endsWith(DELETE_DIR_SUFFIX)) this.#scheduleRemoval(directory, 0)
      const topicPartition = parsePartitionKey(name)
      if (topicPartition === undefined || topicPartition.topic === CLUSTER_METADATA_TOPIC) continue
      const log = await this.#openLog(directory, topicPartition, {
        hadCleanShutdown,
        logStartOffset: logStartOffsets.get(name) ?? 0,
        recoveryPoint: recoveryPoints.get(name) ?? 0,
        wasCompacted: this.#cleanerCheckpoints.has(dir.path, name),
      })
      this.#logs.set(log.name, log)
    }
    this.#cleanerCheckpoints.retain(dir.path, new Set(this.#dirs.logsIn(dir).map(log => log.name)))
  }

  async #createLog(dir: LogDirectory, topicPartition: TopicPartition, topicId: string): Promise<UnifiedLog> {
    const directory = joinPath(dir.path, partitionKey(topicPartition))
    await this.#runtime.disk.makeDirectory(directory)
    await this.#runtime.disk.syncDirectory(dir.path)
    return this.#openLog(directory, topicPartition, {
      topicId,
      hadCleanShutdown: true,
      logStartOffset: 0,
      recoveryPoint: 0,
    })
  }

  #openLog(
    directory: string,
    topicPartition: TopicPartition,
    state: Pick<
      UnifiedLogOptions,
      'topicId' | 'hadCleanShutdown' | 'logStartOffset' | 'recoveryPoint' | 'wasCompacted'
    >,
  ): Promise<UnifiedLog> {
    return UnifiedLog.open(this.#runtime, {
      directory,
      topicPartition,
      config: this.#options.topicConfig(topicPartition.topic),
      scheduler: this.#scheduler,
      failureChannel: this.#failureChannel,
      producerStateConfig: { producerIdExpirationMs: this.#options.producerIdExpirationMs ?? 24 * 60 * MINUTE_MS },
      ...state,
    })
  }

  async #retire(log: UnifiedLog, stray: boolean): Promise<void> {
    const id = this.#directoryNames.bytes(16).toString('hex')
    const suffix = `.${id}${stray ? STRAY_DIR_SUFFIX : DELETE_DIR_SUFFIX}`
    const name = log.name.slice(0, MAX_DIRECTORY_NAME - suffix.length) + suffix
    const directory = joinPath(log.parentDir, name)
    await log.renameDirectory(directory)
    await log.closeHandlers()
    if (!stray) this.#scheduleRemoval(directory, log.config.fileDeleteDelayMs)
  }

  #scheduleRemoval(directory: string, delayMs: number): void {
    const dir = this.#dirs.at(parentPath(directory))
    this.#scheduler.schedule(
      'kafka-delete-logs',
      async () => {
        await this.#dirs.run(dir, () => this.#runtime.disk.remove(directory))
      },
      delayMs,
    )
  }

  /** Undefined also when the directory does not work; `startup` will find that out for itself. */
  async #cleanShutdownEpoch(dir: LogDirectory): Promise<number | undefined> {
    if (!this.#dirs.isLive(dir)) return undefined
    try {
      return await dir.cleanShutdown.read()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      return undefined
    }
  }

  #handleLogDirFailure(directory: string): void {
    for (const [name, log] of this.#logs) if (log.parentDir === directory) this.#logs.delete(name)
  }
}

/** Base offset of the segment that takes appends, which is never cleaned. */
function activeBaseOffset(log: UnifiedLog): number {
  return log.segments.at(-1)?.baseOffset ?? log.logStartOffset
}
