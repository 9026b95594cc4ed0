/** Records from an offset on were written by the leader of an epoch. */
interface Run {
  readonly startOffset: number
  readonly epoch: number
}

/**
 * What a log holds, as far as it matters for whether two logs hold the same: which offsets, and the leader's epoch in which
 * each was written. An epoch has one leader and a leader never replaces what it wrote, so the same offset and epoch are the
 * same record (what `replicas-agree` checks on its own).
 */
export class Lineage {
  #runs: Run[] = []
  #start: number
  #end: number

  /** @param start the log is empty and goes on here */
  constructor(start = 0) {
    this.#start = start
    this.#end = start
  }

  /** Nothing is known of what is below. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  copy(): Lineage {
    const copy = new Lineage(this.#start)
    copy.#runs = [...this.#runs]
    copy.#end = this.#end
    return copy
  }

  /** Offsets up to `end`, exclusive, were written in `epoch`. Does nothing when the log goes further already. */
  extend(epoch: number, end: number): void {
    if (end <= this.#end) return
    if (this.#runs.at(-1)?.epoch !== epoch) this.#runs.push({ startOffset: this.#end, epoch })
    this.#end = end
  }

  /** Offsets up to `end`, exclusive, are copies from `source`; beyond its end they were written in `epoch`. */
  extendFrom(source: Lineage | undefined, end: number, epoch: number): void {
    if (source !== undefined) {
      if (source.#start > this.#end) this.#restart(source.#start)
      for (const [index, run] of source.#runs.entries()) {
        const runEnd = source.#runs[index + 1]?.startOffset ?? source.#end
        if (runEnd > this.#end) this.extend(run.epoch, Math.min(runEnd, end))
      }
    }
    this.extend(epoch, end)
  }

  truncate(end: number): void {
    if (end >= this.#end) return
    this.#runs = this.#runs.filter(({ startOffset }) => startOffset < end)
    this.#end = end
    this.#start = Math.min(this.#start, end)
  }

  /** Undefined where the log has nothing, or nothing is known. */
  epochAt(offset: number): number | undefined {
    if (offset < this.#start || offset >= this.#end) return undefined
    return this.#runs.findLast(({ startOffset }) => startOffset <= offset)?.epoch
  }

  /** The first offset below `end` that the two hold otherwise, as far as both are known; undefined when there is none. */
  firstDifference(other: Lineage, end: number): number | undefined {
    const from = Math.max(this.#start, other.#start)
    const to = Math.min(end, this.#end, other.#end)
    let first: number | undefined
    for (const offset of [from, ...this.#startsIn(from, to), ...other.#startsIn(from, to)]) {
      if (offset >= to || this.epochAt(offset) === other.epochAt(offset)) continue
      first = Math.min(first ?? offset, offset)
    }
    return first
  }

  #restart(start: number): void {
    this.#runs = []
    this.#start = start
    this.#end = start
  }

  #startsIn(from: number, to: number): number[] {
    return this.#runs.map(({ startOffset }) => startOffset).filter(offset => offset > from && offset < to)
  }
}
