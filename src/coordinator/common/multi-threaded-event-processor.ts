import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { Runtime, Thread } from '../../runtime/runtime.ts'
import type { CoordinatorEvent } from './coordinator-event.ts'
import { EventAccumulator } from './event-accumulator.ts'

/** Microseconds of processor time for one event: an order of magnitude, not a measurement. */
const EVENT_COST_US = 20

/** Runs events on a few threads, those of one shard one after the other (Kafka's MultiThreadedEventProcessor). */
export class MultiThreadedEventProcessor {
  readonly #runtime: Runtime
  readonly #accumulator: EventAccumulator
  readonly #threads: readonly Thread[]
  #shuttingDown = false

  /** Starts the threads `<name>-0` and so on. */
  constructor(runtime: Runtime, name: string, numThreads: number) {
    this.#runtime = runtime
    this.#accumulator = new EventAccumulator(runtime, name)
    this.#threads = Array.from({ length: numThreads }, (_, index) =>
      runtime.threads.start(`${name}-${index}`, () => this.#handleEvents()),
    )
  }

  /** Events that wait for a thread. */
  get size(): number {
    return this.#accumulator.size
  }

  /** Exactly one of the event's methods will be called. Throws NOT_COORDINATOR once closed. */
  enqueueLast(event: CoordinatorEvent): void {
    if (!this.#accumulator.addLast(event)) throw closedError()
  }

  /** As `enqueueLast`, before the shard's other events. */
  enqueueFirst(event: CoordinatorEvent): void {
    if (!this.#accumulator.addFirst(event)) throw closedError()
  }

  /** Ends the events that wait with NOT_COORDINATOR; resolves when those that run are done and the threads have ended. */
  async close(): Promise<void> {
    this.#shuttingDown = true
    this.#accumulator.close()
    await Promise.all(this.#threads.map(({ done }) => done))
  }

  async #handleEvents(): Promise<void> {
    for (;;) {
      const event = await this.#accumulator.take()
      if (event === undefined) return
      try {
        if (this.#shuttingDown) {
          event.complete(closedError())
        } else {
          await this.#runtime.threads.spend(EVENT_COST_US)
          await event.run()
        }
      } catch (error) {
        event.complete(error instanceof Error ? error : new Error(String(error)))
      } finally {
        this.#accumulator.done(event)
      }
    }
  }
}

function closedError(): ApiError {
  return new ApiError(ErrorCode.NOT_COORDINATOR, 'the coordinator is shut down')
}
