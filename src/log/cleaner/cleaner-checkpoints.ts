import { parsePartitionKey } from '../../protocol/topic-partition.ts'
import { DiskError } from '../../runtime/disk.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { LogDirFailureChannel } from '../log-dir-failure-channel.ts'
import { CorruptCheckpointError } from '../log-errors.ts'
import { CLEANER_OFFSET_CHECKPOINT_FILE, OffsetCheckpointFile } from '../offset-checkpoint-file.ts'
import type { UnifiedLog } from '../unified-log.ts'

interface DirectoryCheckpoint {
  readonly file: OffsetCheckpointFile
  /** By `partitionKey`. */
  readonly offsets: Map<string, number>
}

/**
 * Up to where each log was cleaned, and the file in each log directory that keeps it. The offsets are held in memory, so
 * that only changes touch the disk; Kafka reads the files each time. A disk that fails takes its directory offline.
 */
export class CleanerCheckpoints {
  readonly #runtime: Runtime
  readonly #failureChannel: LogDirFailureChannel
  readonly #byDirectory = new Map<string, DirectoryCheckpoint>()

  constructor(runtime: Runtime, failureChannel: LogDirFailureChannel) {
    this.#runtime = runtime
    this.#failureChannel = failureChannel
  }

  /**
   * Reads what an earlier run left in a log directory; malformed, it counts as absent: to clean again harms nothing. Rejects
   * with `DiskError`.
   */
  async load(directory: string): Promise<void> {
    const { file, offsets } = this.#of(directory)
    try {
      for (const [name, offset] of await file.read()) offsets.set(name, offset)
    } catch (error) {
      if (!(error instanceof CorruptCheckpointError)) throw error
    }
  }

  /** Forgets partitions that have no log in the directory, before a new one could take over what is said of them. */
  retain(directory: string, names: ReadonlySet<string>): void {
    const { offsets } = this.#of(directory)
    for (const name of [...offsets.keys()]) if (!names.has(name)) offsets.delete(name)
  }

  has(directory: string, name: string): boolean {
    return this.#of(directory).offsets.has(name)
  }

  /** Undefined: the log was never cleaned. */
  get({ parentDir, name }: UnifiedLog): number | undefined {
    return this.#of(parentDir).offsets.get(name)
  }

  /** On the platter when it resolves. */
  async set({ parentDir, name }: UnifiedLog, offset: number): Promise<void> {
    const { offsets } = this.#of(parentDir)
    if (offsets.get(name) === offset) return
    offsets.set(name, offset)
    await this.#write(parentDir)
  }

  /** The log was truncated: nothing from `offset` on counts as clean. */
  async truncate(log: UnifiedLog, offset: number): Promise<void> {
    if ((this.get(log) ?? 0) > offset) await this.set(log, offset)
  }

  /** The log is gone. */
  async remove({ parentDir, name }: UnifiedLog): Promise<void> {
    if (this.#of(parentDir).offsets.delete(name)) await this.#write(parentDir)
  }

  #of(directory: string): DirectoryCheckpoint {
    let found = this.#byDirectory.get(directory)
    if (found === undefined) {
      const file = new OffsetCheckpointFile(this.#runtime, directory, CLEANER_OFFSET_CHECKPOINT_FILE)
      found = { file, offsets: new Map() }
      this.#byDirectory.set(directory, found)
    }
    return found
  }

  async #write(directory: string): Promise<void> {
    if (this.#failureChannel.hasOfflineLogDir(directory)) return
    const { file, offsets } = this.#of(directory)
    const entries = [...offsets].flatMap(([name, offset]) => {
      const topicPartition = parsePartitionKey(name)
      return topicPartition === undefined ? [] : [{ topicPartition, offset }]
    })
    try {
      await file.write(entries)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#failureChannel.maybeAddOfflineLogDir(directory, error)
    }
  }
}
