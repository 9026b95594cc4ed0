import type { Parker, Runtime, Timer } from './runtime.ts'

/**
 * A place where threads wait for something to change. Threads run alone between waits, so no lock goes with it: test,
 * wait, test again.
 */
export class Condition {
  readonly #runtime: Runtime
  readonly #reason: string
  /** Longest wait first. Few: a list costs less than a set. */
  readonly #waiters: Waiter[] = []

  constructor(runtime: Runtime, reason: string) {
    this.#runtime = runtime
    this.#reason = reason
  }

  /** Threads that wait now. */
  get waiting(): number {
    return this.#waiters.length
  }

  /** Waits for a signal. */
  wait(): Promise<void>
  /** Waits for a signal, true, for at most `timeoutMs`: false when it ran out first. */
  wait(timeoutMs: number): Promise<boolean>
  wait(timeoutMs: number | undefined): Promise<unknown>
  wait(timeoutMs?: number): Promise<unknown> {
    const parker = this.#runtime.threads.park(this.#reason)
    const waiter: Waiter = { parker, signalled: false, timer: undefined }
    this.#waiters.push(waiter)
    if (timeoutMs === undefined) return parker.parked
    waiter.timer = this.#runtime.timers.after(timeoutMs, () => {
      const index = this.#waiters.indexOf(waiter)
      if (index >= 0) this.#waiters.splice(index, 1)
      parker.unpark()
    })
    return parker.parked.then(() => waiter.signalled)
  }

  /** Wakes the thread that has waited longest; nothing when none waits. */
  signal(): void {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) wake(waiter)
  }

  /** Wakes all threads that wait now, longest wait first. */
  signalAll(): void {
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) wake(waiter)
  }
}

interface Waiter {
  readonly parker: Parker
  signalled: boolean
  timer: Timer | undefined
}

function wake(waiter: Waiter): void {
  waiter.timer?.cancel()
  waiter.signalled = true
  waiter.parker.unpark()
}
