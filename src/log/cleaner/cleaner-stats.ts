import type { Clock } from '../../runtime/runtime.ts'

/** What one cleaning of one log read and wrote (Kafka's CleanerStats). */
export class CleanerStats {
  /** Bytes read for the offset map. */
  mapBytesRead = 0
  mapMessagesRead = 0
  bytesRead = 0
  bytesWritten = 0
  messagesRead = 0
  messagesWritten = 0
  /** Records without a key, which do not belong in a compacted log: they go. */
  invalidMessagesRead = 0
  /** Share of the offset map that was used. */
  bufferUtilization = 0
  readonly #clock: Clock
  readonly #startMs: number
  #endMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startMs = clock.monotonicMs()
  }

  allDone(): void {
    this.#endMs = this.#clock.monotonicMs()
  }

  /** How long it took; so far, while it goes on. */
  get elapsedMs(): number {
    return (this.#endMs ?? this.#clock.monotonicMs()) - this.#startMs
  }
}
