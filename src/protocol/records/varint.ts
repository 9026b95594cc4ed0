/**
 * Zigzag variable-length integers as record batches use them, written from their size and sign bit so that values up to
 * ±(2^53 − 1) need no BigInt: the lowest bit of the first byte is the sign, the other bits are the magnitude.
 */

/** Bytes that `value` takes as a varint or varlong; `value` is a safe integer. */
export function sizeOfVarint(value: number): number {
  let rest = value < 0 ? -value - 1 : value
  let size = 1
  for (rest = Math.floor(rest / 64); rest > 0; rest = Math.floor(rest / 128)) size++
  return size
}

/** Writes a varint or varlong and returns the position after it. */
export function writeVarint(buffer: Buffer, value: number, position: number): number {
  const negative = value < 0
  const magnitude = negative ? -value - 1 : value
  let bits = ((magnitude % 64) << 1) | (negative ? 1 : 0)
  let at = position
  for (let rest = Math.floor(magnitude / 64); rest > 0; rest = Math.floor(rest / 128)) {
    buffer[at++] = bits | 0x80
    bits = rest % 128
  }
  buffer[at++] = bits
  return at
}
