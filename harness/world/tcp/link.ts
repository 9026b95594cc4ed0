import type { RandomStream } from '../../../src/runtime/runtime.ts'
import type { Pipe } from './pipe.ts'

/** What one direction between two hosts is like now. Faults change it; healing sets it back. */
export interface LinkConditions {
  /** Added to every segment's way, microseconds, drawn uniformly from [low, high]. */
  latencyUs: readonly [low: number, high: number]
  /** Bytes a second; Infinity is no limit. */
  bytesPerSecond: number
  /** Probability that a segment is split at an arbitrary byte, and the longest piece then. */
  fragment: { readonly probability: number; readonly maxBytes: number } | undefined
  /** Nothing gets through: bytes are held and retransmitted after healing, SYNs are lost. */
  blocked: boolean
}

/** One direction of the path between two hosts. */
export class Link {
  readonly from: string
  readonly to: string
  readonly random: RandomStream
  readonly conditions: LinkConditions
  /** When a block began, for how long retransmission backs off. */
  blockedSinceUs = 0
  /** Pipes with bytes that wait for the block to end. */
  readonly stalled = new Set<Pipe>()
  /** When the line is free to send the next byte. */
  #freeUs = 0

  constructor(from: string, to: string, random: RandomStream, conditions: LinkConditions) {
    this.from = from
    this.to = to
    this.random = random
    this.conditions = conditions
  }

  /** When `bytes` that leave at `nowUs` have arrived. */
  arrivalUs(nowUs: number, bytes: number): number {
    const { latencyUs, bytesPerSecond } = this.conditions
    const latency = this.random.int(latencyUs[0], latencyUs[1])
    if (bytesPerSecond === Number.POSITIVE_INFINITY) return nowUs + latency
    const startUs = Math.max(nowUs, this.#freeUs)
    this.#freeUs = startUs + Math.ceil((bytes * 1_000_000) / bytesPerSecond)
    return this.#freeUs + latency
  }

  /** How many of `length` bytes travel in the next segment. */
  segmentBytes(length: number): number {
    const { fragment } = this.conditions
    if (fragment === undefined || length < 2 || this.random.float() >= fragment.probability) return length
    return this.random.int(1, Math.min(fragment.maxBytes, length - 1))
  }
}
