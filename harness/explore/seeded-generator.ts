/** One of fast-check's random generators: whole 32-bit numbers, signed. */
export interface Generator {
  clone(): Generator
  next(): number
  getState(): readonly number[]
}

/** Rounds that mix the seed into the state before the first number is used. */
const WARM_UP = 12

/**
 * Chris Doty-Humphrey's sfc32: small, fast, and the same wherever 32-bit arithmetic is. The repository's own, so that
 * what a seed means does not hang on the version of a library.
 */
class Sfc32 implements Generator {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(a: number, b: number, c: number, counter: number) {
    this.#a = a
    this.#b = b
    this.#c = c
    this.#counter = counter
  }

  clone(): Sfc32 {
    return new Sfc32(this.#a, this.#b, this.#c, this.#counter)
  }

  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum
  }

  getState(): readonly number[] {
    return [this.#a, this.#b, this.#c, this.#counter]
  }
}

/** FNV-1a over UTF-16 units: a whole number below 2^32. */
export function hash32(text: string, basis = 0x811c9dc5): number {
  let hash = basis
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

/** A generator whose every number is decided by `seed`. */
export function seededGenerator(seed: string): Generator {
  const generator = new Sfc32(hash32(seed), hash32(seed, 0x9e3779b1), hash32(seed, 0x7f4a7c15), 1)
  for (let round = 0; round < WARM_UP; round++) generator.next()
  return generator
}
