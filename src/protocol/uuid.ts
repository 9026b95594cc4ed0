import type { RandomStream } from '../runtime/runtime.ts'
import { EncodeError } from './protocol-error.ts'

/** "No id": sixteen zero bytes. Kafka's `Uuid.ZERO_UUID`. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** The id of the metadata log in KRaft, sixteen bytes of which only the last is set. Kafka's `Uuid.METADATA_TOPIC_ID`. */
export const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** A UUID's bytes. */
export const UUID_BYTES = 16

/** 22 characters of base64url, of which the last has only two bits. */
const UUID_TEXT = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** Kafka's text form of the 16 bytes at `position`: base64url without padding, 22 characters. */
export function formatUuid(bytes: Buffer, position = 0): string {
  // Absent ids are by far the most frequent ones.
  let index = 0
  while (index < UUID_BYTES && bytes[position + index] === 0) index++
  if (index === UUID_BYTES) return ZERO_UUID
  return bytes.toString('base64url', position, position + UUID_BYTES)
}

/** Whether a text is a UUID in Kafka's form, exactly as `formatUuid` would give it. */
export function isUuid(text: string): boolean {
  return UUID_TEXT.test(text)
}

/** Writes the 16 bytes of a UUID given in Kafka's text form. Throws `EncodeError` when it is not one. */
export function writeUuid(bytes: Buffer, position: number, text: string): void {
  if (text === ZERO_UUID) {
    bytes.fill(0, position, position + UUID_BYTES)
    return
  }
  if (typeof text !== 'string' || !isUuid(text)) {
    throw new EncodeError(`"${String(text)}" is no UUID, which has 22 characters of base64url`)
  }
  bytes.write(text, position, UUID_BYTES, 'base64url')
}

/**
 * A random (version 4) UUID in Kafka's text form. As in Kafka's `Uuid.randomUuid`, never one whose text begins with "-",
 * which command lines would take for an option. The reserved ids cannot come out: they lack the version bits.
 */
export function randomUuid(stream: RandomStream): string {
  for (;;) {
    const bytes = stream.bytes(UUID_BYTES)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const text = formatUuid(bytes)
    if (!text.startsWith('-')) return text
  }
}

/** Kafka's order of UUIDs (`Uuid.compareTo`): as two signed 64-bit numbers, the more significant one first. */
export function compareUuids(first: string, second: string): number {
  if (first === second) return 0
  const one = Buffer.from(first, 'base64url')
  const other = Buffer.from(second, 'base64url')
  for (const position of [0, 8]) {
    const left = one.readBigInt64BE(position)
    const right = other.readBigInt64BE(position)
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}
