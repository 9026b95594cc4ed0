import type { OffsetAndEpoch } from './raft-client.ts'

interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

/**
 * Which leader epoch wrote which offsets of the metadata log. It is worked out from the batches when the log is opened, so
 * it needs no file. One entry an epoch that the log still holds.
 */
export class EpochHistory {
  #entries: EpochStart[] = []

  /** The newest epoch, undefined when the log holds no record. */
  get latest(): number | undefined {
    return this.#entries.at(-1)?.epoch
  }

  /** A batch of `epoch` was appended at `baseOffset`. */
  onAppend(epoch: number, baseOffset: number): void {
    const latest = this.#entries.at(-1)
    if (latest === undefined || epoch > latest.epoch) this.#entries.push({ epoch, startOffset: baseOffset })
  }

  /** The records from `endOffset` on are gone. */
  truncateFromEnd(endOffset: number): void {
    while ((this.#entries.at(-1)?.startOffset ?? -1) >= endOffset) this.#entries.pop()
  }

  /** The records before `startOffset` are gone: the epoch that holds it begins there now. */
  truncateFromStart(startOffset: number): void {
    const holder = this.#entries.findLastIndex(entry => entry.startOffset <= startOffset)
    const entry = this.#entries[holder]
    if (entry === undefined) return
    this.#entries = [{ epoch: entry.epoch, startOffset }, ...this.#entries.slice(holder + 1)]
  }

  clear(): void {
    this.#entries = []
  }

  /**
   * The largest epoch not above `epoch` that wrote to the log, and the offset at which the next one begins, which is the
   * log's end for the newest. Undefined when `epoch` is newer than all that the log holds.
   */
  endOffsetFor(epoch: number, logEndOffset: number): OffsetAndEpoch | undefined {
    if (epoch === this.latest) return { offset: logEndOffset, epoch }
    const higher = this.#entries.findIndex(entry => entry.epoch > epoch)
    const next = this.#entries[higher]
    if (next === undefined) return undefined
    return { offset: next.startOffset, epoch: this.#entries[higher - 1]?.epoch ?? epoch }
  }

  /** The epoch that wrote an offset, undefined when the log does not hold it. */
  epochForOffset(offset: number): number | undefined {
    return this.#entries.findLast(entry => entry.startOffset <= offset)?.epoch
  }
}
