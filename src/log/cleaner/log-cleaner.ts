import { RecordsError } from '../../protocol/records/errors.ts'
import { Condition } from '../../runtime/condition.ts'
import type { Runtime, Thread } from '../../runtime/runtime.ts'
import { ignoringStorageErrors, KafkaStorageError } from '../log-errors.ts'
import type { UnifiedLog } from '../unified-log.ts'
import { Cleaner } from './cleaner.ts'
import type { CleanerCheckpoints } from './cleaner-checkpoints.ts'
import type { CleanerConfig } from './cleaner-config.ts'
import { CleanerShutdownError, LogCleaningAbortedError } from './cleaner-errors.ts'
import { CleanerStats } from './cleaner-stats.ts'
import { LogCleanerManager } from './log-cleaner-manager.ts'
import type { LogToClean } from './log-to-clean.ts'
import { SkimpyOffsetMap } from './skimpy-offset-map.ts'
import { Throttler } from './throttler.ts'

/** A timer cannot be longer. */
const MAX_BACKOFF_MS = 2_147_483_647
const MAX_MAP_BYTES = 2_147_483_647

interface CleanerThread {
  readonly thread: Thread
  readonly lastStats: () => CleanerStats
  readonly lastCompactionDelayMs: () => number
}

/**
 * Removes from compacted logs (`cleanup.policy=compact`) records that a later one with the same key supersedes (Kafka's
 * LogCleaner). Threads `kafka-log-cleaner-thread-N` take the filthiest log again and again, and sleep `log.cleaner.backoff.ms`
 * when none needs them. They also do for compacted logs what retention does for others, so that the two never meet.
 *
 * A log that holds bytes which are no records is left alone from then on; a disk error takes its directory offline.
 */
export class LogCleaner {
  readonly manager: LogCleanerManager
  readonly #runtime: Runtime
  readonly #config: CleanerConfig
  readonly #logs: ReadonlyMap<string, UnifiedLog>
  readonly #throttler: Throttler
  readonly #wakeUp: Condition
  readonly #threads: CleanerThread[] = []
  #running = false

  /**
   * @param logs the logs of the broker by `partitionKey`, as they come and go
   */
  constructor(
    runtime: Runtime,
    config: CleanerConfig,
    logs: ReadonlyMap<string, UnifiedLog>,
    checkpoints: CleanerCheckpoints,
  ) {
    this.#runtime = runtime
    this.#config = config
    this.#logs = logs
    this.manager = new LogCleanerManager(runtime, logs, checkpoints)
    this.#throttler = new Throttler(runtime, config.maxIoBytesPerSecond)
    this.#wakeUp = new Condition(runtime, 'LogCleaner.backoff')
  }

  /** The largest share of the memory for keys that any thread's last cleaning used. */
  get maxBufferUtilization(): number {
    return this.#max(({ lastStats }) => lastStats().bufferUtilization)
  }

  /** How long the longest of the threads' last cleanings took. */
  get maxCleanTimeMs(): number {
    return this.#max(({ lastStats }) => lastStats().elapsedMs)
  }

  /** How much longer than `max.compaction.lag.ms` a log had waited when the last cleanings began. */
  get maxCompactionDelayMs(): number {
    return this.#max(({ lastCompactionDelayMs }) => lastCompactionDelayMs())
  }

  /** Bytes written for each byte read, in the last cleanings. */
  get recopyRatio(): number {
    let read = 0
    let written = 0
    for (const { lastStats } of this.#threads) {
      read += lastStats().bytesRead
      written += lastStats().bytesWritten
    }
    return written / Math.max(read, 1)
  }

  /**
   * From now on there are threads when they are needed: as soon as a log is compacted. Kafka starts them with the broker, to
   * sleep. Throws RangeError when the memory for keys has no room for a single one.
   */
  startup(): void {
    this.#running = true
    for (const log of this.#logs.values()) this.noteLog(log)
  }

  /** The log is new, or its configuration is. */
  noteLog(log: UnifiedLog): void {
    if (!this.#running || !log.config.compact || this.#threads.length > 0) return
    for (let id = 0; id < this.#config.numThreads; id++) this.#threads.push(this.#startThread(id))
  }

  /** Ends the threads; what they were cleaning stays as it was. */
  async shutdown(): Promise<void> {
    this.#running = false
    this.#wakeUp.signalAll()
    this.#throttler.shutdown()
    for (const { thread } of this.#threads) await thread.done
    this.#threads.length = 0
  }

  #startThread(id: number): CleanerThread {
    const { numThreads, dedupeBufferSize, dedupeBufferLoadFactor, ioBufferSize } = this.#config
    const cleaner = new Cleaner(this.#runtime, {
      offsetMap: new SkimpyOffsetMap(Math.min(Math.floor(dedupeBufferSize / numThreads), MAX_MAP_BYTES)),
      ioBufferSize: Math.floor(ioBufferSize / numThreads / 2),
      dupBufferLoadFactor: dedupeBufferLoadFactor,
      throttler: this.#throttler,
      checkDone: name => {
        if (!this.#running) throw new CleanerShutdownError('the log cleaner is shutting down')
        this.manager.checkCleaningAborted(name)
      },
    })
    let lastStats = new CleanerStats(this.#runtime.clock)
    lastStats.allDone()
    let lastCompactionDelayMs = 0
    const thread = this.#runtime.threads.start(`kafka-log-cleaner-thread-${id}`, async () => {
      while (this.#running) {
        const grabbed = await this.manager.grabFilthiestCompactedLog()
        let cleaned = false
        if (grabbed !== undefined) {
          lastCompactionDelayMs = grabbed.compactionDelayMs
          cleaned = await this.#cleanLog(cleaner, grabbed.filthiest, stats => {
            lastStats = stats
          })
        }
        if (this.#running) await this.#deleteOldSegments()
        if (!cleaned && this.#running) await this.#wakeUp.wait(Math.min(this.#config.backoffMs, MAX_BACKOFF_MS))
        this.manager.maintainUncleanablePartitions()
      }
    })
    return { thread, lastStats: () => lastStats, lastCompactionDelayMs: () => lastCompactionDelayMs }
  }

  /** Returns whether another log may be looked for at once. */
  async #cleanLog(cleaner: Cleaner, cleanable: LogToClean, onDone: (stats: CleanerStats) => void): Promise<boolean> {
    const { log } = cleanable
    let endOffset = cleanable.firstDirtyOffset
    try {
      const result = await log.guarded('clean', () => cleaner.clean(cleanable))
      endOffset = result.endOffset
      onDone(result.stats)
      return true
    } catch (error) {
      // What stopped it is known to whoever stopped it; of a failed disk, the failure channel knows.
      if (error instanceof LogCleaningAbortedError || error instanceof KafkaStorageError) return true
      if (error instanceof CleanerShutdownError) return false
      if (!(error instanceof RecordsError)) throw error
      this.manager.markPartitionUncleanable(log)
      return false
    } finally {
      await this.manager.doneCleaning(log, endOffset)
    }
  }

  async #deleteOldSegments(): Promise<void> {
    const deletable = this.manager.deletableLogs()
    try {
      for (const log of deletable) await ignoringStorageErrors(() => log.deleteOldSegments())
    } finally {
      this.manager.doneDeleting(deletable)
    }
  }

  #max(value: (thread: CleanerThread) => number): number {
    return Math.max(0, ...this.#threads.map(value))
  }
}
