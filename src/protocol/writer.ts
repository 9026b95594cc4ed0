import { EncodeError } from './protocol-error.ts'
import { STRING_BYTES_MAX } from './reader.ts'
import { writeUuid } from './uuid.ts'

/** A frame's size is an int32 on the wire. */
const FRAME_BYTES_MAX = 2_147_483_647

/** Strings up to this many characters are encoded here when they are ASCII, which is quicker than asking the host. */
const SHORT_STRING_CHARACTERS = 24

/**
 * Writes Kafka's primitive types, big-endian, into a buffer that doubles when it is full, up to what an int32 can count.
 * A value that does not fit its type throws `EncodeError`.
 */
export class Writer {
  #bytes: Buffer
  #position = 0

  constructor(initialBytes = 512) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#position
  }

  /** What was written, as a view: the writer must not be used any more. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#position)
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) fail('int8', value)
    this.#byte(value)
  }

  bool(value: boolean): void {
    this.#byte(value ? 1 : 0)
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) fail('int16', value)
    this.#uint16(value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) fail('uint16', value)
    this.#uint16(value)
  }

  int32(value: number): void {
    if ((value | 0) !== value) fail('int32', value)
    this.#int32At(this.#grow(4), value)
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) fail('uint32', value)
    this.#int32At(this.#grow(4), value | 0)
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) fail('int64 within ±2^53', value)
    const at = this.#grow(8)
    this.#int32At(at, Math.floor(value / 4_294_967_296))
    this.#int32At(at + 4, value | 0)
  }

  /** The reverse of `Reader.int64Saturated`: the largest safe integer becomes 2^63−1, the smallest −2^63. */
  int64Saturated(value: number): void {
    if (value === Number.MAX_SAFE_INTEGER) {
      this.int32(0x7fff_ffff)
      this.int32(-1)
    } else if (value === Number.MIN_SAFE_INTEGER) {
      this.int32(-0x8000_0000)
      this.int32(0)
    } else {
      this.int64(value)
    }
  }

  bigInt64(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) fail('int64', value)
    const at = this.#grow(8)
    this.#bytes.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    if (typeof value !== 'number') fail('float64', value)
    const at = this.#grow(8)
    this.#bytes.writeDoubleBE(value, at)
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  uvarint(value: number): void {
    if (value >>> 0 !== value) fail('uvarint', value)
    let rest = value
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.#byte(rest)
  }

  /** A zigzag-coded 32-bit integer. */
  varint(value: number): void {
    if ((value | 0) !== value) fail('varint', value)
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** A zigzag-coded 64-bit integer. */
  varlong(value: number): void {
    if (!Number.isSafeInteger(value)) fail('varlong within ±2^53', value)
    // The coded value is 2 × half + sign and may be beyond 2^53, so its lowest seven bits are taken off first.
    const sign = value < 0 ? 1 : 0
    const half = value < 0 ? -(value + 1) : value
    const lowest = ((half & 0x3f) << 1) | sign
    let rest = Math.floor(half / 64)
    if (rest === 0) {
      this.#byte(lowest)
      return
    }
    this.#byte(lowest | 0x80)
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.#byte(rest)
  }

  /** 16 bytes from Kafka's text form; see `uuid.ts`. */
  uuid(value: string): void {
    const at = this.#grow(16)
    writeUuid(this.#bytes, at, value)
  }

  /** A string before flexible versions: its length as int16, −1 for null. */
  string(value: string | null): void {
    if (value === null) {
      this.#uint16(0xffff)
      return
    }
    if (this.#shortAscii(value, 2)) return
    const length = utf8Length(value)
    this.#uint16(length)
    this.#utf8(value, length)
  }

  /** A string in flexible versions: its length + 1 as uvarint, 0 for null. */
  compactString(value: string | null): void {
    if (value === null) {
      this.#byte(0)
      return
    }
    if (this.#shortAscii(value, 1)) return
    const length = utf8Length(value)
    this.uvarint(length + 1)
    this.#utf8(value, length)
  }

  /** Bytes or records before flexible versions: their length as int32, −1 for null. */
  bytes(value: Uint8Array | null): void {
    this.int32(value === null ? -1 : value.length)
    if (value !== null) this.raw(value)
  }

  /** Bytes or records in flexible versions: their length + 1 as uvarint, 0 for null. */
  compactBytes(value: Uint8Array | null): void {
    this.uvarint(value === null ? 0 : value.length + 1)
    if (value !== null) this.raw(value)
  }

  /** Bytes as they are, with no length before them. */
  raw(value: Uint8Array): void {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
  }

  /**
   * Puts the size, as uvarint, before what was written since `start`, moving that if need be: for tagged fields, whose
   * size is known only afterwards.
   */
  insertSize(start: number): void {
    const size = this.#position - start
    const sizeBytes = uvarintBytes(size)
    this.#grow(sizeBytes)
    this.#bytes.copyWithin(start + sizeBytes, start, start + size)
    this.#position = start
    this.uvarint(size)
    this.#position = start + sizeBytes + size
  }

  #grow(length: number): number {
    const at = this.#position
    const needed = at + length
    if (needed > this.#bytes.length) this.#enlarge(needed)
    this.#position = needed
    return at
  }

  #enlarge(needed: number): void {
    if (needed > FRAME_BYTES_MAX)
      throw new EncodeError(`frame of ${needed} bytes, at most ${FRAME_BYTES_MAX} are allowed`)
    const larger = Buffer.allocUnsafe(Math.min(Math.max(needed, 2 * this.#bytes.length), FRAME_BYTES_MAX))
    larger.set(this.#bytes.subarray(0, this.#position), 0)
    this.#bytes = larger
  }

  #byte(value: number): void {
    const at = this.#grow(1) // first, because it may replace the buffer
    this.#bytes[at] = value
  }

  #uint16(value: number): void {
    const at = this.#grow(2)
    this.#bytes[at] = value >> 8
    this.#bytes[at + 1] = value
  }

  #int32At(at: number, value: number): void {
    const bytes = this.#bytes
    bytes[at] = value >> 24
    bytes[at + 1] = value >> 16
    bytes[at + 2] = value >> 8
    bytes[at + 3] = value
  }

  #utf8(value: string, length: number): void {
    const at = this.#grow(length)
    this.#bytes.write(value, at, length, 'utf8')
  }

  /** Writes a short ASCII string with its length; does nothing and returns false when it is not one. */
  #shortAscii(value: string, lengthBytes: 1 | 2): boolean {
    const length = value.length
    if (length > SHORT_STRING_CHARACTERS) return false
    const start = this.#position
    const at = this.#grow(lengthBytes + length) + lengthBytes
    const bytes = this.#bytes
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) {
        this.#position = start
        return false
      }
      bytes[at + index] = code
    }
    if (lengthBytes === 2) bytes[start] = 0
    bytes[at - 1] = lengthBytes === 2 ? length : length + 1
    return true
  }
}

/** Bytes that `Writer.uvarint` uses for a value of 0 to 2^32−1. */
export function uvarintBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

function utf8Length(value: string): number {
  const length = Buffer.byteLength(value, 'utf8')
  if (length > STRING_BYTES_MAX) {
    throw new EncodeError(`string of ${length} bytes, at most ${STRING_BYTES_MAX} are allowed`)
  }
  return length
}

function fail(type: string, value: unknown): never {
  throw new EncodeError(`${typeof value === 'object' ? typeof value : String(value)} is no ${type}`)
}
