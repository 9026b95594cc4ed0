import { MessageCodec } from '../protocol/message-codec.ts'
import { Reader } from '../protocol/reader.ts'
import { Writer } from '../protocol/writer.ts'
import type { RecordSerde } from '../raft/raft-client.ts'
import { METADATA_RECORD_TYPES, type MetadataRecord } from './metadata-records.ts'

const FRAME_VERSION = 1

interface RecordKind {
  readonly type: MetadataRecord['type']
  readonly key: number
  readonly maxVersion: number
  readonly codec: MessageCodec
}

const KINDS: readonly RecordKind[] = Object.entries(METADATA_RECORD_TYPES).map(
  ([type, { key, maxVersion, schema }]) => ({
    type: type as MetadataRecord['type'],
    key,
    maxVersion,
    codec: new MessageCodec(schema, { name: type, flexibleSince: 0 }),
  }),
)
const KIND_BY_TYPE: ReadonlyMap<string, RecordKind> = new Map(KINDS.map(kind => [kind.type, kind]))
const KIND_BY_KEY: ReadonlyMap<number, RecordKind> = new Map(KINDS.map(kind => [kind.key, kind]))

/** A record that this version does not know: the log was written by a newer one, or is damaged. */
export class UnknownMetadataRecordError extends Error {
  override readonly name = 'UnknownMetadataRecordError'
}

/**
 * Metadata records as values of the log's records (Kafka's MetadataRecordSerde):
 *
 * ```
 * Value => frameVersion apiKey version Message
 *   frameVersion, apiKey, version => UNSIGNED_VARINT   (frameVersion is 1)
 * ```
 */
export const metadataRecordSerde: RecordSerde<MetadataRecord> = {
  write(record) {
    const kind = KIND_BY_TYPE.get(record.type)
    if (kind === undefined) throw new UnknownMetadataRecordError(`there is no metadata record of type ${record.type}`)
    const writer = new Writer(128)
    writer.uvarint(FRAME_VERSION)
    writer.uvarint(kind.key)
    writer.uvarint(kind.maxVersion)
    kind.codec.write(writer, kind.maxVersion, record.data)
    return writer.finish()
  },

  read(bytes) {
    const reader = new Reader(bytes)
    const frameVersion = reader.uvarint()
    if (frameVersion !== FRAME_VERSION) {
      throw new UnknownMetadataRecordError(
        `frame version ${frameVersion} of a metadata record, must be ${FRAME_VERSION}`,
      )
    }
    const key = reader.uvarint()
    const version = reader.uvarint()
    const kind = KIND_BY_KEY.get(key)
    if (kind === undefined) throw new UnknownMetadataRecordError(`metadata record with unknown key ${key}`)
    if (version > kind.maxVersion) {
      throw new UnknownMetadataRecordError(`${kind.type} of version ${version}, known are 0 to ${kind.maxVersion}`)
    }
    return { type: kind.type, data: kind.codec.read(reader, version) } as MetadataRecord
  },
}
