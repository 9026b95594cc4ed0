import { HIGH_WATERMARK_CHECKPOINT_FILE, OffsetCheckpointFile } from '../log/offset-checkpoint-file.ts'
import type { UnifiedLog } from '../log/unified-log.ts'
import { partitionKey } from '../protocol/topic-partition.ts'
import type { Runtime } from '../runtime/runtime.ts'

interface DirectoryCheckpoint {
  readonly file: OffsetCheckpointFile
  /** As read at the first use, then as written. By partition key. */
  offsets: ReadonlyMap<string, number>
}

/**
 * The high watermarks of all replicas, one file a log directory (`replication-offset-checkpoint`). Rejects with `DiskError`
 * and `CorruptCheckpointError`; whoever calls takes the directory offline.
 */
export class HighWatermarkCheckpoints {
  readonly #runtime: Runtime
  readonly #byDirectory = new Map<string, DirectoryCheckpoint>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** The high watermark that was written last for a log; 0 when none was. */
  async fetch(log: UnifiedLog): Promise<number> {
    const { offsets } = await this.#checkpoint(log.parentDir)
    return offsets.get(log.name) ?? 0
  }

  /** Writes the high watermarks of the logs of a directory, unless they are as they were. */
  async write(directory: string, logs: readonly UnifiedLog[]): Promise<void> {
    const checkpoint = await this.#checkpoint(directory)
    const offsets = logs.map(log => ({ topicPartition: log.topicPartition, offset: log.highWatermark }))
    const changed =
      offsets.length !== checkpoint.offsets.size ||
      offsets.some(entry => checkpoint.offsets.get(partitionKey(entry.topicPartition)) !== entry.offset)
    if (!changed) return
    await checkpoint.file.write(offsets)
    checkpoint.offsets = new Map(offsets.map(entry => [partitionKey(entry.topicPartition), entry.offset]))
  }

  async #checkpoint(directory: string): Promise<DirectoryCheckpoint> {
    const known = this.#byDirectory.get(directory)
    if (known !== undefined) return known
    const file = new OffsetCheckpointFile(this.#runtime, directory, HIGH_WATERMARK_CHECKPOINT_FILE)
    const checkpoint: DirectoryCheckpoint = { file, offsets: await file.read() }
    this.#byDirectory.set(directory, checkpoint)
    return checkpoint
  }
}
