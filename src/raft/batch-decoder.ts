import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { RaftBatch, RecordSerde } from './raft-client.ts'

/** Batches that are kept decoded, so that several listeners that keep up share the work. */
const MAX_KEPT = 256

const NO_BYTES = Buffer.alloc(0)

/** Makes records of batches, once for all listeners that are about equally far. */
export class BatchDecoder<T> {
  readonly #serde: RecordSerde<T>
  /** By base offset, in the order in which they came. */
  readonly #kept = new Map<number, RaftBatch<T>>()

  constructor(serde: RecordSerde<T>) {
    this.#serde = serde
  }

  /** A batch that needs no decoding, because its records were given to this node. */
  remember(batch: RaftBatch<T>): void {
    // One of an earlier epoch may stand there: it must also lose its place in the order.
    this.#kept.delete(batch.baseOffset)
    this.#kept.set(batch.baseOffset, batch)
    if (this.#kept.size <= MAX_KEPT) return
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest)
      return
    }
  }

  decode(view: RecordBatchView): RaftBatch<T> {
    const { baseOffset, partitionLeaderEpoch: epoch } = view
    const kept = this.#kept.get(baseOffset)
    if (kept?.epoch === epoch) return kept
    const batch = decodeBatch(view, this.#serde)
    this.remember(batch)
    return batch
  }
}

/** The records of a batch; none when it is a control batch. */
export function decodeBatch<T>(view: RecordBatchView, serde: RecordSerde<T>): RaftBatch<T> {
  const records: T[] = []
  if (!view.isControl) for (const record of view.records()) records.push(serde.read(record.value ?? NO_BYTES))
  const { baseOffset, lastOffset, partitionLeaderEpoch: epoch, sizeInBytes: sizeBytes } = view
  return { baseOffset, lastOffset, epoch, appendTimestampMs: view.maxTimestamp, sizeBytes, records }
}
