import type { CheckpointFile } from './checkpoint-file.ts'
import type { EpochEntry } from './leader-epoch-checkpoint-file.ts'

/** No leader epoch is known. */
export const UNDEFINED_EPOCH = -1
/** No end offset is known for an epoch. */
export const UNDEFINED_EPOCH_OFFSET = -1

export interface EpochAndOffset {
  readonly epoch: number
  readonly endOffset: number
}

/**
 * Which leader epoch wrote which offsets (KIP-101, KIP-279; Kafka's LeaderEpochFileCache). Entries rise in epoch and in
 * offset. Memory: one entry an epoch that the log still holds; entries go with the records at the log's start.
 *
 * Changes take effect in memory at once and are on the platter when the returned promise resolves.
 */
export class LeaderEpochFileCache {
  readonly #checkpoint: CheckpointFile<EpochEntry>
  #entries: EpochEntry[]

  private constructor(checkpoint: CheckpointFile<EpochEntry>, entries: EpochEntry[]) {
    this.#checkpoint = checkpoint
    this.#entries = []
    for (const entry of entries) this.#assign(entry)
  }

  /** Reads what the checkpoint holds. */
  static async open(checkpoint: CheckpointFile<EpochEntry>): Promise<LeaderEpochFileCache> {
    return new LeaderEpochFileCache(checkpoint, await checkpoint.read())
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  /** The newest epoch, undefined when the log holds none. */
  get latestEpoch(): number | undefined {
    return this.#entries.at(-1)?.epoch
  }

  get latestEntry(): EpochEntry | undefined {
    return this.#entries.at(-1)
  }

  get earliestEntry(): EpochEntry | undefined {
    return this.#entries[0]
  }

  /** Whether `assign` would change anything; the hot path asks first. */
  needsAssign(epoch: number, startOffset: number): boolean {
    const latest = this.#entries.at(-1)
    return latest === undefined || epoch !== latest.epoch || startOffset < latest.startOffset
  }

  /**
   * Notes that `epoch` begins at `startOffset`. Entries that contradict it (a later epoch, or the same or a later offset)
   * go, since the newer word is the truth.
   */
  async assign(epoch: number, startOffset: number): Promise<void> {
    if (this.assignInMemory(epoch, startOffset)) await this.flush()
  }

  /** As `assign`, but leaves writing it to a later `flush`. Returns whether anything changed. */
  assignInMemory(epoch: number, startOffset: number): boolean {
    if (epoch < 0 || startOffset < 0) {
      throw new RangeError(`leader epoch ${epoch} at offset ${startOffset}: neither may be negative`)
    }
    if (!this.needsAssign(epoch, startOffset)) return false
    this.#assign({ epoch, startOffset })
    return true
  }

  /** Writes all entries. */
  flush(): Promise<void> {
    return this.#checkpoint.write(this.#entries)
  }

  /**
   * Up to where the log agrees with one that was at `requestedEpoch`: the largest epoch not above it that this log knows,
   * and the offset at which the next one begins (the log end offset for the newest). (-1, -1) when nothing is known.
   */
  endOffsetFor(requestedEpoch: number, logEndOffset: number): EpochAndOffset {
    if (requestedEpoch === UNDEFINED_EPOCH) return { epoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET }
    if (requestedEpoch === this.latestEpoch) return { epoch: requestedEpoch, endOffset: logEndOffset }
    const higherIndex = this.#entries.findIndex(entry => entry.epoch > requestedEpoch)
    const higher = this.#entries[higherIndex]
    if (higher === undefined) return { epoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET }
    const floor = this.#entries[higherIndex - 1]
    return { epoch: floor?.epoch ?? requestedEpoch, endOffset: higher.startOffset }
  }

  /** The epoch that wrote an offset, undefined when the log does not reach back that far. */
  epochForOffset(offset: number): number | undefined {
    return this.#entries.findLast(entry => entry.startOffset <= offset)?.epoch
  }

  /** The records from `endOffset` on are gone. */
  async truncateFromEnd(endOffset: number): Promise<void> {
    const kept = this.#entries.filter(entry => entry.startOffset < endOffset)
    if (kept.length === this.#entries.length) return
    this.#entries = kept
    await this.flush()
  }

  /** The records below `startOffset` are gone: the epoch that holds it begins there now. */
  async truncateFromStart(startOffset: number): Promise<void> {
    const index = this.#entries.findLastIndex(entry => entry.startOffset <= startOffset)
    const holder = this.#entries[index]
    if (holder === undefined || (index === 0 && holder.startOffset === startOffset)) return
    this.#entries = [{ epoch: holder.epoch, startOffset }, ...this.#entries.slice(index + 1)]
    await this.flush()
  }

  async clearAndFlush(): Promise<void> {
    this.#entries = []
    await this.flush()
  }

  #assign(entry: EpochEntry): void {
    while (this.#entries.length > 0) {
      const last = this.#entries.at(-1)
      if (last === undefined || (last.epoch < entry.epoch && last.startOffset < entry.startOffset)) break
      this.#entries.pop()
    }
    this.#entries.push(entry)
  }
}
