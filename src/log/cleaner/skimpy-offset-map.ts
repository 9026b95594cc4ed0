import { hash } from 'node:crypto'

const HASH_BYTES = 16
/** What an entry takes: a hash and an offset. */
export const BYTES_PER_ENTRY = HASH_BYTES + 8
const INITIAL_CAPACITY = 1024
/** Share of the table from which it grows, as long as it may. */
const GROWTH_LOAD = 0.75

/**
 * For each key the last offset that was put (Kafka's SkimpyOffsetMap): a hash table that keeps of a key only its MD5 hash.
 * At most `slots` keys. Memory: 24 bytes a slot of the table, which grows with its keys up to `slots`; Kafka takes all of it
 * at once. While it grows, the old table, half as large at most, is there too.
 */
export class SkimpyOffsetMap {
  readonly slots: number
  #capacity = 0
  /** The hash of each taken slot. */
  #hashes = Buffer.alloc(0)
  /** The offset of each taken slot plus one; 0: free. */
  #offsets = new Float64Array(0)
  #size = 0
  #latestOffset = -1

  /** @param memoryBytes of which each key takes 24 */
  constructor(memoryBytes: number) {
    this.slots = Math.floor(memoryBytes / BYTES_PER_ENTRY)
    this.clear()
  }

  /** Keys. */
  get size(): number {
    return this.#size
  }

  /** Share of the slots that are taken. */
  get utilization(): number {
    return this.#size / this.slots
  }

  /** The last offset that was put or told of; -1 when there was none. */
  get latestOffset(): number {
    return this.#latestOffset
  }

  /** The key's offset; -1 when it has none. */
  get(key: Buffer): number {
    if (this.#size === 0) return -1
    const slot = this.#slotOf(md5(key))
    return slot < 0 ? -1 : (this.#offsets[slot] ?? 0) - 1
  }

  /** Sets the key's offset (≥ 0). Throws RangeError when the map is full, as Kafka's does. */
  put(key: Buffer, offset: number): void {
    if (this.#size >= this.slots) {
      throw new RangeError(`the offset map is full: it has ${this.#size} of ${this.slots} entries`)
    }
    const digest = md5(key)
    const known = this.#slotOf(digest)
    if (known >= 0) {
      this.#offsets[known] = offset + 1
    } else {
      if (this.#capacity < this.slots && this.#size >= this.#capacity * GROWTH_LOAD) this.#grow()
      this.#insert(digest, offset + 1)
      this.#size++
    }
    this.#latestOffset = offset
  }

  /** Everything up to this offset was looked at, whether or not it had a key. */
  updateLatestOffset(offset: number): void {
    this.#latestOffset = offset
  }

  /** Forgets everything, and lets go of the memory. */
  clear(): void {
    this.#capacity = Math.min(this.slots, INITIAL_CAPACITY)
    this.#hashes = Buffer.alloc(this.#capacity * HASH_BYTES)
    this.#offsets = new Float64Array(this.#capacity)
    this.#size = 0
    this.#latestOffset = -1
  }

  /** The slot that holds the hash; -1 when none does. */
  #slotOf(digest: Buffer): number {
    let slot = digest.readUInt32BE(0) % this.#capacity
    for (let probes = 0; probes < this.#capacity && this.#offsets[slot] !== 0; probes++) {
      const at = slot * HASH_BYTES
      if (this.#hashes.compare(digest, 0, HASH_BYTES, at, at + HASH_BYTES) === 0) return slot
      slot = slot + 1 === this.#capacity ? 0 : slot + 1
    }
    return -1
  }

  #insert(digest: Buffer, offsetPlusOne: number): void {
    let slot = digest.readUInt32BE(0) % this.#capacity
    while (this.#offsets[slot] !== 0) slot = slot + 1 === this.#capacity ? 0 : slot + 1
    digest.copy(this.#hashes, slot * HASH_BYTES, 0, HASH_BYTES)
    this.#offsets[slot] = offsetPlusOne
  }

  #grow(): void {
    const hashes = this.#hashes
    const offsets = this.#offsets
    this.#capacity = Math.min(this.slots, this.#capacity * 2)
    this.#hashes = Buffer.alloc(this.#capacity * HASH_BYTES)
    this.#offsets = new Float64Array(this.#capacity)
    for (const [slot, offsetPlusOne] of offsets.entries()) {
      if (offsetPlusOne === 0) continue
      this.#insert(hashes.subarray(slot * HASH_BYTES, (slot + 1) * HASH_BYTES), offsetPlusOne)
    }
  }
}

function md5(key: Buffer): Buffer {
  return hash('md5', key, 'buffer')
}
