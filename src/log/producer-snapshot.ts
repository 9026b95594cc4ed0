import { crc32c } from '@node-rs/crc32'
import { readInt64, writeInt64 } from '../protocol/records/int64.ts'
import { CorruptSnapshotError } from './log-errors.ts'
import { ProducerStateEntry } from './producer-state-entry.ts'

/**
 * A producer snapshot file (Kafka's ProducerSnapshot):
 *
 * ```
 * Snapshot => version crc [Entry]
 *   version => INT16 (1)
 *   crc => UINT32             CRC-32C of everything after it
 *   Entry => producerId:INT64 epoch:INT16 lastSequence:INT32 lastOffset:INT64 offsetDelta:INT32 timestamp:INT64
 *            coordinatorEpoch:INT32 currentTxnFirstOffset:INT64
 * ```
 */
const VERSION = 1
const CRC_AT = 2
const ENTRIES_AT = 6
const FIRST_ENTRY_AT = 10
const ENTRY_BYTES = 46

export function encodeProducerSnapshot(entries: readonly ProducerStateEntry[]): Buffer {
  const buffer = Buffer.alloc(FIRST_ENTRY_AT + entries.length * ENTRY_BYTES)
  buffer.writeInt16BE(VERSION, 0)
  buffer.writeInt32BE(entries.length, ENTRIES_AT)
  let at = FIRST_ENTRY_AT
  for (const entry of entries) {
    writeInt64(buffer, entry.producerId, at)
    buffer.writeInt16BE(entry.producerEpoch, at + 8)
    buffer.writeInt32BE(entry.lastSequence, at + 10)
    writeInt64(buffer, entry.lastDataOffset, at + 14)
    buffer.writeInt32BE(entry.lastOffsetDelta, at + 22)
    writeInt64(buffer, entry.lastTimestamp, at + 26)
    buffer.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(buffer, entry.currentTxnFirstOffset, at + 38)
    at += ENTRY_BYTES
  }
  buffer.writeUInt32BE(crc32c(buffer.subarray(ENTRIES_AT)), CRC_AT)
  return buffer
}

/** Throws `CorruptSnapshotError` for bytes that are no snapshot. `path` is for its message. */
export function decodeProducerSnapshot(buffer: Buffer, path: string): ProducerStateEntry[] {
  if (buffer.length < FIRST_ENTRY_AT) throw new CorruptSnapshotError(path, `${buffer.length} bytes are too few`)
  const version = buffer.readInt16BE(0)
  if (version !== VERSION) throw new CorruptSnapshotError(path, `version ${version} is unknown, expected ${VERSION}`)
  if (buffer.readUInt32BE(CRC_AT) !== crc32c(buffer.subarray(ENTRIES_AT))) {
    throw new CorruptSnapshotError(path, 'the checksum does not match')
  }
  const count = buffer.readInt32BE(ENTRIES_AT)
  if (FIRST_ENTRY_AT + count * ENTRY_BYTES !== buffer.length) {
    throw new CorruptSnapshotError(path, `${count} entries do not take ${buffer.length} bytes`)
  }
  const entries: ProducerStateEntry[] = []
  for (let at = FIRST_ENTRY_AT; at < buffer.length; at += ENTRY_BYTES) entries.push(decodeEntry(buffer, at))
  return entries
}

function decodeEntry(buffer: Buffer, at: number): ProducerStateEntry {
  const lastOffset = readInt64(buffer, at + 14, 'lastOffset')
  const timestamp = readInt64(buffer, at + 26, 'timestamp')
  const batch = {
    lastSequence: buffer.readInt32BE(at + 10),
    lastOffset,
    offsetDelta: buffer.readInt32BE(at + 22),
    timestamp,
  }
  return new ProducerStateEntry(
    readInt64(buffer, at, 'producerId'),
    buffer.readInt16BE(at + 8),
    lastOffset >= 0 ? [batch] : [],
    timestamp,
    buffer.readInt32BE(at + 34),
    readInt64(buffer, at + 38, 'currentTxnFirstOffset'),
  )
}
