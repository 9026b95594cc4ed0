/**
 * What a coordinator makes of an operation (Kafka's CoordinatorResult): the records to append, all or none, and the answer,
 * which is given once they are committed; at once when there are none.
 */
export interface CoordinatorResult<T, R> {
  readonly records: readonly R[]
  readonly response: T
  /**
   * Told how the append ended, besides whoever asked (Kafka's `appendFuture`): undefined once the records are committed,
   * else why they are not. For answers that others wait for too, such as those of a JoinGroup.
   */
  readonly onAppended?: (error: Error | undefined) => void
  /** Whether the records are applied to the state when they are written; default true. False: it has them already. */
  readonly replayRecords?: boolean
  /** Whether the records must be in one batch, all or none; default true. False where each of them makes sense alone. */
  readonly isAtomic?: boolean
}

/** A result without records. */
export function answer<T, R = never>(response: T): CoordinatorResult<T, R> {
  return { records: [], response }
}
