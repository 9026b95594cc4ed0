const SEED = 0x9747b28c | 0
const M = 0x5bd1e995
const R = 24

/** Kafka's 32-bit murmur2 (Utils.murmur2): the same key goes to the same partition from every client. */
export function murmur2(data: Uint8Array): number {
  const { length } = data
  let h = SEED ^ length
  let index = 0
  for (; length - index >= 4; index += 4) {
    let k = at(data, index) | (at(data, index + 1) << 8) | (at(data, index + 2) << 16) | (at(data, index + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> R
    k = Math.imul(k, M)
    h = Math.imul(h, M) ^ k
  }
  const rest = length - index
  if (rest === 3) h ^= at(data, index + 2) << 16
  if (rest >= 2) h ^= at(data, index + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ at(data, index), M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  h ^= h >>> 15
  return h
}

/** The number without its sign bit (Utils.toPositive), which is not its absolute value. */
export function toPositive(number: number): number {
  return number & 0x7fffffff
}

function at(data: Uint8Array, index: number): number {
  return data[index] ?? 0
}
