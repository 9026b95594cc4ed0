import type { MessageCodec } from '../../protocol/message-codec.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { Reader } from '../../protocol/reader.ts'
import { Writer } from '../../protocol/writer.ts'

/** Key and value of a record as they lie in the log. A null value is a tombstone. */
export interface SerializedRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** Between a coordinator's records and the bytes in its log (Kafka's Serializer and Deserializer). */
export interface CoordinatorRecordSerde<R> {
  serialize(record: R): SerializedRecord
  /**
   * @throws UnknownRecordTypeError for a type that is not known, which a reader passes over
   * @throws ProtocolError for bytes that are no record
   */
  deserialize(key: Buffer, value: Buffer | null): R
}

/** A record of a type that this version does not know, perhaps left over from a newer one. */
export class UnknownRecordTypeError extends Error {
  override readonly name = 'UnknownRecordTypeError'

  constructor(type: number) {
    super(`coordinator record of unknown type ${type}`)
  }
}

/** How one kind of record lies in the log. */
export interface CoordinatorRecordKind {
  /** Its name in the union of records. */
  readonly type: string
  /** Its numbers on disk; the first one is written. */
  readonly ids: readonly number[]
  readonly key: MessageCodec
  readonly value: MessageCodec
  /** The last version of the value that is known; the first one is 0. */
  readonly maxVersion: number
  /** The version in which this value is written. */
  readonly versionOf: (value: object) => number
}

interface AnyRecord {
  readonly type: string
  readonly key: object
  readonly value: object | null
}

/**
 * Records as Kafka's CoordinatorRecordSerde has them:
 *
 * ```
 * Key => type KeyMessage          type => INT16
 * Value => version ValueMessage   version => INT16
 * ```
 */
export function coordinatorRecordSerde<R extends AnyRecord>(
  kinds: readonly CoordinatorRecordKind[],
): CoordinatorRecordSerde<R> {
  const byType = new Map(kinds.map(kind => [kind.type, kind]))
  const byId = new Map(kinds.flatMap(kind => kind.ids.map(id => [id, kind] as const)))

  return {
    serialize(record) {
      const kind = byType.get(record.type)
      const id = kind?.ids[0]
      if (kind === undefined || id === undefined) throw new TypeError(`there is no coordinator record ${record.type}`)
      const key = write(kind.key, id, 0, record.key)
      if (record.value === null) return { key, value: null }
      const version = kind.versionOf(record.value)
      return { key, value: write(kind.value, version, version, record.value) }
    },

    deserialize(keyBytes, valueBytes) {
      const keyReader = new Reader(keyBytes)
      const id = keyReader.int16()
      const kind = byId.get(id)
      if (kind === undefined) throw new UnknownRecordTypeError(id)
      const key = kind.key.read(keyReader, 0)
      return { type: kind.type, key, value: valueBytes === null ? null : readValue(kind, valueBytes) } as unknown as R
    },
  }
}

function write(codec: MessageCodec, prefix: number, version: number, message: object): Buffer {
  const writer = new Writer(128)
  writer.int16(prefix)
  codec.write(writer, version, { ...message })
  return writer.finish()
}

function readValue(kind: CoordinatorRecordKind, bytes: Buffer): object {
  const reader = new Reader(bytes)
  const version = reader.int16()
  if (version < 0 || version > kind.maxVersion) {
    throw new ProtocolError(`version ${version} of ${kind.value.name}, known are 0 to ${kind.maxVersion}`, 0)
  }
  return kind.value.read(reader, version)
}
