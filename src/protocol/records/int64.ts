import { CorruptRecordError } from './errors.ts'

const TWO_POW_32 = 4_294_967_296

/** Reads a big-endian int64; a value beyond ±(2^53 − 1) is a `CorruptRecordError` that names `field`. */
export function readInt64(buffer: Buffer, position: number, field: string): number {
  const value = buffer.readInt32BE(position) * TWO_POW_32 + buffer.readUInt32BE(position + 4)
  if (!Number.isSafeInteger(value)) {
    throw new CorruptRecordError(`${field} ${buffer.readBigInt64BE(position)} is beyond ±(2^53 - 1)`)
  }
  return value
}

/** Writes a safe integer as a big-endian int64. */
export function writeInt64(buffer: Buffer, value: number, position: number): void {
  const high = Math.floor(value / TWO_POW_32)
  buffer.writeInt32BE(high, position)
  buffer.writeUInt32BE(value - high * TWO_POW_32, position + 4)
}
