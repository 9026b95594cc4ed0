import type { Parker, Runtime, Timer } from './runtime.ts'

/**
 * A place where threads wait for something to change. Threads run alone between waits, so no lock goes with it: test,
 * wait, test again.
 */
export class Condition {
  readonly #runtime: Runtime
  readonly #reason: string
  readonly #waiters = new Set<Waiter>()

  constructor(runtime: Runtime, reason: string) {
    this.#runtime = runtime
    this.#reason = reason
  }

  /** Threads that wait now. */
  get waiting(): number {
    return this.#waiters.size
  }

  /** Waits for a signal: true. With `timeoutMs`, at most that long: false when it ran out first. */
  async wait(timeoutMs?: number): Promise<boolean> {
    const waiter: Waiter = { parker: this.#runtime.threads.park(this.#reason), signalled: false, timer: undefined }
    this.#waiters.add(waiter)
    if (timeoutMs !== undefined) {
      waiter.timer = this.#runtime.timers.after(timeoutMs, () => {
        this.#waiters.delete(waiter)
        waiter.parker.unpark()
      })
    }
    await waiter.parker.parked
    return waiter.signalled
  }

  /** Wakes the thread that has waited longest; nothing when none waits. */
  signal(): void {
    for (const waiter of this.#waiters) {
      this.#wake(waiter)
      return
    }
  }

  /** Wakes all threads that wait now, longest wait first. */
  signalAll(): void {
    for (const waiter of this.#waiters) this.#wake(waiter)
  }

  #wake(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    waiter.timer?.cancel()
    waiter.signalled = true
    waiter.parker.unpark()
  }
}

interface Waiter {
  readonly parker: Parker
  signalled: boolean
  timer: Timer | undefined
}
