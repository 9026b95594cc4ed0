/** Bytes that have arrived and were not read yet, in the chunks in which they came. Its user keeps it from growing. */
export class ReceiveBuffer {
  readonly #chunks: Buffer[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** At most `maxBytes` (≥ 1), without copying: never more than the oldest chunk. Null when there is nothing. */
  take(maxBytes: number): Buffer | null {
    const first = this.#chunks[0]
    if (first === undefined) return null
    const bytes = first.subarray(0, maxBytes)
    if (bytes.length === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(bytes.length)
    this.#size -= bytes.length
    return bytes
  }

  clear(): void {
    this.#chunks.length = 0
    this.#size = 0
  }
}
