import type { CoordinatorResult } from './coordinator-result.ts'

/**
 * Work of one coordinator shard that is too long for its turn (Kafka's CoordinatorExecutor). A task runs beside the shard and
 * must not touch its state; what came of it is then given to an operation, which runs as a write of the shard. A task whose
 * result cannot be written, or comes when the shard is gone, is lost: whoever wants it schedules it again.
 */
export interface CoordinatorExecutor<R> {
  /** Returns false, and does nothing, when a task of that key is under way. */
  schedule<T>(key: string, task: () => T, operation: (result: T) => CoordinatorResult<void, R>): boolean
  isScheduled(key: string): boolean
  /** The task's result, if it is under way, counts for nothing. Idempotent. */
  cancel(key: string): void
}
