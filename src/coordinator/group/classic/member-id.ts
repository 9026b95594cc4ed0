import type { RandomStream } from '../../../runtime/runtime.ts'

/**
 * A new member's id: its static name, or else its client's id, and a random (version 4) UUID in the form of RFC 9562
 * (ClassicGroup.generateMemberId).
 */
export function generateMemberId(random: RandomStream, clientId: string, groupInstanceId: string | null): string {
  const bytes = random.bytes(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  return `${groupInstanceId ?? clientId}-${uuid}`
}
