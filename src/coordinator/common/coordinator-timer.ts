import type { CoordinatorResult } from './coordinator-result.ts'

/**
 * Timers of one coordinator shard (Kafka's CoordinatorTimer). An operation runs as a write of the shard: in turn with its
 * other operations, its records appended, and not at all once the timer is cancelled or the shard is unloaded. An operation
 * whose records cannot be appended is tried again after a pause, unless it is no longer wanted.
 */
export interface CoordinatorTimer<R> {
  /** Sets the timer of that name, instead of the one that has the name already. `delayMs` ≥ 0. */
  schedule(key: string, delayMs: number, operation: TimeoutOperation<R>): void
  /** Sets the timer unless one of that name is set. */
  scheduleIfAbsent(key: string, delayMs: number, operation: TimeoutOperation<R>): void
  /** Idempotent. */
  cancel(key: string): void
  isScheduled(key: string): boolean
}

/** What is done when the time is up. An `ApiError` that it throws is the end of it. */
export type TimeoutOperation<R> = () => CoordinatorResult<void, R>
