const PRIME_1 = 0x9e3779b1
const PRIME_2 = 0x85ebca77
const PRIME_3 = 0xc2b2ae3d
const PRIME_4 = 0x27d4eb2f
const PRIME_5 = 0x165667b1

/** XXH32 with seed 0 of `bytes[start, end)`, the checksum of LZ4 frames, as an unsigned 32-bit number. */
export function xxHash32(bytes: Buffer, start: number, end: number): number {
  let position = start
  let hash: number
  if (end - start >= 16) {
    let a = (PRIME_1 + PRIME_2) | 0
    let b = PRIME_2 | 0
    let c = 0
    let d = -PRIME_1 | 0
    for (; position + 16 <= end; position += 16) {
      a = round(a, bytes.readInt32LE(position))
      b = round(b, bytes.readInt32LE(position + 4))
      c = round(c, bytes.readInt32LE(position + 8))
      d = round(d, bytes.readInt32LE(position + 12))
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
  } else {
    hash = PRIME_5
  }
  hash = (hash + end - start) | 0
  for (; position + 4 <= end; position += 4) {
    hash = Math.imul(rotate((hash + Math.imul(bytes.readInt32LE(position), PRIME_3)) | 0, 17), PRIME_4)
  }
  for (; position < end; position++) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[position] ?? 0, PRIME_5)) | 0, 11), PRIME_1)
  }
  return avalanche(hash)
}

function round(accumulator: number, lane: number): number {
  return Math.imul(rotate((accumulator + Math.imul(lane, PRIME_2)) | 0, 13), PRIME_1)
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function avalanche(value: number): number {
  let hash = Math.imul(value ^ (value >>> 15), PRIME_2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3)
  return (hash ^ (hash >>> 16)) >>> 0
}
