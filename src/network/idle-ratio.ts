import type { Clock } from '../runtime/runtime.ts'

const WINDOW_MS = 30_000

/**
 * Share of time that something (a thread, an acceptor) spent waiting, over the last one to two windows. Kafka marks a
 * meter after each short poll; our threads sleep until woken, so the wait that is under way counts as well.
 */
export class IdleRatio {
  readonly #clock: Clock
  #windowStartMs: number
  #idleMs = 0
  #previousWindowMs = 0
  #previousIdleMs = 0
  #idleSinceMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#windowStartMs = clock.monotonicMs()
  }

  /** The waiting begins. */
  begin(): void {
    this.#idleSinceMs = this.#clock.monotonicMs()
  }

  /** The waiting is over. */
  end(): void {
    if (this.#idleSinceMs === undefined) return
    const now = this.#clock.monotonicMs()
    this.#account(now)
    this.#idleSinceMs = undefined
    this.#roll(now)
  }

  /** Between 0 (never waited) and 1 (always). */
  get value(): number {
    const now = this.#clock.monotonicMs()
    this.#account(now)
    this.#roll(now)
    const elapsedMs = this.#previousWindowMs + now - this.#windowStartMs
    if (elapsedMs <= 0) return this.#idleSinceMs === undefined ? 0 : 1
    return Math.min(1, (this.#previousIdleMs + this.#idleMs) / elapsedMs)
  }

  #account(now: number): void {
    if (this.#idleSinceMs === undefined) return
    this.#idleMs += now - this.#idleSinceMs
    this.#idleSinceMs = now
  }

  #roll(now: number): void {
    const windowMs = now - this.#windowStartMs
    if (windowMs < WINDOW_MS) return
    this.#previousWindowMs = windowMs
    this.#previousIdleMs = this.#idleMs
    this.#windowStartMs = now
    this.#idleMs = 0
  }
}
