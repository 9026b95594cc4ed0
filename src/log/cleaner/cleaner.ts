import { CorruptRecordError } from '../../protocol/records/errors.ts'
import { BATCH_OVERHEAD } from '../../protocol/records/layout.ts'
import type { RecordBatchView } from '../../protocol/records/record-batch-view.ts'
import { DiskError } from '../../runtime/disk.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ScannedBatch } from '../batch-scanner.ts'
import { LogSegment } from '../log-segment.ts'
import type { UnifiedLog } from '../unified-log.ts'
import { CleanerStats } from './cleaner-stats.ts'
import { filterBatch, type RecordFilter } from './filter-batch.ts'
import { groupSegmentsBySize } from './group-segments.ts'
import type { LogToClean } from './log-to-clean.ts'
import type { SkimpyOffsetMap } from './skimpy-offset-map.ts'
import type { Throttler } from './throttler.ts'

export interface CleanerOptions {
  readonly offsetMap: SkimpyOffsetMap
  /** Bytes read at once; a larger batch is read whole. */
  readonly ioBufferSize: number
  /** Share of the map that keys may fill. */
  readonly dupBufferLoadFactor: number
  readonly throttler: Throttler
  /** Throws when the cleaning of the log (`orders-0`) is to end; asked before every read. */
  readonly checkDone: (name: string) => void
}

export interface CleanResult {
  /** The first offset that was not cleaned. */
  readonly endOffset: number
  readonly stats: CleanerStats
}

/**
 * Rewrites a log so that only the last record of each key is left (Kafka's Cleaner). First the keys of the dirty part go to
 * the offset map, as many as fit; then all segments up to there are copied without the records that a later one
 * supersedes, and put in the place of the old ones, group by group.
 *
 * Not here: which transactions were aborted. There are none yet; control batches stay.
 */
export class Cleaner {
  readonly #runtime: Runtime
  readonly #options: CleanerOptions

  /** Throws RangeError when the map has no room for a single key. */
  constructor(runtime: Runtime, options: CleanerOptions) {
    const { offsetMap, dupBufferLoadFactor } = options
    if (!(offsetMap.slots * dupBufferLoadFactor > 1)) {
      throw new RangeError(
        `an offset map of ${offsetMap.slots} slots, filled to ${dupBufferLoadFactor}, has no room for a key: raise ` +
          'log.cleaner.dedupe.buffer.size or lower log.cleaner.threads',
      )
    }
    this.#runtime = runtime
    this.#options = options
  }

  /**
   * Cleans a log once. Rejects with what `checkDone` throws, with `DiskError`, and with the errors of record batches where a
   * segment holds what is none; segments that were replaced until then stay replaced.
   */
  async clean(cleanable: LogToClean): Promise<CleanResult> {
    const { log, firstDirtyOffset, firstUncleanableOffset } = cleanable
    const { offsetMap } = this.#options
    const stats = new CleanerStats(this.#runtime.clock)
    const nowMs = this.#runtime.clock.wallMs()
    try {
      await this.#buildOffsetMap(log, firstDirtyOffset, firstUncleanableOffset, stats)
      const endOffset = offsetMap.latestOffset + 1
      const groups = groupSegmentsBySize(log.segmentsBetween(0, endOffset), {
        maxSizeBytes: log.config.segmentBytes,
        maxIndexBytes: log.config.segmentIndexBytes,
        firstUncleanableOffset,
      })
      for (const group of groups) await this.#cleanSegments(log, group, firstUncleanableOffset, nowMs, stats)
      stats.bufferUtilization = offsetMap.utilization
      stats.allDone()
      return { endOffset, stats }
    } finally {
      offsetMap.clear()
    }
  }

  async #buildOffsetMap(log: UnifiedLog, start: number, end: number, stats: CleanerStats): Promise<void> {
    const { offsetMap } = this.#options
    offsetMap.clear()
    const dirty = log.segmentsBetween(start, end)
    for (const [index, segment] of dirty.entries()) {
      if (await this.#isFullAfter(log, segment, start, stats)) return
      // Also over a gap at the segment's end.
      offsetMap.updateLatestOffset((dirty[index + 1]?.baseOffset ?? end) - 1)
    }
  }

  /** Puts a segment's keys into the map. Returns whether it was full before all were in. */
  async #isFullAfter(log: UnifiedLog, segment: LogSegment, start: number, stats: CleanerStats): Promise<boolean> {
    const { offsetMap, dupBufferLoadFactor } = this.#options
    const maxKeys = Math.floor(offsetMap.slots * dupBufferLoadFactor)
    const from = segment.offsetIndex.lookup(start).position
    for await (const chunk of this.#chunks(log, segment, from)) {
      const bytes = sizeOf(chunk)
      await this.#options.throttler.maybeThrottle(bytes)
      for (const { batch } of chunk) {
        const { baseOffset, lastOffset } = batch
        if (!batch.isControl) {
          const cursor = batch.cursor()
          while (cursor.next()) {
            const { key } = cursor
            const offset = baseOffset + cursor.offsetDelta
            if (key !== null && offset >= start) {
              if (offsetMap.size >= maxKeys) return true
              offsetMap.put(key, offset)
            }
            stats.mapMessagesRead++
          }
        }
        if (lastOffset >= start) offsetMap.updateLatestOffset(lastOffset)
      }
      stats.mapBytesRead += bytes
    }
    return false
  }

