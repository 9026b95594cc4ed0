/** A cleaning is to end: the log is about to be truncated or deleted, or is no longer compacted. */
export class LogCleaningAbortedError extends Error {
  override readonly name = 'LogCleaningAbortedError'
}

/** A cleaning is to end, since the cleaner does (Kafka's ThreadShutdownException). */
export class CleanerShutdownError extends Error {
  override readonly name = 'CleanerShutdownError'
}
