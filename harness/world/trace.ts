import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What kinds of events a trace knows. The position is what the digest sees: add at the end only. */
export const TRACE_KINDS = [
  'start',
  'wake',
  'spend',
  'timer',
  'disk',
  'syn',
  'established',
  'refused',
  'deliver',
  'fin',
  'rst',
  'writable',
  'retransmit',
  'timeout',
  'notify',
  'note',
  'immediate',
  'async',
  'fault',
] as const
export type TraceKind = (typeof TRACE_KINDS)[number]

const KIND_CODE = new Map<TraceKind, number>(TRACE_KINDS.map((kind, code) => [kind, code]))

/** A trace entry as people and tools read it. */
export interface TraceEntry {
  readonly index: number
  /** Virtual milliseconds, with fractions. */
  readonly ms: number
  readonly kind: TraceKind
  readonly lane: string
  readonly detail?: string
  readonly bytes?: number
}

export type TraceMode = 'digest' | 'compact' | 'full'

const INTS_PER_ENTRY = 6
const ENTRIES_PER_BLOCK = 4096
const TWO_32 = 4294967296

/**
 * Every event of a trial and its rolling hash, the digest: SHA-256 over (time, lane, kind, length, CRC-32 of the data)
 * of each entry. `digest` keeps only the hash, `compact` also the hashed numbers (to find the first differing event of
 * two runs), `full` also readable entries.
 */
export class Trace {
  readonly mode: TraceMode
  readonly entries: TraceEntry[] = []
  readonly #hash: Hash = createHash('sha256')
  #block = new Int32Array(INTS_PER_ENTRY * ENTRIES_PER_BLOCK)
  #used = 0
  #count = 0
  readonly #blocks: Int32Array[] = []
  readonly #lanes: string[] = []

  constructor(mode: TraceMode) {
    this.mode = mode
  }

  /** Entries so far. */
  get count(): number {
    return this.#count
  }

  nameLane(id: number, name: string): void {
    this.#lanes[id] = name
  }

  event(timeUs: number, lane: number, kind: TraceKind): void {
    this.#add(timeUs, lane, kind, 0, 0)
    if (this.mode === 'full') this.#keep(timeUs, lane, kind)
  }

  data(timeUs: number, lane: number, kind: TraceKind, bytes: Uint8Array): void {
    this.#add(timeUs, lane, kind, bytes.length, crc32(bytes))
    if (this.mode === 'full') this.#keep(timeUs, lane, kind, undefined, bytes.length)
  }

  text(timeUs: number, lane: number, kind: TraceKind, detail: string): void {
    this.#add(timeUs, lane, kind, detail.length, crc32(detail))
    if (this.mode === 'full') this.#keep(timeUs, lane, kind, detail)
  }

  /** The first 16 hexadecimal digits of the rolling hash up to now. */
  digest(): string {
    const partial = new Uint8Array(this.#block.buffer, 0, this.#used * 4)
    return this.#hash.copy().update(partial).digest('hex').slice(0, 16)
  }

  /** Index of the first entry in which two compact traces differ; undefined when they are the same. */
  firstDifference(other: Trace): number | undefined {
    const shared = Math.min(this.#count, other.#count)
    for (let index = 0; index < shared; index++) {
      for (let part = 0; part < INTS_PER_ENTRY; part++) {
        if (this.#int(index, part) !== other.#int(index, part)) return index
      }
    }
    return this.#count === other.#count ? undefined : shared
  }

  /** A compact trace's entry in words. */
  describe(index: number): string {
    if (index >= this.#count) return 'end of the trace'
    const timeUs = (this.#int(index, 1) >>> 0) * TWO_32 + (this.#int(index, 0) >>> 0)
    const lane = this.#int(index, 2)
    const kind = TRACE_KINDS[this.#int(index, 3)]
    const length = this.#int(index, 4)
    return `#${index} ${timeUs / 1000} ms ${kind} ${this.#lanes[lane] ?? `lane ${lane}`}, ${length} bytes, crc ${this.#int(index, 5) >>> 0}`
  }

  #int(index: number, part: number): number {
    const block = this.#blocks[Math.floor(index / ENTRIES_PER_BLOCK)] ?? this.#block
    return block[(index % ENTRIES_PER_BLOCK) * INTS_PER_ENTRY + part] as number
  }

  #add(timeUs: number, lane: number, kind: TraceKind, length: number, crc: number): void {
    const block = this.#block
    const at = this.#used
    block[at] = timeUs | 0
    block[at + 1] = (timeUs / TWO_32) | 0
    block[at + 2] = lane
    block[at + 3] = KIND_CODE.get(kind) as number
    block[at + 4] = length
    block[at + 5] = crc | 0
    this.#used = at + INTS_PER_ENTRY
    this.#count++
    if (this.#used === block.length) this.#turnOver()
  }

  #turnOver(): void {
    this.#hash.update(new Uint8Array(this.#block.buffer))
    if (this.mode !== 'digest') {
      this.#blocks.push(this.#block)
      this.#block = new Int32Array(INTS_PER_ENTRY * ENTRIES_PER_BLOCK)
    }
    this.#used = 0
  }

  #keep(timeUs: number, lane: number, kind: TraceKind, detail?: string, bytes?: number): void {
    this.entries.push({
      index: this.#count - 1,
      ms: timeUs / 1000,
      kind,
      lane: this.#lanes[lane] ?? `lane ${lane}`,
      ...(detail === undefined ? {} : { detail }),
      ...(bytes === undefined ? {} : { bytes }),
    })
  }
}
