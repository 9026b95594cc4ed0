import { MessageCodec } from '../protocol/message-codec.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { bool, type Message, message, string } from '../protocol/schema.ts'

/**
 * DefaultPrincipalData (Version: 0, flexible from 0) => type name token_authenticated
 *   type => STRING
 *   name => STRING
 *   token_authenticated => BOOLEAN
 */
const DefaultPrincipalData = message({ type: string(), name: string(), tokenAuthenticated: bool() })

/** Who sent a request. */
export type KafkaPrincipal = Message<typeof DefaultPrincipalData>

/** Whoever comes over PLAINTEXT. */
export const ANONYMOUS: KafkaPrincipal = { type: 'User', name: 'ANONYMOUS', tokenAuthenticated: false }

const VERSION = 0
const VERSION_BYTES = 2
const codec = new MessageCodec(DefaultPrincipalData, { name: 'DefaultPrincipalData', flexibleSince: 0 })

/** As Kafka's DefaultKafkaPrincipalBuilder writes it: two bytes of version, then the data. */
export function serializePrincipal(principal: KafkaPrincipal): Buffer {
  const version = Buffer.alloc(VERSION_BYTES)
  version.writeInt16BE(VERSION)
  return Buffer.concat([version, codec.encode(VERSION, principal)])
}

/** Throws ProtocolError for bytes that are no principal. */
export function deserializePrincipal(bytes: Buffer): KafkaPrincipal {
  if (bytes.length < VERSION_BYTES) throw new ProtocolError(`a principal of ${bytes.length} bytes`, 0)
  const version = bytes.readInt16BE(0)
  if (version !== VERSION) throw new ProtocolError(`a principal of version ${version}, only ${VERSION} is known`, 0)
  return codec.decode(version, bytes.subarray(VERSION_BYTES))
}
