import { OFFSET_INDEX_ENTRY_BYTES } from './offset-index.ts'
import { TIME_INDEX_ENTRY_BYTES } from './time-index.ts'

/** A batch of the segment that an index belongs to. */
export interface IndexedBatch {
  readonly position: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

/** What is wrong with an offset index: entries must rise and lead to the beginning of the batch with their offset. */
export function* inspectOffsetIndex(
  bytes: Buffer,
  baseOffset: number,
  batches: readonly IndexedBatch[],
): Generator<string> {
  if (bytes.length % OFFSET_INDEX_ENTRY_BYTES !== 0) yield `${bytes.length} bytes are no whole number of entries`
  const byPosition = new Map(batches.map(batch => [batch.position, batch]))
  let previous = -1
  for (let at = 0; at + OFFSET_INDEX_ENTRY_BYTES <= bytes.length; at += OFFSET_INDEX_ENTRY_BYTES) {
    const offset = baseOffset + bytes.readInt32BE(at)
    const position = bytes.readInt32BE(at + 4)
    const what = `entry ${at / OFFSET_INDEX_ENTRY_BYTES} (offset ${offset}, position ${position})`
    if (offset <= previous) yield `${what} does not rise above offset ${previous}`
    previous = offset
    const batch = byPosition.get(position)
    if (batch === undefined) yield `${what} leads to no batch`
    else if (batch.lastOffset !== offset) yield `${what} leads to a batch that ends at offset ${batch.lastOffset}`
  }
}

/** What is wrong with a time index: entries must rise and tell the largest timestamp up to their offset. */
export function* inspectTimeIndex(
  bytes: Buffer,
  baseOffset: number,
  batches: readonly IndexedBatch[],
): Generator<string> {
  if (bytes.length % TIME_INDEX_ENTRY_BYTES !== 0) yield `${bytes.length} bytes are no whole number of entries`
  let previous = -1n
  let next = 0
  let largest = -1
  for (let at = 0; at + TIME_INDEX_ENTRY_BYTES <= bytes.length; at += TIME_INDEX_ENTRY_BYTES) {
    const timestamp = bytes.readBigInt64BE(at)
    const offset = baseOffset + bytes.readInt32BE(at + 8)
    const what = `entry ${at / TIME_INDEX_ENTRY_BYTES} (${timestamp} ms, offset ${offset})`
    if (timestamp <= previous) yield `${what} does not rise above ${previous} ms`
    previous = timestamp
    for (let batch = batches[next]; batch !== undefined && batch.lastOffset <= offset; batch = batches[++next]) {
      largest = Math.max(largest, batch.maxTimestamp)
    }
    if (BigInt(largest) !== timestamp) yield `${what}: the largest timestamp up to there is ${largest} ms`
  }
}
