import type { RecordHeader } from '../protocol/records/batch.ts'
import { SerializationException } from './errors.ts'

/** The headers of a record; interceptors and serializers may add to those of a record that is being sent. */
export type Headers = RecordHeader[]

/** Turns what an application sends into bytes (org.apache.kafka.common.serialization.Serializer). */
export interface Serializer<T> {
  /** Null stays null. @throws SerializationException for what it cannot write */
  serialize(topic: string, data: T | null, headers: Headers): Buffer | null
  /** Called when the client closes. */
  close?(): void
}

/** Turns the bytes of a record into what an application works with. */
export interface Deserializer<T> {
  /** Null stays null. @throws SerializationException for what it cannot read */
  deserialize(topic: string, data: Buffer | null, headers: readonly RecordHeader[]): T | null
  /** Called when the client closes. */
  close?(): void
}

/** Both directions of one format. */
export interface Serde<T> extends Serializer<T>, Deserializer<T> {}

/** Text as UTF-8. */
export const stringSerde: Serde<string> = serde(
  'string',
  text => Buffer.from(requireType(text, 'string', typeof text === 'string')),
  bytes => bytes.toString('utf8'),
)

/** Bytes as they are. Other `Uint8Array`s are taken too; a reader gets a window on the bytes of the batch. */
export const bytesSerde: Serde<Uint8Array> = serde(
  'bytes',
  bytes => {
    requireType(bytes, 'bytes', bytes instanceof Uint8Array)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  },
  bytes => bytes,
)

/** A whole number of 32 bits, big endian (Kafka's IntegerSerializer). */
export const int32Serde: Serde<number> = serde(
  'int32',
  value => {
    requireType(value, 'a whole number of 32 bits', typeof value === 'number' && (value | 0) === value)
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeInt32BE(value)
    return bytes
  },
  bytes => requireSize(bytes, 4).readInt32BE(),
)

/** A whole number of 64 bits, big endian (Kafka's LongSerializer). */
export const int64Serde: Serde<bigint> = serde(
  'int64',
  value => {
    requireType(value, 'a bigint of 64 bits', typeof value === 'bigint' && BigInt.asIntN(64, value) === value)
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigInt64BE(value)
    return bytes
  },
  bytes => requireSize(bytes, 8).readBigInt64BE(),
)

/** A floating-point number of 64 bits (Kafka's DoubleSerializer). */
export const doubleSerde: Serde<number> = serde(
  'double',
  value => {
    requireType(value, 'a number', typeof value === 'number')
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeDoubleBE(value)
    return bytes
  },
  bytes => requireSize(bytes, 8).readDoubleBE(),
)

const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A UUID as its text of 36 characters, in UTF-8 (Kafka's UUIDSerializer). Texts in capitals are written in small letters. */
export const uuidSerde: Serde<string> = serde(
  'uuid',
  text => {
    requireType(text, 'a UUID of 36 characters', typeof text === 'string' && UUID_TEXT.test(text))
    return Buffer.from(text.toLowerCase())
  },
  bytes => {
    const text = bytes.toString('utf8')
    if (!UUID_TEXT.test(text)) throw new SerializationException(`"${text}" is no UUID of 36 characters`)
    return text.toLowerCase()
  },
)

function serde<T>(name: string, write: (data: T) => Buffer, read: (bytes: Buffer) => T): Serde<T> {
  return {
    serialize: (topic, data) => (data === null ? null : within(name, topic, 'write', () => write(data))),
    deserialize: (topic, data) => (data === null ? null : within(name, topic, 'read', () => read(data))),
  }
}

function within<T>(name: string, topic: string, what: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new SerializationException(`cannot ${what} ${name} of topic ${topic}: ${reason}`, { cause: error })
  }
}

function requireType<T>(data: T, expected: string, holds: boolean): T {
  if (!holds) throw new SerializationException(`expected ${expected}, not ${typeof data} ${String(data)}`)
  return data
}

function requireSize(bytes: Buffer, size: number): Buffer {
  if (bytes.length !== size) throw new SerializationException(`size of data is not ${size} but ${bytes.length}`)
  return bytes
}
