import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { CheckpointFile, type CheckpointFormat } from './checkpoint-file.ts'
import { joinPath } from './log-file-utils.ts'

/** Offsets below which a partition's log is known to be on the platter. */
export const RECOVERY_POINT_CHECKPOINT_FILE = 'recovery-point-offset-checkpoint'
/** High watermarks. */
export const HIGH_WATERMARK_CHECKPOINT_FILE = 'replication-offset-checkpoint'
/** First offsets that are still visible, where records were deleted by request. */
export const LOG_START_OFFSET_CHECKPOINT_FILE = 'log-start-offset-checkpoint'
/** Up to where compacted logs were cleaned. */
export const CLEANER_OFFSET_CHECKPOINT_FILE = 'cleaner-offset-checkpoint'

export interface PartitionOffset {
  readonly topicPartition: TopicPartition
  readonly offset: number
}

const FORMAT: CheckpointFormat<PartitionOffset> = {
  formatLine: ({ topicPartition, offset }) => `${topicPartition.topic} ${topicPartition.partition} ${offset}`,
  parseLine: line => {
    const match = /^(\S+) (\d+) (\d+)$/.exec(line)
    const [, topic, partition, digits] = match ?? []
    const offset = Number(digits)
    if (topic === undefined || !Number.isSafeInteger(offset)) return undefined
    return { topicPartition: { topic, partition: Number(partition) }, offset }
  },
}

/** One offset a partition, for all partitions of a log directory: `topic partition offset` lines. */
export class OffsetCheckpointFile {
  readonly #file: CheckpointFile<PartitionOffset>

  constructor(runtime: Runtime, directory: string, name: string) {
    this.#file = new CheckpointFile(runtime, joinPath(directory, name), FORMAT)
  }

  get path(): string {
    return this.#file.path
  }

  write(offsets: readonly PartitionOffset[]): Promise<void> {
    return this.#file.write(offsets)
  }

  /** Offsets by `partitionKey`. */
  async read(): Promise<Map<string, number>> {
    const entries = await this.#file.read()
    return new Map(entries.map(entry => [partitionKey(entry.topicPartition), entry.offset]))
  }
}
