import type { Runtime } from '../runtime/runtime.ts'
import { CleanShutdownFileHandler } from './clean-shutdown-file-handler.ts'
import { CorruptCheckpointError } from './log-errors.ts'
import {
  LOG_START_OFFSET_CHECKPOINT_FILE,
  OffsetCheckpointFile,
  type PartitionOffset,
  RECOVERY_POINT_CHECKPOINT_FILE,
} from './offset-checkpoint-file.ts'
import type { UnifiedLog } from './unified-log.ts'

/** One of `log.dirs`, and the files in it that tell of all its logs. Every method rejects with `DiskError`. */
export class LogDirectory {
  readonly path: string
  readonly cleanShutdown: CleanShutdownFileHandler
  readonly #recoveryPoints: OffsetCheckpointFile
  readonly #logStartOffsets: OffsetCheckpointFile
  /** Lines last written, so that idle brokers do not write the same again. */
  #writtenRecoveryPoints = ''
  #writtenLogStartOffsets = ''

  constructor(runtime: Runtime, path: string) {
    this.path = path
    this.cleanShutdown = new CleanShutdownFileHandler(runtime, path)
    this.#recoveryPoints = new OffsetCheckpointFile(runtime, path, RECOVERY_POINT_CHECKPOINT_FILE)
    this.#logStartOffsets = new OffsetCheckpointFile(runtime, path, LOG_START_OFFSET_CHECKPOINT_FILE)
  }

  /** What the checkpoints say, by `partitionKey`. */
  async readCheckpoints(): Promise<{
    recoveryPoints: ReadonlyMap<string, number>
    logStartOffsets: ReadonlyMap<string, number>
  }> {
    const recoveryPoints = await readOrReset(this.#recoveryPoints)
    const logStartOffsets = await readOrReset(this.#logStartOffsets)
    return { recoveryPoints, logStartOffsets }
  }

  /** Writes recovery points and log start offsets. @param logs all that lie here */
  async checkpoint(logs: readonly UnifiedLog[]): Promise<void> {
    await this.checkpointRecoveryPoints(logs)
    await this.checkpointStartOffsets(logs)
  }

  /** Writes the recovery points unless they are as last written. @param logs all that lie here */
  async checkpointRecoveryPoints(logs: readonly UnifiedLog[]): Promise<void> {
    const offsets = logs.map(log => ({ topicPartition: log.topicPartition, offset: log.recoveryPoint }))
    const written = JSON.stringify(offsets)
    if (written === this.#writtenRecoveryPoints) return
    await this.#recoveryPoints.write(offsets)
    this.#writtenRecoveryPoints = written
  }

  /** Writes the start offsets of logs that begin later than their first segment. @param logs all that lie here */
  async checkpointStartOffsets(logs: readonly UnifiedLog[]): Promise<void> {
    const offsets: PartitionOffset[] = logs
      .filter(log => log.logStartOffset > (log.segments[0]?.baseOffset ?? 0))
      .map(log => ({ topicPartition: log.topicPartition, offset: log.logStartOffset }))
    const written = JSON.stringify(offsets)
    if (written === this.#writtenLogStartOffsets) return
    await this.#logStartOffsets.write(offsets)
    this.#writtenLogStartOffsets = written
  }
}

/** As in Kafka, a checkpoint that cannot be understood counts as absent: recovery then checks everything. */
export async function readOrReset(file: OffsetCheckpointFile): Promise<Map<string, number>> {
  try {
    return await file.read()
  } catch (error) {
    if (error instanceof CorruptCheckpointError) return new Map()
    throw error
  }
}
