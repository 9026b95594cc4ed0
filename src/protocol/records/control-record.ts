import { InvalidRecordError } from './errors.ts'

/** Kinds of control records, by the number in their key (Kafka's ControlRecordType). */
export const CONTROL_RECORD_TYPES = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
] as const

export type ControlRecordType = (typeof CONTROL_RECORD_TYPES)[number]

const KEY_BYTES = 4
const KEY_VERSION = 0
const MARKER_BYTES = 6
const MARKER_VERSION = 0

/** The key of a control record: `version:INT16 type:INT16`. */
export function encodeControlKey(type: ControlRecordType): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES)
  key.writeInt16BE(KEY_VERSION, 0)
  key.writeInt16BE(CONTROL_RECORD_TYPES.indexOf(type), 2)
  return key
}

/** The kind of a control record, `UNKNOWN` for one of a newer Kafka. @throws InvalidRecordError for a malformed key */
export function decodeControlKey(key: Buffer | null): ControlRecordType | 'UNKNOWN' {
  if (key === null || key.length < KEY_BYTES) {
    throw new InvalidRecordError(`control record key of ${key?.length ?? 'no'} bytes, must have at least ${KEY_BYTES}`)
  }
  const version = key.readInt16BE(0)
  if (version < 0) throw new InvalidRecordError(`control record key of version ${version}, must be 0 or above`)
  return CONTROL_RECORD_TYPES[key.readInt16BE(2)] ?? 'UNKNOWN'
}

/** The value of an ABORT or COMMIT marker: `version:INT16 coordinatorEpoch:INT32`. */
export function encodeEndTxnMarker(coordinatorEpoch: number): Buffer {
  const value = Buffer.allocUnsafe(MARKER_BYTES)
  value.writeInt16BE(MARKER_VERSION, 0)
  value.writeInt32BE(coordinatorEpoch, 2)
  return value
}

/** The coordinator epoch of an ABORT or COMMIT marker. @throws InvalidRecordError for a malformed value */
export function decodeEndTxnMarker(value: Buffer | null): number {
  if (value === null || value.length < MARKER_BYTES) {
    throw new InvalidRecordError(
      `transaction marker of ${value?.length ?? 'no'} bytes, must have at least ${MARKER_BYTES}`,
    )
  }
  const version = value.readInt16BE(0)
  if (version < 0) throw new InvalidRecordError(`transaction marker of version ${version}, must be 0 or above`)
  return value.readInt32BE(2)
}
