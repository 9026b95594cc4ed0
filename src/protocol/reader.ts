import { ProtocolError } from './protocol-error.ts'
import { formatUuid } from './uuid.ts'

/** Kafka's bound on the length of a string, in bytes of UTF-8: the largest int16. */
export const STRING_BYTES_MAX = 32_767

/**
 * Array elements that one frame may hold in all its arrays together. An element costs more memory decoded than on the
 * wire, so the frame's size alone is no bound. Kafka has no such limit; a full Metadata response of a cluster with
 * 100,000 partitions stays below it.
 */
export const FRAME_ELEMENTS_MAX = 1_048_576

/** Strings up to this many bytes are decoded here when they are ASCII, which is quicker than asking the host. */
const SHORT_STRING_BYTES = 24

/**
 * Reads Kafka's primitive types from a frame, big-endian. Every read is checked against the end of the frame and throws
 * `ProtocolError`. What it returns for bytes and records is a view of the frame, not a copy.
 */
export class Reader {
  readonly #bytes: Buffer
  #position: number
  #end: number
  #elementsLeft = FRAME_ELEMENTS_MAX

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#position = position
    this.#end = end
  }

  /** The next byte's index in the frame. */
  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.#end - this.#position
  }

  int8(): number {
    const at = this.#take(1, 'int8')
    return ((this.#bytes[at] as number) << 24) >> 24
  }

  /** Any byte but zero is true, as in Kafka. */
  bool(): boolean {
    return this.#bytes[this.#take(1, 'bool')] !== 0
  }

  int16(): number {
    const at = this.#take(2, 'int16')
    const bytes = this.#bytes
    return (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number)
  }

  uint16(): number {
    const at = this.#take(2, 'uint16')
    const bytes = this.#bytes
    return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  }

  int32(): number {
    return this.#int32At(this.#take(4, 'int32'))
  }

  uint32(): number {
    return this.#int32At(this.#take(4, 'uint32')) >>> 0
  }

  /** A 64-bit integer as a number; one that a number cannot hold exactly is a `ProtocolError`. */
  int64(): number {
    const at = this.#take(8, 'int64')
    const value = this.#int64At(at)
    if (!Number.isSafeInteger(value))
      throw new ProtocolError(`int64 ${this.#bytes.readBigInt64BE(at)} is beyond ±2^53`, at)
    return value
  }

  /** A 64-bit integer in which the values that a number cannot hold exactly become the nearest one that it can. */
  int64Saturated(): number {
    const value = this.#int64At(this.#take(8, 'int64'))
    if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
    return Math.max(value, Number.MIN_SAFE_INTEGER)
  }

  /** A 64-bit integer, whatever its value. */
  bigInt64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8, 'int64'))
  }

  float64(): number {
    return this.#bytes.readDoubleBE(this.#take(8, 'float64'))
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  uvarint(): number {
    const start = this.#position
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#take(1, 'uvarint')] as number
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ProtocolError('uvarint has more than 32 bits', start)
  }

  /** A zigzag-coded 32-bit integer. */
  varint(): number {
    const coded = this.uvarint()
    return (coded >>> 1) ^ -(coded & 1)
  }

  /** A zigzag-coded 64-bit integer as a number; one that a number cannot hold exactly is a `ProtocolError`. */
  varlong(): number {
    const start = this.#position
    // Three groups of at most 28 bits, because bitwise operators work on 32.
    let low = 0
    let middle = 0
    let high = 0
    for (let index = 0; index < 10; index++) {
      const byte = this.#bytes[this.#take(1, 'varlong')] as number
      const bits = byte & 0x7f
      if (index < 4) low |= bits << (7 * index)
      else if (index < 8) middle |= bits << (7 * (index - 4))
      else high |= bits << (7 * (index - 8))
      if (byte < 0x80) {
        const half = (low >>> 1) + middle * 0x800_0000 + high * 0x80_0000_0000_0000
        const value = (low & 1) === 1 ? -half - 1 : half
        if (!Number.isSafeInteger(value)) throw new ProtocolError('varlong is beyond ±2^53', start)
        return value
      }
    }
    throw new ProtocolError('varlong has more than 64 bits', start)
  }

  /** 16 bytes in Kafka's text form; see `uuid.ts`. */
  uuid(): string {
    return formatUuid(this.#bytes, this.#take(16, 'uuid'))
  }

  /** A length as int16, −1 (any negative, as in Kafka) for null: for strings before flexible versions. */
  stringLength(): number {
    return this.int16()
  }

  /** A length as int32, −1 (any negative, as in Kafka) for null: for arrays, bytes and records before flexible versions. */
  length(): number {
    return this.int32()
  }

  /** A length as uvarint of length + 1; −1 for null: for everything in flexible versions. */
  compactLength(): number {
    return this.uvarint() - 1
  }

  /** `length` bytes of UTF-8. Bytes that are not UTF-8 become U+FFFD, as in Kafka. */
  utf8(length: number): string {
    if (length > STRING_BYTES_MAX) {
      throw new ProtocolError(`string of ${length} bytes, at most ${STRING_BYTES_MAX} are allowed`, this.#position)
    }
    const at = this.#take(length, 'string')
    const end = at + length
    if (length > SHORT_STRING_BYTES) return this.#bytes.toString('utf8', at, end)
    let text = ''
    for (let index = at; index < end; index++) {
      const byte = this.#bytes[index] as number
      if (byte > 0x7f) return this.#bytes.toString('utf8', at, end)
      text += ASCII[byte]
    }
    return text
  }

  /** A view of the next `length` bytes. */
  view(length: number): Buffer {
    const at = this.#take(length, 'bytes')
    return this.#bytes.subarray(at, at + length)
  }

  /** Leaves out the next `length` bytes. */
  skip(length: number): void {
    this.#take(length, 'bytes')
  }

  /**
   * Checks the count of an array before anything is allocated for it.
   * @param bytesMin bytes that one element takes at least, ≥ 1
   */
  checkCount(count: number, bytesMin: number): void {
    if (count * bytesMin > this.remaining) {
      throw new ProtocolError(
        `array of ${count} elements needs ${count * bytesMin} bytes or more, ${this.remaining} are left`,
        this.#position,
      )
    }
    if (count > this.#elementsLeft) {
      throw new ProtocolError(`more than ${FRAME_ELEMENTS_MAX} array elements in one frame`, this.#position)
    }
    this.#elementsLeft -= count
  }

  /** Confines reading to the next `length` bytes; give the result to `leave` when they are read. */
  enter(length: number): number {
    const outerEnd = this.#end
    const end = this.#position + length
    if (length < 0 || end > outerEnd) this.#tooShort(length, 'tagged field')
    this.#end = end
    return outerEnd
  }

  /** Ends what `enter` began; bytes that were not read are a `ProtocolError`. */
  leave(outerEnd: number): void {
    if (this.#position !== this.#end) {
      throw new ProtocolError(`${this.remaining} bytes too many in a tagged field`, this.#position)
    }
    this.#end = outerEnd
  }

  #take(length: number, what: string): number {
    const at = this.#position
    if (length > this.#end - at || length < 0) this.#tooShort(length, what)
    this.#position = at + length
    return at
  }

  #tooShort(length: number, what: string): never {
    const reason =
      length < 0 ? `${what} has length ${length}` : `${what} needs ${length} bytes, ${this.remaining} are left`
    throw new ProtocolError(reason, this.#position)
  }

  #int32At(at: number): number {
    const bytes = this.#bytes
    return (
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)
    )
  }

  #int64At(at: number): number {
    return this.#int32At(at) * 4_294_967_296 + (this.#int32At(at + 4) >>> 0)
  }
}

const ASCII: readonly string[] = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
