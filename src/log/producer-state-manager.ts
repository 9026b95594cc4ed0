import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { AppendOrigin } from './append-origin.ts'
import { readSmallFile, writeFileAtomically } from './atomic-file.ts'
import { CorruptSnapshotError } from './log-errors.ts'
import {
  filenamePrefixFromOffset,
  joinPath,
  offsetFromFileName,
  PRODUCER_SNAPSHOT_FILE_SUFFIX,
} from './log-file-utils.ts'
import { ProducerAppendInfo } from './producer-append-info.ts'
import { decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts'
import { ProducerStateEntry } from './producer-state-entry.ts'

const MAX_SNAPSHOT_BYTES = 512 * 1024 * 1024

export interface ProducerStateManagerConfig {
  /** A producer that has been silent this long is forgotten: `producer.id.expiration.ms`. */
  readonly producerIdExpirationMs: number
}

/**
 * What a partition's log knows of the producers that wrote to it (KIP-98; Kafka's ProducerStateManager): enough to
 * recognise repeated batches and gaps. It is rebuilt from a snapshot file and the records after it. As in Kafka a snapshot
 * holds only the last batch of each producer. Memory: five batches a producer; bounded by expiration only, as in Kafka.
 */
export class ProducerStateManager {
  readonly #runtime: Runtime
  readonly #where: string
  readonly #config: ProducerStateManagerConfig
  readonly #producers = new Map<number, ProducerStateEntry>()
  #directory: string
  /** Offsets of the snapshot files, ascending. */
  #snapshots: number[] = []
  #lastMapOffset = 0
  #lastSnapOffset = 0

  private constructor(runtime: Runtime, where: string, directory: string, config: ProducerStateManagerConfig) {
    this.#runtime = runtime
    this.#where = where
    this.#directory = directory
    this.#config = config
  }

  /** Finds the snapshot files in a partition's directory; loads none yet. @param where the partition, for messages */
  static async open(
    runtime: Runtime,
    where: string,
    directory: string,
    config: ProducerStateManagerConfig,
  ): Promise<ProducerStateManager> {
    const manager = new ProducerStateManager(runtime, where, directory, config)
    for (const name of await runtime.disk.list(directory)) {
      const offset = offsetFromFileName(name, PRODUCER_SNAPSHOT_FILE_SUFFIX)
      if (offset !== undefined) manager.#snapshots.push(offset)
    }
    return manager
  }

  /** Offset up to which the map tells of the log. */
  get mapEndOffset(): number {
    return this.#lastMapOffset
  }

  get isEmpty(): boolean {
    return this.#producers.size === 0
  }

  /** The producers by id, in the order in which they were first seen. */
  get activeProducers(): ReadonlyMap<number, ProducerStateEntry> {
    return this.#producers
  }

  get latestSnapshotOffset(): number | undefined {
    return this.#snapshots.at(-1)
  }

  get snapshotOffsets(): readonly number[] {
    return this.#snapshots
  }

  lastEntry(producerId: number): ProducerStateEntry | undefined {
    return this.#producers.get(producerId)
  }

  /** Begins an append of one producer's batches; `update` makes it count. */
  prepareUpdate(producerId: number, origin: AppendOrigin): ProducerAppendInfo {
    const current = this.#producers.get(producerId) ?? new ProducerStateEntry(producerId)
    return new ProducerAppendInfo(this.#where, current, origin)
  }

  update(appendInfo: ProducerAppendInfo): void {
    const current = this.#producers.get(appendInfo.producerId)
    if (current === undefined) this.#producers.set(appendInfo.producerId, appendInfo.updated)
    else current.update(appendInfo.updated)
  }

  updateMapEndOffset(offset: number): void {
    this.#lastMapOffset = offset
  }

  /** Forgets producers that have been silent for `producer.id.expiration.ms`. */
  removeExpiredProducers(nowMs: number): void {
    for (const [producerId, entry] of this.#producers) {
      if (this.#isExpired(entry, nowMs)) this.#producers.delete(producerId)
    }
  }

  /** Writes a snapshot of the map as it is at `mapEndOffset`, unless there is one. On the platter when it resolves. */
  async takeSnapshot(): Promise<void> {
    if (this.#lastMapOffset <= this.#lastSnapOffset) return
    const offset = this.#lastMapOffset
    const bytes = encodeProducerSnapshot([...this.#producers.values()])
    this.#lastSnapOffset = offset
    // Kafka writes in place; a torn file would be found by its checksum, but one that an earlier process left unsynced in
    // the page cache would be trusted now and be gone after a power failure.
    await writeFileAtomically(this.#runtime.disk, this.#path(offset), bytes)
    this.#snapshots = [...this.#snapshots.filter(known => known !== offset), offset].sort((a, b) => a - b)
  }

  /**
   * Makes the map tell of the log up to at most `logEndOffset`: drops snapshots outside the log and loads the newest sound
   * one left. The caller replays the records from `mapEndOffset` on.
   */
  async truncateAndReload(logStartOffset: number, logEndOffset: number, nowMs: number): Promise<void> {
    for (const offset of [...this.#snapshots]) {
      if (offset > logEndOffset || offset <= logStartOffset) await this.#deleteSnapshot(offset)
    }
    if (logEndOffset === this.#lastMapOffset) {
      this.onLogStartOffsetIncremented(logStartOffset)
    } else {
      this.#producers.clear()
      await this.#loadFromSnapshot(logStartOffset, nowMs)
    }
  }

  /** Forgets everything: the log begins anew at an offset. */
  async truncateFullyAndStartAt(offset: number): Promise<void> {
    this.#producers.clear()
    for (const snapshot of [...this.#snapshots]) await this.#deleteSnapshot(snapshot)
    this.#lastSnapOffset = 0
    this.#lastMapOffset = offset
  }

  onLogStartOffsetIncremented(logStartOffset: number): void {
    this.#lastMapOffset = Math.max(this.#lastMapOffset, logStartOffset)
    this.#lastSnapOffset = this.latestSnapshotOffset ?? logStartOffset
  }

  /** Drops snapshots that belong to no segment, but keeps the newest one if it is newer than all segments' beginnings. */
  async removeStraySnapshots(segmentBaseOffsets: readonly number[]): Promise<void> {
    const newestSegment = segmentBaseOffsets.at(-1) ?? 0
    const latest = this.latestSnapshotOffset
    for (const offset of [...this.#snapshots]) {
      if (segmentBaseOffsets.includes(offset) || (offset === latest && offset > newestSegment)) continue
      await this.#deleteSnapshot(offset)
    }
  }

  /** Removes the snapshot at the beginning of a segment that is deleted. */
  async removeSnapshotAt(offset: number): Promise<void> {
    if (this.#snapshots.includes(offset)) await this.#deleteSnapshot(offset)
  }

  updateParentDir(directory: string): void {
    this.#directory = directory
  }

  async #loadFromSnapshot(logStartOffset: number, nowMs: number): Promise<void> {
    for (let offset = this.latestSnapshotOffset; offset !== undefined; offset = this.latestSnapshotOffset) {
      try {
        for (const entry of await this.#readSnapshot(offset)) {
          if (!this.#isExpired(entry, nowMs)) this.#producers.set(entry.producerId, entry)
        }
        this.#lastSnapOffset = offset
        this.#lastMapOffset = offset
        return
      } catch (error) {
        if (!(error instanceof CorruptSnapshotError)) throw error
        this.#producers.clear()
        await this.#deleteSnapshot(offset)
      }
    }
    this.#lastSnapOffset = logStartOffset
    this.#lastMapOffset = logStartOffset
  }

  async #readSnapshot(offset: number): Promise<ProducerStateEntry[]> {
    const path = this.#path(offset)
    let bytes: Buffer | undefined
    try {
      bytes = await readSmallFile(this.#runtime.disk, path, MAX_SNAPSHOT_BYTES)
    } catch (error) {
      if (error instanceof DiskError) throw error
      throw new CorruptSnapshotError(path, `it is larger than ${MAX_SNAPSHOT_BYTES} bytes`)
    }
    if (bytes === undefined) throw new CorruptSnapshotError(path, 'it has vanished')
    return decodeProducerSnapshot(bytes, path)
  }

  async #deleteSnapshot(offset: number): Promise<void> {
    this.#snapshots = this.#snapshots.filter(known => known !== offset)
    await this.#runtime.disk.remove(this.#path(offset))
  }

  #isExpired(entry: ProducerStateEntry, nowMs: number): boolean {
    return entry.currentTxnFirstOffset < 0 && nowMs - entry.lastTimestamp >= this.#config.producerIdExpirationMs
  }

  #path(offset: number): string {
    return joinPath(this.#directory, filenamePrefixFromOffset(offset) + PRODUCER_SNAPSHOT_FILE_SUFFIX)
  }
}
