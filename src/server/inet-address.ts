/** A client whose address is no number, which happens only where names stand for addresses. */
const UNSPECIFIED = Buffer.from([0, 0, 0, 0])

/** The 4 or 16 bytes of an IP address; 0.0.0.0 for anything else. */
export function addressBytes(text: string): Buffer {
  return ipv4Bytes(text) ?? ipv6Bytes(text) ?? UNSPECIFIED
}

/** The text of 4 or 16 bytes; undefined for any other number of bytes. */
export function addressText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return undefined
  const groups: string[] = []
  for (let index = 0; index < 16; index += 2) {
    groups.push((((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)).toString(16))
  }
  return groups.join(':')
}

function ipv4Bytes(text: string): Buffer | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined
  return Buffer.from(parts.map(Number))
}

function ipv6Bytes(text: string): Buffer | undefined {
  const withoutZone = text.split('%')[0] ?? ''
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(withoutZone)
  const ipv4 = mapped === null ? undefined : ipv4Bytes(mapped[2] ?? '')
  if (mapped !== null && ipv4 === undefined) return undefined
  const address =
    ipv4 === undefined ? withoutZone : `${mapped?.[1]}${ipv4.toString('hex', 0, 2)}:${ipv4.toString('hex', 2)}`
  const halves = address.split('::')
  if (halves.length > 2 || !address.includes(':')) return undefined
  const [head = [], tail = []] = halves.map(half => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  if (!groups.every(group => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined
  const bytes = Buffer.alloc(16)
  groups.forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  })
  return bytes
}
