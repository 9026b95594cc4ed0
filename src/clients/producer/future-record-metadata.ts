import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Parker, Runtime } from '../../runtime/runtime.ts'
import type { RecordMetadata } from './producer-record.ts'

const UNKNOWN_PARTITION = -1

/** The metadata of a record of which nothing more is known. */
export function unknownMetadata(topic: string, partition: number = UNKNOWN_PARTITION): RecordMetadata {
  return { topic, partition, offset: -1, timestamp: -1, serializedKeySize: -1, serializedValueSize: -1 }
}

/** What a batch was answered with, for all its records. */
export interface BatchOutcome {
  /** −1: not known. */
  readonly baseOffset: number
  /** −1: the records keep their own timestamps. */
  readonly logAppendTimeMs: number
  /** The error of the record at an index of the batch; undefined: there is none. */
  readonly errorOf: ((index: number) => Error) | undefined
}

/** What becomes of one record (Kafka's FutureRecordMetadata). Settles once. */
export class FutureRecordMetadata {
  readonly #parker: Parker
  readonly #timestamp: number
  readonly #serializedKeySize: number
  readonly #serializedValueSize: number
  #metadata: RecordMetadata | undefined
  #error: Error | undefined

  constructor(runtime: Runtime, timestamp: number, serializedKeySize: number, serializedValueSize: number) {
    this.#parker = runtime.threads.park('KafkaProducer.send')
    this.#timestamp = timestamp
    this.#serializedKeySize = serializedKeySize
    this.#serializedValueSize = serializedValueSize
  }

  get settled(): boolean {
    return this.#metadata !== undefined
  }

  get error(): Error | undefined {
    return this.#error
  }

  /** Takes the outcome of its batch, in which it has an index; returns the metadata to tell. Wakes nobody yet. */
  take({ topic, partition }: TopicPartition, index: number, outcome: BatchOutcome): RecordMetadata {
    if (this.#metadata !== undefined) throw new Error(`a record of ${topic}-${partition} was settled twice`)
    const { baseOffset, logAppendTimeMs, errorOf } = outcome
    this.#error = errorOf?.(index)
    if (this.#error !== undefined) {
      this.#metadata = unknownMetadata(topic, partition)
    } else {
      this.#metadata = {
        topic,
        partition,
        offset: baseOffset < 0 ? -1 : baseOffset + index,
        timestamp: logAppendTimeMs < 0 ? this.#timestamp : logAppendTimeMs,
        serializedKeySize: this.#serializedKeySize,
        serializedValueSize: this.#serializedValueSize,
      }
    }
    return this.#metadata
  }

  /** Wakes whoever waits. */
  done(): void {
    this.#parker.unpark()
  }

  /** Waits for the outcome; throws the record's error. */
  async get(): Promise<RecordMetadata> {
    await this.#parker.parked
    if (this.#error !== undefined) throw this.#error
    if (this.#metadata === undefined) throw new Error('woken without an outcome')
    return this.#metadata
  }
}
