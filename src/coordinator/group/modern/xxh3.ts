/**
 * XXH3, 64 bits, with its default secret and seed 0 (Yann Collet's xxHash, doc/xxhash_spec.md). Only for small inputs now and
 * then: it counts in BigInts.
 */
export function xxh3(input: Buffer): bigint {
  if (input.length > 240) return hashLong(input)
  if (input.length > 128) return hashTo240(input)
  if (input.length > 16) return hashTo128(input)
  if (input.length > 8) return hashTo16(input)
  if (input.length >= 4) return hashTo8(input)
  return input.length > 0 ? hashTo3(input) : avalanche64(SECRET.readBigUInt64LE(56) ^ SECRET.readBigUInt64LE(64))
}

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590' +
    'e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb4' +
    '5931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45' +
    'cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)

const MASK_64 = 0xffffffffffffffffn
const MASK_32 = 0xffffffffn
const PRIME32_1 = 0x9e3779b1n
const PRIME32_2 = 0x85ebca77n
const PRIME32_3 = 0xc2b2ae3dn
const PRIME64_1 = 0x9e3779b185ebca87n
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn
const PRIME64_3 = 0x165667b19e3779f9n
const PRIME64_4 = 0x85ebca77c2b2ae63n
const PRIME64_5 = 0x27d4eb2f165667c5n
const PRIME_MX1 = 0x165667919e3779f9n
const PRIME_MX2 = 0x9fb21c651e98df25n

const STRIPE_BYTES = 64
/** Bytes by which the secret moves on with each stripe. */
const SECRET_STEP = 8
const STRIPES_IN_BLOCK = (SECRET.length - STRIPE_BYTES) / SECRET_STEP
const BLOCK_BYTES = STRIPE_BYTES * STRIPES_IN_BLOCK

function hashTo3(input: Buffer): bigint {
  const { length } = input
  const first = input.readUInt8(0)
  const middle = input.readUInt8(length >> 1)
  const last = input.readUInt8(length - 1)
  const combined = ((first << 16) | (middle << 24) | last | (length << 8)) >>> 0
  return avalanche64(BigInt(combined) ^ BigInt((SECRET.readUInt32LE(0) ^ SECRET.readUInt32LE(4)) >>> 0))
}

function hashTo8(input: Buffer): bigint {
  const { length } = input
  const first = BigInt(input.readUInt32LE(0))
  const last = BigInt(input.readUInt32LE(length - 4))
  let hash = (last + (first << 32n)) ^ SECRET.readBigUInt64LE(8) ^ SECRET.readBigUInt64LE(16)
  hash ^= rotateLeft(hash, 49n) ^ rotateLeft(hash, 24n)
  hash = (hash * PRIME_MX2) & MASK_64
  hash ^= (hash >> 35n) + BigInt(length)
  hash = (hash * PRIME_MX2) & MASK_64
  return hash ^ (hash >> 28n)
}

function hashTo16(input: Buffer): bigint {
  const { length } = input
  const low = SECRET.readBigUInt64LE(24) ^ SECRET.readBigUInt64LE(32) ^ input.readBigUInt64LE(0)
  const high = SECRET.readBigUInt64LE(40) ^ SECRET.readBigUInt64LE(48) ^ input.readBigUInt64LE(length - 8)
  return avalanche((BigInt(length) + swapBytes(low) + high + foldedProduct(low, high)) & MASK_64)
}

function hashTo128(input: Buffer): bigint {
  const { length } = input
  let sum = BigInt(length) * PRIME64_1
  for (let pair = (length - 1) >> 5; pair >= 0; pair -= 1) {
    sum += mix16(input, 16 * pair, 32 * pair) + mix16(input, length - 16 * (pair + 1), 32 * pair + 16)
  }
  return avalanche(sum & MASK_64)
}

function hashTo240(input: Buffer): bigint {
  const { length } = input
  const rounds = length >> 4
  let sum = BigInt(length) * PRIME64_1
  for (let round = 0; round < 8; round += 1) sum += mix16(input, 16 * round, 16 * round)
  sum = avalanche(sum & MASK_64)
  for (let round = 8; round < rounds; round += 1) sum += mix16(input, 16 * round, 16 * (round - 8) + 3)
  return avalanche((sum + mix16(input, length - 16, 136 - 17)) & MASK_64)
}

function hashLong(input: Buffer): bigint {
  const { length } = input
  const lanes = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
  const blocks = Math.floor((length - 1) / BLOCK_BYTES)
  for (let block = 0; block < blocks; block += 1) {
    for (let stripe = 0; stripe < STRIPES_IN_BLOCK; stripe += 1) {
      accumulate(lanes, input, block * BLOCK_BYTES + stripe * STRIPE_BYTES, stripe * SECRET_STEP)
    }
    for (const [index, lane] of lanes.entries()) {
      const key = SECRET.readBigUInt64LE(SECRET.length - STRIPE_BYTES + 8 * index)
      lanes[index] = ((lane ^ (lane >> 47n) ^ key) * PRIME32_1) & MASK_64
    }
  }
  const stripes = Math.floor((length - 1 - blocks * BLOCK_BYTES) / STRIPE_BYTES)
  for (let stripe = 0; stripe < stripes; stripe += 1) {
    accumulate(lanes, input, blocks * BLOCK_BYTES + stripe * STRIPE_BYTES, stripe * SECRET_STEP)
  }
  accumulate(lanes, input, length - STRIPE_BYTES, SECRET.length - STRIPE_BYTES - 7)
  let sum = BigInt(length) * PRIME64_1
  for (let index = 0; index < 8; index += 2) {
    const low = (lanes[index] ?? 0n) ^ SECRET.readBigUInt64LE(11 + 8 * index)
    sum += foldedProduct(low, (lanes[index + 1] ?? 0n) ^ SECRET.readBigUInt64LE(19 + 8 * index))
  }
  return avalanche(sum & MASK_64)
}

function accumulate(lanes: bigint[], input: Buffer, position: number, secretPosition: number): void {
  for (let index = 0; index < 8; index += 1) {
    const value = input.readBigUInt64LE(position + 8 * index)
    const key = value ^ SECRET.readBigUInt64LE(secretPosition + 8 * index)
    const neighbour = index ^ 1
    lanes[neighbour] = ((lanes[neighbour] ?? 0n) + value) & MASK_64
    lanes[index] = ((lanes[index] ?? 0n) + (key & MASK_32) * (key >> 32n)) & MASK_64
  }
}

function mix16(input: Buffer, position: number, secretPosition: number): bigint {
  return foldedProduct(
    input.readBigUInt64LE(position) ^ SECRET.readBigUInt64LE(secretPosition),
    input.readBigUInt64LE(position + 8) ^ SECRET.readBigUInt64LE(secretPosition + 8),
  )
}

function foldedProduct(first: bigint, second: bigint): bigint {
  const product = first * second
  return (product & MASK_64) ^ (product >> 64n)
}

function avalanche(value: bigint): bigint {
  const hash = ((value ^ (value >> 37n)) * PRIME_MX1) & MASK_64
  return hash ^ (hash >> 32n)
}

function avalanche64(value: bigint): bigint {
  let hash = ((value ^ (value >> 33n)) * PRIME64_2) & MASK_64
  hash = ((hash ^ (hash >> 29n)) * PRIME64_3) & MASK_64
  return hash ^ (hash >> 32n)
}

function rotateLeft(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK_64
}

function swapBytes(value: bigint): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes.readBigUInt64BE(0)
}
