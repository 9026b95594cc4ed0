import type { PartitionWriter } from '../../../../src/coordinator/common/partition-writer.ts'
import type { CoordinatorPlayback } from '../../../../src/coordinator/common/snapshottable-coordinator.ts'
import { ApiError, ErrorCode } from '../../../../src/protocol/errors.ts'
import { batches } from '../../../../src/protocol/records/batch.ts'
import type { TopicPartition } from '../../../../src/protocol/topic-partition.ts'
import type { PartitionListener } from '../../../../src/replication/partition-listener.ts'
import { type KeyValueRecord, keyValueSerde } from './key-value-shard.ts'

/** A log that a test writes, commits, breaks and has read: the writer and the loader of a coordinator. */
export class MemoryLog implements PartitionWriter {
  readonly records: KeyValueRecord[] = []
  /** Keys of each batch that was appended. */
  readonly batches: string[][] = []
  highWatermark = 0
  maxBytes = 1_000_000
  /** Thrown by the next append. */
  nextError: Error | undefined
  /** Appends wait for it. */
  gate: Promise<void> | undefined
  /** Offsets by which the log has moved on without the coordinator. */
  drift = 0
  readonly #listeners = new Set<PartitionListener>()
  readonly #loads: (() => void)[] = []
  holdLoads = false

  registerListener(_topicPartition: TopicPartition, listener: PartitionListener): number {
    this.#listeners.add(listener)
    return this.highWatermark
  }

  deregisterListener(_topicPartition: TopicPartition, listener: PartitionListener): void {
    this.#listeners.delete(listener)
  }

  maxMessageBytes(): number {
    return this.maxBytes
  }

  async append(_topicPartition: TopicPartition, batch: Buffer): Promise<number> {
    await this.gate
    const error = this.nextError
    this.nextError = undefined
    if (error !== undefined) throw error
    const records = [...batches(batch)].flatMap(view => [...view.records()])
    const read = records.map(({ key, value }) => keyValueSerde.deserialize(key ?? Buffer.alloc(0), value))
    this.records.push(...read)
    this.batches.push(read.map(({ key }) => key))
    const offset = this.records.length + this.drift
    this.drift = 0
    return offset
  }

  /** Everything is committed. */
  commit(topicPartition: TopicPartition): void {
    this.highWatermark = this.records.length
    for (const listener of this.#listeners) listener.onHighWatermarkUpdated(topicPartition, this.highWatermark)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  async load(_topicPartition: TopicPartition, coordinator: CoordinatorPlayback<KeyValueRecord>): Promise<void> {
    if (this.holdLoads) await new Promise<void>(resolve => this.#loads.push(resolve))
    if (this.nextError !== undefined) throw this.nextError
    for (const [offset, record] of this.records.entries()) coordinator.replay(offset, record)
    if (this.records.length === 0) return
    coordinator.updateLastWrittenOffset(this.records.length)
  }

  /** Lets the load go on that has waited longest. */
  releaseLoad(): void {
    this.#loads.shift()?.()
  }

  async close(): Promise<void> {}
}

export const APPEND_FAILURE = new ApiError(ErrorCode.NOT_ENOUGH_REPLICAS)