  /** Writes a group of segments into one, which takes their place. */
  async #cleanSegments(
    log: UnifiedLog,
    group: readonly LogSegment[],
    upperBoundOffset: number,
    nowMs: number,
    stats: CleanerStats,
  ): Promise<void> {
    const [first] = group
    const last = group.at(-1)
    if (first === undefined || last === undefined) return
    const cleaned = await LogSegment.createCleaned(this.#runtime, log.directory, first.baseOffset, log.config)
    try {
      const filter = this.#filterFor(log, upperBoundOffset, nowMs, stats)
      for (const segment of group) await this.#cleanInto(log, segment, cleaned, filter, stats)
      await cleaned.onBecomeInactiveSegment()
      await cleaned.flush()
      cleaned.inheritAge(last)
    } catch (error) {
      // After a disk error the directory is offline; what is left over is removed at the next start.
      if (!(error instanceof DiskError)) await cleaned.deleteFiles()
      throw error
    }
    await log.replaceSegments(cleaned, group)
  }

  #filterFor(log: UnifiedLog, upperBoundOffset: number, nowMs: number, stats: CleanerStats): RecordFilter {
    const { offsetMap } = this.#options
    const lastRecords = log.lastRecordsOfActiveProducers()
    return {
      nowMs,
      deleteRetentionMs: log.config.deleteRetentionMs,
      mustRetainBatch: batch => {
        // The last batch of a round tells how far the log goes; that of a producer, its last sequence number.
        if (batch.nextOffset === upperBoundOffset) return true
        return batch.hasProducerId && lastRecords.get(batch.producerId) === batch.lastOffset
      },
      shouldRetainRecord: (batch, offset, record) => {
        if (batch.isControl || offset > offsetMap.latestOffset) return true
        const { key } = record
        if (key === null) {
          stats.invalidMessagesRead++
          return false
        }
        if (offset < offsetMap.get(key)) return false
        const { deleteHorizonMs } = batch
        return record.valueLength >= 0 || deleteHorizonMs === null || nowMs < deleteHorizonMs
      },
    }
  }

  async #cleanInto(
    log: UnifiedLog,
    source: LogSegment,
    destination: LogSegment,
    filter: RecordFilter,
    stats: CleanerStats,
  ): Promise<void> {
    const { throttler } = this.#options
    for await (const chunk of this.#chunks(log, source, 0)) {
      const bytes = sizeOf(chunk)
      await throttler.maybeThrottle(bytes)
      stats.bytesRead += bytes
      const kept: RecordBatchView[] = []
      for (const { batch } of chunk) {
        const filtered = filterBatch(batch, filter)
        stats.messagesRead += filtered.recordsRead
        stats.messagesWritten += filtered.recordsRetained
        if (filtered.batch !== null) kept.push(filtered.batch)
      }
      const last = kept.at(-1)
      if (last === undefined) continue
      const output = Buffer.concat(kept.map(batch => batch.bytes()))
      // Nobody else knows the new segment yet: no lock is needed.
      await destination.append(last.lastOffset, output)
      stats.bytesWritten += output.length
      await throttler.maybeThrottle(output.length)
    }
  }

  /** The batches of a segment by reads, all of them: throws `CorruptRecordError` where the last one is not whole. */
  async *#chunks(log: UnifiedLog, segment: LogSegment, from: number): AsyncGenerator<readonly ScannedBatch[]> {
    const { checkDone, ioBufferSize } = this.#options
    checkDone(log.name)
    let end = from
    for await (const chunk of segment.scanChunks(from, Math.max(ioBufferSize, BATCH_OVERHEAD))) {
      yield chunk
      const last = chunk.at(-1)
      if (last !== undefined) end = last.position + last.batch.sizeInBytes
      checkDone(log.name)
    }
    if (end < segment.size) {
      throw new CorruptRecordError(`${segment} ends with ${segment.size - end} bytes that are no whole batch`)
    }
  }
}

function sizeOf(chunk: readonly ScannedBatch[]): number {
  const first = chunk[0]
  const last = chunk.at(-1)
  return first === undefined || last === undefined ? 0 : last.position + last.batch.sizeInBytes - first.position
}
