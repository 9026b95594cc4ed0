import { randomBytes } from 'node:crypto'
import { drawInt } from '../random-draw.ts'
import type { Random, RandomStream } from '../runtime.ts'

/** A draw asks the operating system only when those that it has given are used up: asking takes longer than the rest. */
const POOL_BYTES = 4096
const FLOAT_BYTES = 8
const TWO_TO_21 = 0x200000
const TWO_TO_32 = 0x100000000
const TWO_TO_53 = TWO_TO_21 * TWO_TO_32

let pool = randomBytes(0)
let used = 0

/** Where in the pool the next unused bytes are. */
function takeFloatBytes(): number {
  if (used + FLOAT_BYTES > pool.length) {
    pool = randomBytes(POOL_BYTES)
    used = 0
  }
  used += FLOAT_BYTES
  return used - FLOAT_BYTES
}

/** The operating system's randomness; fit for ids that must not be guessed. All labels share it. */
export const nodeRandom: Random & RandomStream = {
  stream: () => nodeRandom,
  float() {
    const at = takeFloatBytes()
    return ((pool.readUInt32LE(at) % TWO_TO_21) * TWO_TO_32 + pool.readUInt32LE(at + 4)) / TWO_TO_53
  },
  int: (low, high) => drawInt(nodeRandom.float, low, high),
  bytes: length => randomBytes(length),
}
