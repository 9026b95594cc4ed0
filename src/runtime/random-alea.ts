import seedrandom from 'seedrandom'
import { drawInt } from './random-draw.ts'
import type { Random, RandomStream } from './runtime.ts'

/** Spans up to this are drawn from 32 bits: one step of the generator instead of two. */
const SMALL_SPAN = 0x10000
const TWO_TO_32 = 0x100000000

/**
 * A stream of Baagøe's Alea generator: fast, the same on every machine, not for secrets.
 *
 * @param seed decides every draw; a different seed is an independent stream
 */
export function aleaStream(seed: string): RandomStream {
  return new AleaStream(seed)
}

class AleaStream implements RandomStream {
  readonly #next: () => number
  readonly #double: () => number

  constructor(seed: string) {
    const generator = seedrandom.alea(seed)
    this.#next = generator
    this.#double = generator.double
  }

  float(): number {
    return this.#double()
  }

  int(low: number, high: number): number {
    return drawInt(high - low < SMALL_SPAN ? this.#next : this.#double, low, high)
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    let at = 0
    for (; at + 4 <= length; at += 4) bytes.writeUInt32LE(this.#next() * TWO_TO_32, at)
    for (; at < length; at += 1) bytes[at] = this.#next() * 256
    return bytes
  }
}

/** Labelled streams from one seed: a label's draws do not depend on which other labels are drawn from. */
export class AleaRandom implements Random {
  readonly #seed: string

  constructor(seed: string) {
    this.#seed = seed
  }

  stream(label: string): RandomStream {
    return aleaStream(`${this.#seed}/${label}`)
  }
}
