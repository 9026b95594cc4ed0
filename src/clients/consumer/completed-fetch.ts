import type { FetchedData } from '../../network/fetch-session-handler.ts'
import {
  batches,
  decodeControlKey,
  NO_PARTITION_LEADER_EPOCH,
  type RecordBatchView,
  type RecordView,
} from '../../protocol/records/batch.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import { KafkaError, SerializationException } from '../errors.ts'
import { RecordDeserializationException } from './consumer-errors.ts'
import { type ConsumerRecord, NULL_SIZE } from './consumer-record.ts'
import type { Deserializers, FetchConfig } from './fetch-config.ts'

export interface CompletedFetchOptions {
  readonly partition: TopicPartition
  readonly data: FetchedData
  readonly fetchOffset: number
  /** Called once, when all of it was taken or nothing more of it is wanted. */
  readonly onDrained: (bytes: number, records: number) => void
}

/**
 * The records that a fetch brought for one partition, from which polls take them one after the other (Kafka's
 * CompletedFetch). A record that cannot be read stays the next one until somebody seeks past it.
 */
export class CompletedFetch {
  readonly partition: TopicPartition
  readonly data: FetchedData
  readonly #onDrained: (bytes: number, records: number) => void
  readonly #batches: Iterator<RecordBatchView>
  /** By first offset. */
  readonly #abortedTransactions: { readonly producerId: number; readonly firstOffset: number }[]
  readonly #abortedProducerIds = new Set<number>()
  #batch: RecordBatchView | undefined
  #records: Iterator<RecordView> | undefined
  /** Taken from the batch, not yet given to anybody. */
  #lastRecord: RecordView | undefined
  #cachedError: Error | undefined
  /** The bytes of the next record are broken. */
  #isCorrupt = false
  #nextFetchOffset: number
  #lastEpoch: number | undefined
  #recordsRead = 0
  #bytesRead = 0
  #isConsumed = false
  isInitialized = false

