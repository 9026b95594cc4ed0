import { TimerTask } from './timer-task.ts'

/**
 * An operation that is completed when it can be, and at the latest after `delayMs`: a fetch that waits for bytes, a
 * produce that waits for replicas (Kafka's `DelayedOperation`). `onComplete` is called exactly once.
 */
export abstract class DelayedOperation extends TimerTask {
  #completed = false

  get isCompleted(): boolean {
    return this.#completed
  }

  /**
   * Completes the operation by `forceComplete` if it can be completed now; returns whether this call completed it. Has
   * no effect otherwise; it is called again and again.
   */
  abstract tryComplete(): boolean

  /** What to do when the operation completes, in time or not. May start asynchronous work; nobody waits for it. */
  abstract onComplete(): void

  /** Called after `onComplete` when the operation completed because its time ran out. */
  abstract onExpiration(): void

  /** Completes the operation whether or not it can be; returns false, without effect, when it is completed already. */
  forceComplete(): boolean {
    if (this.#completed) return false
    this.#completed = true
    this.cancel()
    this.onComplete()
    return true
  }

  /** The timer's call when the delay is over. */
  override run(): void {
    if (this.forceComplete()) this.onExpiration()
  }
}
