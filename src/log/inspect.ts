import { RecordsError } from '../protocol/records/errors.ts'
import { BATCH_OVERHEAD } from '../protocol/records/layout.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { Disk } from '../runtime/disk.ts'
import { scanBatches } from './batch-scanner.ts'
import { type IndexedBatch, inspectOffsetIndex, inspectTimeIndex } from './inspect-index.ts'
import { type EpochEntry, LEADER_EPOCH_CHECKPOINT_FILE, parseEpochLine } from './leader-epoch-checkpoint-file.ts'
import { CorruptSnapshotError } from './log-errors.ts'
import {
  filenamePrefixFromOffset,
  INDEX_FILE_SUFFIX,
  joinPath,
  LOG_FILE_SUFFIX,
  offsetFromFileName,
  PRODUCER_SNAPSHOT_FILE_SUFFIX,
  TIME_INDEX_FILE_SUFFIX,
} from './log-file-utils.ts'
import { decodeProducerSnapshot } from './producer-snapshot.ts'

/** Something in a file that is not as a sound log has it. */
export interface LogFinding {
  /** Name in the directory. */
  readonly file: string
  readonly message: string
  /** The leader-epoch checkpoint has another epoch for a batch than the batch itself: what the history of the log may explain. */
  readonly contradictsEpochs?: true
}

export interface SegmentReport {
  readonly baseOffset: number
  readonly sizeInBytes: number
  readonly batchCount: number
  readonly recordCount: number
  /** The offset after the last sound batch. */
  readonly nextOffset: number
}

export interface LogDirectoryReport {
  readonly findings: readonly LogFinding[]
  /** By base offset. */
  readonly segments: readonly SegmentReport[]
  /** The offset after the last sound batch; 0 without segments. */
  readonly logEndOffset: number
}

export interface InspectOptions {
  /** Compaction leaves gaps between offsets. Default false. */
  readonly compacted?: boolean
}

/** Findings beyond this number are not collected: a damaged file says the same at every byte. */
const MAX_FINDINGS = 1000

/**
 * Reads a partition's directory as it lies on disk, without opening it as a log, and names everything that is not sound:
 * torn or corrupt batches, gaps between offsets, epochs that fall, index entries that lead nowhere, snapshots and
 * checkpoints that do not match. For a log that is not being written to. Rejects with `DiskError`.
 */
export function readLogDirectory(
  disk: Disk,
  directory: string,
  options: InspectOptions = {},
): Promise<LogDirectoryReport> {
  return new LogInspection(disk, directory, options.compacted ?? false).run()
}

class LogInspection {
  readonly #disk: Disk
  readonly #directory: string
  readonly #compacted: boolean
  readonly #findings: LogFinding[] = []
  readonly #segments: SegmentReport[] = []
  #nextOffset: number | undefined
  #leaderEpoch = -1
  #epochs: readonly EpochEntry[] = []

  constructor(disk: Disk, directory: string, compacted: boolean) {
    this.#disk = disk
    this.#directory = directory
    this.#compacted = compacted
  }

  async run(): Promise<LogDirectoryReport> {
    const names = await this.#disk.list(this.#directory)
    this.#epochs = await this.#readEpochs(names)
    for (const name of names) {
      const baseOffset = offsetFromFileName(name, LOG_FILE_SUFFIX)
      if (baseOffset !== undefined) await this.#inspectSegment(name, baseOffset, names)
      if (offsetFromFileName(name, PRODUCER_SNAPSHOT_FILE_SUFFIX) !== undefined) await this.#inspectSnapshot(name)
    }
    return { findings: this.#findings, segments: this.#segments, logEndOffset: this.#nextOffset ?? 0 }
  }

  async #inspectSegment(name: string, baseOffset: number, names: readonly string[]): Promise<void> {
    const expected = this.#nextOffset
    if (expected !== undefined && (this.#compacted ? baseOffset < expected : baseOffset !== expected)) {
      this.#find(name, `begins at offset ${baseOffset}, the segment before ends at ${expected}`)
    }
    this.#nextOffset = baseOffset
    const found: IndexedBatch[] = []
    let recordCount = 0
    let validBytes = 0
    const file = await this.#disk.open(joinPath(this.#directory, name))
    try {
      for await (const { batch, position } of scanBatches(file, 0, file.size)) {
        recordCount += this.#inspectBatch(name, batch, position)
        found.push({ position, lastOffset: batch.lastOffset, maxTimestamp: batch.maxTimestamp })
        validBytes = position + batch.sizeInBytes
      }
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error
      this.#find(name, error.message)
    }
    const sizeInBytes = file.size
    await file.close()
    if (validBytes < sizeInBytes) {
      const rest = sizeInBytes - validBytes
      const what = rest < BATCH_OVERHEAD ? 'less than the header of a batch' : 'no whole batch'
      this.#find(name, `the last ${rest} bytes, from ${validBytes} on, are ${what}`)
    }
    const nextOffset = this.#nextOffset ?? baseOffset
    this.#segments.push({ baseOffset, sizeInBytes, batchCount: found.length, recordCount, nextOffset })
    await this.#inspectIndexes(baseOffset, found, names)
  }

  #inspectBatch(name: string, batch: RecordBatchView, position: number): number {
    const where = `batch at byte ${position}`
    if (!batch.isValidCrc()) this.#find(name, `${where}: wrong checksum`)
    const { baseOffset, partitionLeaderEpoch } = batch
    const expected = this.#nextOffset ?? 0
    if (this.#compacted ? baseOffset < expected : baseOffset !== expected) {
      this.#find(name, `${where}: begins at offset ${baseOffset}, expected ${expected}`)
    }
    if (partitionLeaderEpoch < this.#leaderEpoch) {
      this.#find(name, `${where}: leader epoch ${partitionLeaderEpoch} after epoch ${this.#leaderEpoch}`)
    }
    this.#leaderEpoch = Math.max(this.#leaderEpoch, partitionLeaderEpoch)
    const holder = this.#epochs.findLast(entry => entry.startOffset <= baseOffset)
    if (holder !== undefined && holder.epoch !== partitionLeaderEpoch) {
      const message = `${where}: leader epoch ${partitionLeaderEpoch}, ${LEADER_EPOCH_CHECKPOINT_FILE} has epoch ${holder.epoch}`
      this.#add({ file: name, message, contradictsEpochs: true })
    }
    this.#nextOffset = batch.nextOffset
    return this.#inspectRecords(name, batch, where)
  }

