import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { LogDirFailureChannel } from './log-dir-failure-channel.ts'
import { LogDirectory } from './log-directory.ts'
import { CorruptCheckpointError, KafkaStorageError } from './log-errors.ts'
import type { UnifiedLog } from './unified-log.ts'

const MAX_LOG_DIRS = 1024

export interface LogDirectoriesOptions {
  /** `log.dirs` */
  readonly logDirs: readonly string[]
  /** The ids of these, by path (KIP-858). */
  readonly directoryIds: ReadonlyMap<string, string> | undefined
  readonly failureChannel: LogDirFailureChannel
  /** Logs that lie in any of them. */
  readonly logs: ReadonlyMap<string, UnifiedLog>
}

/** The log directories of a broker: which of them work, which logs lie where, and where a new one is put. */
export class LogDirectories {
  readonly all: readonly LogDirectory[]
  readonly #options: LogDirectoriesOptions

  /** Throws RangeError unless there are between 1 and 1024. */
  constructor(runtime: Runtime, options: LogDirectoriesOptions) {
    const { logDirs } = options
    if (logDirs.length < 1 || logDirs.length > MAX_LOG_DIRS) {
      throw new RangeError(`log.dirs must name 1 to ${MAX_LOG_DIRS} directories, not ${logDirs.length}`)
    }
    this.#options = options
    this.all = logDirs.map(path => new LogDirectory(runtime, path))
  }

  /** Those that have not failed. */
  get live(): LogDirectory[] {
    return this.all.filter(dir => this.isLive(dir))
  }

  isLive(dir: LogDirectory): boolean {
    return !this.#options.failureChannel.hasOfflineLogDir(dir.path)
  }

  /** The id of a log directory. */
  idOf(path: string): string | undefined {
    return this.#options.directoryIds?.get(path)
  }

  logsIn(dir: LogDirectory): UnifiedLog[] {
    return [...this.#options.logs.values()].filter(log => log.parentDir === dir.path)
  }

  at(path: string): LogDirectory {
    const dir = this.all.find(candidate => candidate.path === path)
    if (dir === undefined) throw new Error(`${path} is none of the log directories`)
    return dir
  }

  /**
   * Where a new log goes: to the directory with the assigned id, or, where this broker has no such directory, to the one
   * with the fewest logs. Throws `KafkaStorageError` when no directory works, or the log may be in one that does not.
   */
  dirForNewLog(topicPartition: TopicPartition, assignedDirectoryId: string | undefined): LogDirectory {
    if (assignedDirectoryId === undefined) return this.#next()
    const { live } = this
    const assigned = live.find(({ path }) => this.idOf(path) === assignedDirectoryId)
    if (assigned !== undefined) return assigned
    // A second, empty log of the same replica would pass for the whole of it.
    if (live.length < this.all.length) {
      const name = partitionKey(topicPartition)
      throw new KafkaStorageError(`the log of ${name} may be in a log directory that has failed`)
    }
    return this.#next()
  }

  /** Runs work on a directory; undefined when the directory has failed, before or in it. */
  async run<T>(dir: LogDirectory, body: () => Promise<T>): Promise<T | undefined> {
    if (!this.isLive(dir)) return undefined
    try {
      return await body()
    } catch (error) {
      // A checkpoint of a log that says nonsense stops its directory too: guessing could lose records.
      const failed = error instanceof DiskError || error instanceof CorruptCheckpointError
      if (failed) this.#options.failureChannel.maybeAddOfflineLogDir(dir.path, error)
      else if (!(error instanceof KafkaStorageError)) throw error
      return undefined
    }
  }

  #next(): LogDirectory {
    let best: LogDirectory | undefined
    let fewest = Infinity
    for (const dir of this.live) {
      const count = this.logsIn(dir).length
      if (count >= fewest) continue
      fewest = count
      best = dir
    }
    if (best === undefined) throw new KafkaStorageError('all log directories have failed')
    return best
  }
}
