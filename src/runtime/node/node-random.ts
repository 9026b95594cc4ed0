import { randomBytes } from 'node:crypto'
import { drawInt } from '../random-draw.ts'
import type { Random, RandomStream } from '../runtime.ts'

const TWO_TO_21 = 0x200000
const TWO_TO_32 = 0x100000000
const TWO_TO_53 = TWO_TO_21 * TWO_TO_32

/** The operating system's randomness; fit for ids that must not be guessed. All labels share it. */
export const nodeRandom: Random & RandomStream = {
  stream: () => nodeRandom,
  float() {
    const bits = randomBytes(8)
    return ((bits.readUInt32LE(0) % TWO_TO_21) * TWO_TO_32 + bits.readUInt32LE(4)) / TWO_TO_53
  },
  int: (low, high) => drawInt(nodeRandom.float, low, high),
  bytes: length => randomBytes(length),
}
