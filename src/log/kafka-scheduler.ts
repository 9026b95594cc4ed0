import type { Runtime, Thread, Timer } from '../runtime/runtime.ts'

/** Longer waits are cut into pieces of this many milliseconds: hosts need not offer longer timers. */
const MAX_TIMER_MS = 2_147_483_647

export interface ScheduledTask {
  /** The task does not begin (again). One that runs now runs to its end. */
  cancel(): void
}

interface Entry {
  readonly name: string
  readonly body: () => Promise<void>
  /** Undefined: once. */
  readonly periodMs: number | undefined
  dueMs: number
  cancelled: boolean
}

/**
 * Background work at given times (Kafka's KafkaScheduler): each run is a thread of its own, at most `maxThreads` at a
 * time; more wait in the order in which they fell due. The number of tasks is bounded by what schedules them: a constant
 * number of periodic ones, and one for each file or directory that waits for its deletion.
 */
export class KafkaScheduler {
  readonly #runtime: Runtime
  readonly #maxThreads: number
  /** By due time, then by age. */
  readonly #waiting: Entry[] = []
  readonly #due: Entry[] = []
  readonly #running = new Set<Thread>()
  #timer: Timer | undefined
  #timerDueMs = Infinity
  #stopped = false

  /** @param maxThreads `background.threads` */
  constructor(runtime: Runtime, maxThreads: number) {
    this.#runtime = runtime
    this.#maxThreads = maxThreads
  }

  /**
   * Runs a task once after `delayMs`, or every `periodMs` from then on. A run that takes longer than the period delays the
   * next one. A period beyond 2^53 ms means never. After `shutdown` nothing is scheduled any more.
   */
  schedule(name: string, body: () => Promise<void>, delayMs: number, periodMs?: number): ScheduledTask {
    const entry: Entry = { name, body, periodMs, dueMs: this.#runtime.clock.monotonicMs() + delayMs, cancelled: false }
    if (!this.#stopped && Number.isSafeInteger(Math.ceil(delayMs)) && (periodMs ?? 0) <= Number.MAX_SAFE_INTEGER) {
      this.#insert(entry)
      this.#arm()
    }
    return {
      cancel: () => {
        entry.cancelled = true
        this.#remove(entry)
      },
    }
  }

  /** Cancels what has not begun and waits for what runs. */
  async shutdown(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#waiting.length = 0
    this.#due.length = 0
    await Promise.all([...this.#running].map(thread => thread.done))
  }

  #insert(entry: Entry): void {
    const index = this.#waiting.findLastIndex(other => other.dueMs <= entry.dueMs)
    this.#waiting.splice(index + 1, 0, entry)
  }

  #remove(entry: Entry): void {
    for (const list of [this.#waiting, this.#due]) {
      const index = list.indexOf(entry)
      if (index >= 0) list.splice(index, 1)
    }
  }

  #arm(): void {
    const first = this.#waiting[0]
    if (first === undefined || this.#timerDueMs <= first.dueMs) return
    this.#timer?.cancel()
    const delayMs = Math.min(MAX_TIMER_MS, Math.max(0, first.dueMs - this.#runtime.clock.monotonicMs()))
    this.#timerDueMs = first.dueMs
    this.#timer = this.#runtime.timers.after(delayMs, () => this.#onTimer())
  }

  #onTimer(): void {
    this.#timerDueMs = Infinity
    const nowMs = this.#runtime.clock.monotonicMs()
    for (let first = this.#waiting[0]; first !== undefined && first.dueMs <= nowMs; first = this.#waiting[0]) {
      this.#waiting.shift()
      this.#due.push(first)
    }
    this.#startDue()
    this.#arm()
  }

  #startDue(): void {
    while (this.#running.size < this.#maxThreads) {
      const entry = this.#due.shift()
      if (entry === undefined) return
      const thread = this.#runtime.threads.start(entry.name, () => this.#run(entry, () => thread))
      this.#running.add(thread)
    }
  }

  async #run(entry: Entry, thread: () => Thread): Promise<void> {
    try {
      await entry.body()
    } finally {
      this.#running.delete(thread())
      if (entry.periodMs !== undefined && !entry.cancelled && !this.#stopped) {
        entry.dueMs = Math.max(this.#runtime.clock.monotonicMs(), entry.dueMs + entry.periodMs)
        this.#insert(entry)
      }
      if (!this.#stopped) {
        this.#startDue()
        this.#arm()
      }
    }
  }
}
