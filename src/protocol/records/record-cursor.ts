import { InvalidRecordError } from './errors.ts'
import { MIN_RECORD_BYTES } from './layout.ts'

/** A header of a record. A key that is not UTF-8 is read with replacement characters, as in the Java client. */
export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

const NO_HEADERS: readonly RecordHeader[] = []
const MAX_VARINT_BYTES = 5
const MAX_VARLONG_BYTES = 10

/**
 * Walks over the records of a batch's uncompressed payload without allocating: `next` checks one whole record and
 * leaves its fields here. Every length is checked against the record, every record against the payload.
 */
export class RecordCursor {
  /** Bytes of the record with its length field. */
  sizeInBytes = 0
  timestampDelta = 0
  offsetDelta = 0
  /** −1: null. */
  keyLength = -1
  /** −1: null. */
  valueLength = -1
  readonly #bytes: Buffer
  readonly #end: number
  readonly #count: number
  #read = 0
  #position: number
  #recordEnd = 0
  #afterOffsetDeltaAt = 0
  #keyAt = 0
  #valueAt = 0
  #headersAt = 0
  #headerCount = 0

  /** Over the `count` records that must fill `bytes` from `position` to the end exactly. */
  constructor(bytes: Buffer, position: number, end: number, count: number) {
    if (count < 0) throw new InvalidRecordError(`a batch of ${count} records`)
    if (count * MIN_RECORD_BYTES > end - position) {
      throw new InvalidRecordError(`${count} records cannot be in ${end - position} bytes, a record takes at least 7`)
    }
    this.#bytes = bytes
    this.#position = position
    this.#end = end
    this.#count = count
  }

  /** Moves to the next record; false after the last. Throws `InvalidRecordError`. */
  next(): boolean {
    if (this.#read === this.#count) {
      // A batch without records (compacted away) is read as such whatever follows its header, as in Kafka.
      if (this.#position !== this.#end && this.#count > 0) {
        throw new InvalidRecordError(`${this.#end - this.#position} bytes are left after the ${this.#count} records`)
      }
      return false
    }
    const start = this.#position
    this.#recordEnd = this.#end
    const length = this.#varint('record length')
    if (length < 0 || length > this.#end - this.#position) {
      throw this.#invalid(`record of ${length} bytes where ${this.#end - this.#position} are left`)
    }
    this.#recordEnd = this.#position + length
    this.sizeInBytes = this.#recordEnd - start
    this.#fields()
    this.#read++
    return true
  }

  get key(): Buffer | null {
    return this.keyLength < 0 ? null : this.#bytes.subarray(this.#keyAt, this.#keyAt + this.keyLength)
  }

  get value(): Buffer | null {
    return this.valueLength < 0 ? null : this.#bytes.subarray(this.#valueAt, this.#valueAt + this.valueLength)
  }

  /** The record's bytes after its offset delta: key, value and headers as they stand. */
  get afterOffsetDelta(): Buffer {
    return this.#bytes.subarray(this.#afterOffsetDeltaAt, this.#recordEnd)
  }

  get headers(): readonly RecordHeader[] {
    if (this.#headerCount === 0) return NO_HEADERS
    const after = this.#position
    this.#position = this.#headersAt
    const headers: RecordHeader[] = []
    for (let i = 0; i < this.#headerCount; i++) {
      const keyLength = this.#length('header key length')
      const key = this.#bytes.toString('utf8', this.#position, this.#position + keyLength)
      this.#position += keyLength
      const valueLength = this.#length('header value length')
      const value = valueLength < 0 ? null : this.#bytes.subarray(this.#position, this.#position + valueLength)
      this.#position += Math.max(valueLength, 0)
      headers.push({ key, value })
    }
    this.#position = after
    return headers
  }

  #fields(): void {
    this.#byte('attributes')
    this.timestampDelta = this.#varlong('timestamp delta')
    this.offsetDelta = this.#varint('offset delta')
    this.#afterOffsetDeltaAt = this.#position
    this.keyLength = this.#length('key length')
    this.#keyAt = this.#position
    this.#position += Math.max(this.keyLength, 0)
    this.valueLength = this.#length('value length')
    this.#valueAt = this.#position
    this.#position += Math.max(this.valueLength, 0)
    const count = this.#varint('header count')
    if (count < 0) throw this.#invalid(`${count} headers`)
    this.#headersAt = this.#position
    this.#headerCount = count
    for (let i = 0; i < count; i++) this.#skipHeader()
    if (this.#position !== this.#recordEnd) {
      throw this.#invalid(`${this.#recordEnd - this.#position} bytes are left after the record's last header`)
    }
  }

  #skipHeader(): void {
    const keyLength = this.#length('header key length')
    if (keyLength < 0) throw this.#invalid(`header key of ${keyLength} bytes`)
    this.#position += keyLength
    const valueLength = this.#length('header value length')
    this.#position += Math.max(valueLength, 0)
  }

  /** A length that must fit into the record; any negative one stands for null, as in Kafka. */
  #length(field: string): number {
    const length = this.#varint(field)
    if (length < 0) return -1
    const left = this.#recordEnd - this.#position
    if (length > left) throw this.#invalid(`${field} ${length} where ${left} bytes are left in the record`)
    return length
  }

  #byte(field: string): number {
    if (this.#position >= this.#recordEnd) throw this.#invalid(`the record ends inside its ${field}`)
    return this.#bytes[this.#position++] as number
  }

  #varint(field: string): number {
    let raw = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#byte(field)
      raw |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    throw this.#invalid(`${field} takes more than ${MAX_VARINT_BYTES} bytes`)
  }

  #varlong(field: string): number {
    const first = this.#byte(field)
    let magnitude = (first & 0x7f) >> 1
    let factor = 64
    for (let byte = first, i = 1; byte >= 0x80; i++) {
      if (i === MAX_VARLONG_BYTES) throw this.#invalid(`${field} takes more than ${MAX_VARLONG_BYTES} bytes`)
      byte = this.#byte(field)
      magnitude += (byte & 0x7f) * factor
      factor *= 128
    }
    const value = (first & 1) === 0 ? magnitude : -magnitude - 1
    if (!Number.isSafeInteger(value)) throw this.#invalid(`${field} is beyond ±(2^53 - 1)`)
    return value
  }

  #invalid(problem: string): InvalidRecordError {
    return new InvalidRecordError(`record ${this.#read} of ${this.#count}, byte ${this.#position}: ${problem}`)
  }
}