  #inspectRecords(name: string, batch: RecordBatchView, where: string): number {
    let count = 0
    let expected = batch.baseOffset
    try {
      for (const { offset } of batch.records()) {
        const sound = this.#compacted ? offset >= expected : offset === expected
        if (!sound) this.#find(name, `${where}: record with offset ${offset}, expected ${expected}`)
        expected = offset + 1
        count++
      }
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error
      this.#find(name, `${where}: ${error.message}`)
    }
    if (!this.#compacted && count > 0 && expected !== batch.nextOffset) {
      this.#find(name, `${where}: records end at offset ${expected - 1}, the batch at ${batch.lastOffset}`)
    }
    return count
  }

  async #inspectIndexes(baseOffset: number, found: readonly IndexedBatch[], names: readonly string[]): Promise<void> {
    const stem = filenamePrefixFromOffset(baseOffset)
    const checks = [
      { name: stem + INDEX_FILE_SUFFIX, inspect: inspectOffsetIndex },
      { name: stem + TIME_INDEX_FILE_SUFFIX, inspect: inspectTimeIndex },
    ]
    for (const { name, inspect } of checks) {
      if (!names.includes(name)) {
        this.#find(name, 'is missing')
        continue
      }
      for (const message of inspect(await this.#readFile(name), baseOffset, found)) this.#find(name, message)
    }
  }

  async #inspectSnapshot(name: string): Promise<void> {
    try {
      decodeProducerSnapshot(await this.#readFile(name), name)
    } catch (error) {
      if (!(error instanceof CorruptSnapshotError)) throw error
      this.#find(name, error.message)
    }
  }

  async #readEpochs(names: readonly string[]): Promise<EpochEntry[]> {
    if (!names.includes(LEADER_EPOCH_CHECKPOINT_FILE)) return []
    const lines = (await this.#readFile(LEADER_EPOCH_CHECKPOINT_FILE)).toString('utf8').trimEnd().split('\n')
    const entries: EpochEntry[] = []
    for (const line of lines.slice(2)) {
      const entry = parseEpochLine(line)
      const last = entries.at(-1)
      if (entry === undefined) {
        this.#find(LEADER_EPOCH_CHECKPOINT_FILE, `line ${JSON.stringify(line)} is malformed`)
      } else if (last !== undefined && (entry.epoch <= last.epoch || entry.startOffset <= last.startOffset)) {
        this.#find(LEADER_EPOCH_CHECKPOINT_FILE, `line ${JSON.stringify(line)} does not rise above the one before`)
      } else {
        entries.push(entry)
      }
    }
    if (lines[0] !== '0' || lines[1] !== String(lines.length - 2)) {
      this.#find(LEADER_EPOCH_CHECKPOINT_FILE, 'version or number of entries is wrong')
    }
    return entries
  }

  async #readFile(name: string): Promise<Buffer> {
    const file = await this.#disk.open(joinPath(this.#directory, name))
    try {
      return await file.read(0, file.size)
    } finally {
      await file.close()
    }
  }

  #find(file: string, message: string): void {
    this.#add({ file, message })
  }

  #add(finding: LogFinding): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding)
  }
}
