import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'

const MAX_BATCHES = 128
const MAX_BYTES = 4 * 1024 * 1024

/**
 * The newest batches of the log, without gap up to its end, so that fetches and listeners that keep up need no disk. At
 * least the last 128 batches or 4 MiB of them, whichever is less, and at most twice as many.
 */
export class BatchCache {
  #batches: RecordBatchView[] = []
  #bytes = 0

  push(batch: RecordBatchView): void {
    this.#batches.push(batch)
    this.#bytes += batch.sizeInBytes
    if (this.#batches.length > 2 * MAX_BATCHES || this.#bytes > 2 * MAX_BYTES) this.#trim()
  }

  /**
   * Whole batches from the one that holds `offset` on: about `maxBytes`, but at least one. Undefined when the cache does
   * not reach back that far.
   */
  read(offset: number, maxBytes: number): RecordBatchView[] | undefined {
    const first = this.#batches[0]
    if (first === undefined || first.baseOffset > offset) return undefined
    // Most readers are near the end.
    let from = this.#batches.length - 1
    while (from > 0 && (this.#batches[from]?.baseOffset ?? offset) > offset) from--
    let bytes = 0
    let to = from
    while (to < this.#batches.length && (to === from || bytes < maxBytes)) {
      bytes += this.#batches[to]?.sizeInBytes ?? 0
      to++
    }
    return this.#batches.slice(from, to)
  }

  /** The records from `endOffset` on are gone. */
  truncateFromEnd(endOffset: number): void {
    for (
      let last = this.#batches.at(-1);
      last !== undefined && last.nextOffset > endOffset;
      last = this.#batches.at(-1)
    ) {
      this.#batches.pop()
      this.#bytes -= last.sizeInBytes
    }
  }

  clear(): void {
    this.#batches = []
    this.#bytes = 0
  }

  #trim(): void {
    let kept = 0
    let bytes = 0
    for (let index = this.#batches.length - 1; index > 0 && kept < MAX_BATCHES; index--) {
      const size = this.#batches[index]?.sizeInBytes ?? 0
      if (bytes + size > MAX_BYTES) break
      bytes += size
      kept++
    }
    this.#batches = this.#batches.slice(this.#batches.length - kept)
    this.#bytes = bytes
  }
}
