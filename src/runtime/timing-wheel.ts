import type { TimerTaskEntry } from './timer-task.ts'

/**
 * A hierarchical timing wheel, as Kafka's `TimingWheel`: level 0 has `wheelSize` buckets of one tick, each level above
 * has buckets as long as the whole level below. Adding and removing take constant time however many entries there are.
 *
 * Unlike Kafka's, it does not have to be advanced when a coarse bucket begins, only when its earliest entry falls due:
 * `nextWakeMs` says when. An entry that waits alone therefore costs one wake-up, not one a level, and an empty wheel none.
 *
 * The number of levels follows the longest delay: at most 13 with 20 buckets each, for 2^53 ms.
 */
export class TimingWheel {
  readonly #wheelSize: number
  readonly #levels: Level[] = []

  /**
   * @param tickMs length of a bucket of the lowest level, ≥ 1
   * @param wheelSize buckets of a level, ≥ 2
   * @param startMs the clock's time now
   */
  constructor(tickMs: number, wheelSize: number, startMs: number) {
    if (!Number.isInteger(tickMs) || tickMs < 1 || !Number.isInteger(wheelSize) || wheelSize < 2) {
      throw new RangeError(`a timing wheel needs a tick of ≥ 1 ms and ≥ 2 buckets, not ${tickMs} ms and ${wheelSize}`)
    }
    this.#wheelSize = wheelSize
    this.#levels.push(new Level(tickMs, wheelSize, startMs))
  }

  /** Puts an entry where it belongs; false, and nothing put, when it is due already. */
  add(entry: TimerTaskEntry): boolean {
    const { expirationMs } = entry
    let level = this.#levels[0]
    if (level === undefined || expirationMs < level.currentMs + level.tickMs) return false
    for (let above = 1; expirationMs >= level.currentMs + level.intervalMs; above += 1)
      level = this.#level(above, level)
    level.put(entry)
    return true
  }

  /** Takes an entry out again; nothing when it is not in. */
  remove(entry: TimerTaskEntry): void {
    entry.bucket?.delete(entry)
    entry.bucket = undefined
  }

  /**
   * When to call `advanceTo` next; Infinity when the wheel is empty. Never later than the earliest entry; earlier only
   * when an earlier entry was removed.
   */
  get nextWakeMs(): number {
    let wakeMs = Number.POSITIVE_INFINITY
    for (const level of this.#levels) {
      const first = level.firstBucket()
      if (first !== undefined && first.earliestMs < wakeMs) wakeMs = first.earliestMs
    }
    return wakeMs
  }

  /** Moves the clock on and hands out every entry that is due by then, in order of time. */
  advanceTo(timeMs: number, due: (entry: TimerTaskEntry) => void): void {
    for (let bucket = this.#firstBucket(); bucket !== undefined && bucket.startMs <= timeMs; ) {
      this.#setClock(bucket.startMs)
      const entries = [...bucket.entries]
      bucket.entries.clear()
      for (const entry of entries) {
        entry.bucket = undefined
        if (!this.add(entry)) due(entry)
      }
      bucket = this.#firstBucket()
    }
    this.#setClock(timeMs)
  }

  #level(index: number, below: Level): Level {
    let level = this.#levels[index]
    if (level === undefined) {
      level = new Level(below.intervalMs, this.#wheelSize, below.currentMs)
      this.#levels.push(level)
    }
    return level
  }

  /** The bucket that begins first; of several the coarsest, whose entries have waited longest. */
  #firstBucket(): Bucket | undefined {
    let first: Bucket | undefined
    for (const level of this.#levels) {
      const candidate = level.firstBucket()
      if (candidate !== undefined && (first === undefined || candidate.startMs <= first.startMs)) first = candidate
    }
    return first
  }

  #setClock(timeMs: number): void {
    for (const level of this.#levels) level.advanceTo(timeMs)
  }
}

class Level {
  readonly tickMs: number
  readonly intervalMs: number
  /** A multiple of the tick. */
  currentMs: number
  readonly #buckets: Bucket[]

  constructor(tickMs: number, wheelSize: number, startMs: number) {
    this.tickMs = tickMs
    this.intervalMs = tickMs * wheelSize
    this.currentMs = startMs - (startMs % tickMs)
    this.#buckets = Array.from({ length: wheelSize }, () => new Bucket())
  }

  put(entry: TimerTaskEntry): void {
    const tick = Math.floor(entry.expirationMs / this.tickMs)
    this.#buckets[tick % this.#buckets.length]?.put(entry, tick * this.tickMs)
  }

  advanceTo(timeMs: number): void {
    if (timeMs >= this.currentMs + this.tickMs) this.currentMs = timeMs - (timeMs % this.tickMs)
  }

  /** The first bucket with entries, going round from the current one. */
  firstBucket(): Bucket | undefined {
    const size = this.#buckets.length
    const current = (this.currentMs / this.tickMs) % size
    for (let step = 0; step < size; step += 1) {
      const bucket = this.#buckets[(current + step) % size]
      if (bucket !== undefined && bucket.entries.size > 0) return bucket
    }
    return undefined
  }
}

class Bucket {
  readonly entries = new Set<TimerTaskEntry>()
  startMs = 0
  /** No entry is due before; a removed one may have been. */
  earliestMs = 0

  put(entry: TimerTaskEntry, startMs: number): void {
    if (this.entries.size === 0 || entry.expirationMs < this.earliestMs) this.earliestMs = entry.expirationMs
    this.startMs = startMs
    this.entries.add(entry)
    entry.bucket = this.entries
  }
}
