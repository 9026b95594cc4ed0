import { Cleaner, type CleanResult } from '../../../src/log/cleaner/cleaner.ts'
import { cleanableOffsets, logToClean } from '../../../src/log/cleaner/log-to-clean.ts'
import { BYTES_PER_ENTRY, SkimpyOffsetMap } from '../../../src/log/cleaner/skimpy-offset-map.ts'
import { Throttler } from '../../../src/log/cleaner/throttler.ts'
import type { LogConfig } from '../../../src/log/log-config.ts'
import type { UnifiedLog } from '../../../src/log/unified-log.ts'
import { type BatchOptions, batches, buildBatch, type RecordBatchView } from '../../../src/protocol/records/batch.ts'
import { commit, config, type LogWorld } from '../log-fixture.ts'

export const START_MS = 1_700_000_000_000

export const COMPACTED: LogConfig = compacted()

export function compacted(settings: Readonly<Record<string, string | number>> = {}): LogConfig {
  return config({ 'cleanup.policy': 'compact', 'index.interval.bytes': 100, ...settings })
}

/** A batch of records written as `key=value`, a tombstone as `key`. */
export function keyed(text: string, options: Partial<BatchOptions> & { readonly timestamp?: number } = {}): Buffer {
  const { timestamp = START_MS, ...rest } = options
  const records = text.split(' ').map(item => {
    const [key = '', value] = item.split('=')
    return { key: Buffer.from(key), value: value === undefined ? null : Buffer.from(value), timestamp }
  })
  return buildBatch({ records, ...rest })
}

/** Appends one batch a text, then begins a new segment; all of it is committed. */
export async function segmentOf(log: UnifiedLog, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) await log.appendAsLeader(keyed(text), 0)
  await log.roll()
  commit(log)
}

export interface CleaningOptions {
  /** What the checkpoint says; by default nothing. */
  readonly from?: number
  /** Keys that have room; default 1000. */
  readonly slots?: number
  readonly ioBufferSize?: number
  readonly checkDone?: (name: string) => void
}

/** Cleans a log once, whether or not it is dirty enough. */
export function clean(world: LogWorld, log: UnifiedLog, options: CleaningOptions = {}): Promise<CleanResult> {
  const { runtime } = world
  const cleaner = new Cleaner(runtime, {
    offsetMap: new SkimpyOffsetMap((options.slots ?? 1000) * BYTES_PER_ENTRY),
    ioBufferSize: options.ioBufferSize ?? 65_536,
    dupBufferLoadFactor: 1,
    throttler: new Throttler(runtime, Number.MAX_VALUE),
    checkDone: options.checkDone ?? (() => undefined),
  })
  const offsets = cleanableOffsets(log, options.from, runtime.clock.wallMs())
  return log.guarded('clean', () => cleaner.clean(logToClean(log, offsets, false)))
}

/** All batches that the log holds from an offset on, as a consumer reads them. */
export async function batchesIn(log: UnifiedLog, from: number = log.logStartOffset): Promise<RecordBatchView[]> {
  const found: RecordBatchView[] = []
  for (let offset = from; offset < log.logEndOffset; ) {
    const { records } = await log.read(offset, 1_048_576, 'log-end', true)
    const read = [...batches(records)]
    if (read.length === 0) break
    found.push(...read)
    offset = read.at(-1)?.nextOffset ?? log.logEndOffset
  }
  return found
}

/** The records as `offset:key=value`, a tombstone as `offset:key`. */
export async function contents(log: UnifiedLog, from: number = log.logStartOffset): Promise<string[]> {
  const views = await batchesIn(log, from)
  return views
    .flatMap(view => [...view.records()])
    .filter(record => record.offset >= from)
    .map(({ offset, key, value }) => `${offset}:${key}${value === null ? '' : `=${value}`}`)
}
