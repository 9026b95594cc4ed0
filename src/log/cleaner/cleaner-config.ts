/** How compacted logs are cleaned (Kafka's CleanerConfig). */
export interface CleanerConfig {
  /** `log.cleaner.threads` */
  readonly numThreads: number
  /** `log.cleaner.dedupe.buffer.size`: bytes for keys, of all threads together. */
  readonly dedupeBufferSize: number
  /** `log.cleaner.io.buffer.load.factor`: share of that memory which keys may fill, from 0 to 1. */
  readonly dedupeBufferLoadFactor: number
  /** `log.cleaner.io.buffer.size`: bytes read at once, of all threads together, twice. */
  readonly ioBufferSize: number
  /** `log.cleaner.io.max.bytes.per.second`: bytes read and written, of all threads together. */
  readonly maxIoBytesPerSecond: number
  /** `log.cleaner.backoff.ms`: the pause when there is nothing to clean. */
  readonly backoffMs: number
}

export const DEFAULT_CLEANER_CONFIG: CleanerConfig = {
  numThreads: 1,
  dedupeBufferSize: 134_217_728,
  dedupeBufferLoadFactor: 0.9,
  ioBufferSize: 524_288,
  maxIoBytesPerSecond: Number.MAX_VALUE,
  backoffMs: 15_000,
}
