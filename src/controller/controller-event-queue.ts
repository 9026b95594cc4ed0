import { BoundedQueue } from '../runtime/bounded-queue.ts'
import type { Runtime, Thread } from '../runtime/runtime.ts'

/** Events that wait at most; whoever brings one more waits for room. */
const CAPACITY = 1000

/** A step of the controller. */
export interface ControllerEvent {
  /** Gives the processor time that it took, in microseconds. */
  run(): number
  /** Called instead of `run` when the queue is closed before. */
  cancel(): void
}

export interface ControllerEventQueueOptions {
  readonly name: string
  /** When `onDeadline` is due, in monotonic milliseconds; undefined: not before the next event. */
  readonly nextDeadlineMs: () => number | undefined
  /** Called when the deadline has passed, also between events that keep coming. Must move the deadline on. */
  readonly onDeadline: () => number
  /** Called on the thread as its last act. */
  readonly onClosed: () => void
  /** Called when an event has thrown. */
  readonly onFault: (error: unknown) => void
}

/** One thread that runs events one after the other (Kafka's KafkaEventQueue). */
export class ControllerEventQueue {
  readonly #runtime: Runtime
  readonly #options: ControllerEventQueueOptions
  readonly #events: BoundedQueue<ControllerEvent>
  #thread: Thread | undefined
  #closing = false
  #closed = false

  constructor(runtime: Runtime, options: ControllerEventQueueOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#events = new BoundedQueue(runtime, `${options.name} events`, CAPACITY)
  }

  start(): void {
    this.#thread = this.#runtime.threads.start(`${this.#options.name}-event-handler`, () => this.#loop())
  }

  /** Queues an event, waiting for room. Exactly one of its methods will be called, once. */
  async append(event: ControllerEvent): Promise<void> {
    if (this.#closed) event.cancel()
    else await this.#events.put(event)
    if (this.#closed) this.#cancelAll()
  }

  /** No event is begun any more. */
  beginShutdown(): void {
    if (this.#closing) return
    this.#closing = true
    // Wakes the thread; when the queue is full it is awake.
    this.#events.offer({ run: () => 0, cancel: () => {} })
  }

  async close(): Promise<void> {
    this.beginShutdown()
    await this.#thread?.done
  }

  async #loop(): Promise<void> {
    try {
      while (!this.#closing) {
        const cost = await this.#next()
        if (cost > 0) await this.#runtime.threads.spend(cost)
      }
    } catch (error) {
      this.#closing = true
      this.#options.onFault(error)
    }
    this.#closed = true
    this.#options.onClosed()
    this.#cancelAll()
  }

  /** Also makes room for those who wait to bring an event, so that they see that it is too late. */
  #cancelAll(): void {
    for (let event = this.#events.poll(); event !== undefined; event = this.#events.poll()) event.cancel()
  }

  async #next(): Promise<number> {
    const deadlineMs = this.#options.nextDeadlineMs()
    if (deadlineMs === undefined) return (await this.#events.take())?.run() ?? 0
    const leftMs = deadlineMs - this.#runtime.clock.monotonicMs()
    if (leftMs <= 0) return this.#options.onDeadline() + (this.#events.poll()?.run() ?? 0)
    return (await this.#events.take(leftMs))?.run() ?? 0
  }
}