  constructor({ partition, data, fetchOffset, onDrained }: CompletedFetchOptions) {
    this.partition = partition
    this.data = data
    this.#nextFetchOffset = fetchOffset
    this.#onDrained = onDrained
    this.#batches = batches(data.records ?? Buffer.alloc(0))
    this.#abortedTransactions = (data.abortedTransactions ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Where the partition goes on after what was taken. */
  get nextFetchOffset(): number {
    return this.#nextFetchOffset
  }

  /** Leader epoch of the last batch that was looked at; undefined: not known. */
  get lastEpoch(): number | undefined {
    return this.#lastEpoch
  }

  get isConsumed(): boolean {
    return this.#isConsumed
  }

  /** Bytes of records, complete or not. */
  get sizeInBytes(): number {
    return this.data.records?.length ?? 0
  }

  /** Whether there is a whole batch. @throws CorruptRecordError, InvalidRecordError for bytes that are no batch */
  hasBatches(): boolean {
    return batches(this.data.records ?? Buffer.alloc(0)).next().done !== true
  }

  /** Nothing more is taken. */
  drain(): void {
    if (this.#isConsumed) return
    this.#isConsumed = true
    this.#records = undefined
    this.#cachedError = undefined
    this.#onDrained(this.#bytesRead, this.#recordsRead)
  }

  /**
   * At most `maxRecords` of the next records; fewer when one of them cannot be read, which is told when it comes first.
   *
   * @throws RecordDeserializationException when a key or value cannot be read
   * @throws KafkaError when the bytes of a record or batch are broken
   */
  fetchRecords<K, V>(
    config: FetchConfig,
    deserializers: Deserializers<K, V>,
    maxRecords: number,
  ): ConsumerRecord<K, V>[] {
    if (this.#isCorrupt) throw this.#cannotRead(this.#cachedError)
    const records: ConsumerRecord<K, V>[] = []
    while (records.length < maxRecords && !this.#isConsumed) {
      try {
        if (this.#cachedError === undefined) {
          this.#isCorrupt = true
          this.#lastRecord = this.#nextFetchedRecord(config)
          this.#isCorrupt = false
        }
        if (this.#lastRecord === undefined) break
        records.push(this.#parse(this.#lastRecord, deserializers))
        this.#recordsRead++
        this.#bytesRead += this.#lastRecord.sizeInBytes
        this.#nextFetchOffset = this.#lastRecord.offset + 1
        this.#cachedError = undefined
      } catch (error) {
        if (!(error instanceof Error)) throw error
        this.#cachedError = error
        if (records.length > 0) break
        throw error instanceof SerializationException ? error : this.#cannotRead(error)
      }
    }
    return records
  }

  /** Undefined after the last. */
  #nextFetchedRecord(config: FetchConfig): RecordView | undefined {
    for (;;) {
      const next = this.#records?.next()
      if (next === undefined || next.done === true) {
        if (!this.#nextBatch(config)) return undefined
      } else if (next.value.offset >= this.#nextFetchOffset) {
        // Control records tell of transactions and are not for applications.
        if (this.#batch?.isControl !== true) return next.value
        this.#nextFetchOffset = next.value.offset + 1
      }
    }
  }

  /** Goes to the next batch that is to be read; false after the last. */
  #nextBatch(config: FetchConfig): boolean {
    this.#records = undefined
    const next = this.#batches.next()
    if (next.done === true) {
      // Compaction may have removed the last records of the last batch.
      if (this.#batch !== undefined) this.#nextFetchOffset = this.#batch.nextOffset
      this.drain()
      return false
    }
    const batch = next.value
    this.#batch = batch
    this.#lastEpoch = epochOf(batch)
    if (config.checkCrcs && !batch.isValidCrc()) {
      throw new KafkaError(
        `record batch for partition ${partitionKey(this.partition)} at offset ${batch.baseOffset} is invalid: ` +
          'its checksum does not match',
      )
    }
    if (config.isolationLevel === 'read_committed' && batch.hasProducerId && this.#isAborted(batch)) {
      this.#nextFetchOffset = batch.nextOffset
    } else {
      this.#records = batch.records()
    }
    return true
  }

  /** Follows the aborted transactions; whether the batch belongs to one. */
  #isAborted(batch: RecordBatchView): boolean {
    const { lastOffset, producerId } = batch
    for (
      let aborted = this.#abortedTransactions[0];
      aborted !== undefined && aborted.firstOffset <= lastOffset;
      aborted = this.#abortedTransactions[0]
    ) {
      this.#abortedProducerIds.add(aborted.producerId)
      this.#abortedTransactions.shift()
    }
    if (isAbortMarker(batch)) {
      this.#abortedProducerIds.delete(producerId)
      return false
    }
    return batch.isTransactional && this.#abortedProducerIds.has(producerId)
  }

  #parse<K, V>(record: RecordView, deserializers: Deserializers<K, V>): ConsumerRecord<K, V> {
    const batch = this.#batch
    const { topic, partition } = this.partition
    const { offset, timestamp, headers } = record
    const timestampType = batch?.timestampType ?? 'CreateTime'
    const read = <T>(origin: 'KEY' | 'VALUE', bytes: Buffer | null, deserialize: (bytes: Buffer) => T | null) => {
      try {
        return bytes === null ? null : deserialize(bytes)
      } catch (error) {
        const { key: keyBuffer, value: valueBuffer } = record
        const topicPartition = this.partition
        throw new RecordDeserializationException(
          { origin, topicPartition, offset, timestamp, timestampType, keyBuffer, valueBuffer, headers },
          error,
        )
      }
    }
    return {
      topic,
      partition,
      offset,
      timestamp,
      timestampType,
      serializedKeySize: record.key?.length ?? NULL_SIZE,
      serializedValueSize: record.value?.length ?? NULL_SIZE,
      key: read('KEY', record.key, bytes => deserializers.key.deserialize(topic, bytes, headers)),
      value: read('VALUE', record.value, bytes => deserializers.value.deserialize(topic, bytes, headers)),
      headers,
      leaderEpoch: batch === undefined ? undefined : epochOf(batch),
    }
  }

  #cannotRead(cause: Error | undefined): KafkaError {
    return new KafkaError(
      `received exception when fetching the next record from ${partitionKey(this.partition)}. If needed, please seek ` +
        `past the record to continue consumption.${cause === undefined ? '' : ` (${cause.message})`}`,
      { cause },
    )
  }
}

function epochOf({ partitionLeaderEpoch }: RecordBatchView): number | undefined {
  return partitionLeaderEpoch === NO_PARTITION_LEADER_EPOCH ? undefined : partitionLeaderEpoch
}

function isAbortMarker(batch: RecordBatchView): boolean {
  if (!batch.isControl) return false
  const [first] = batch.records()
  return first !== undefined && first.key !== null && decodeControlKey(first.key) === 'ABORT'
}
