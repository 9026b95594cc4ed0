import { Condition } from '../../runtime/condition.ts'
import type { RandomStream, Runtime } from '../../runtime/runtime.ts'
import type { CoordinatorEvent } from './coordinator-event.ts'

/**
 * Events that wait for a thread (Kafka's EventAccumulator): those of one key in order, one at a time; of the keys that have
 * some, a random one is next, so that none starves. What waits is bounded by who brings it: a request in flight per
 * connection, and for each shard its timers and a few internal events.
 */
export class EventAccumulator {
  readonly #random: RandomStream
  readonly #available: Condition
  readonly #queues = new Map<string, CoordinatorEvent[]>()
  /** Keys with events of which none is being run. */
  readonly #availableKeys: string[] = []
  readonly #inflightKeys = new Set<string>()
  #size = 0
  #closed = false

  constructor(runtime: Runtime, name: string) {
    this.#random = runtime.random.stream(`${name} event accumulator`)
    this.#available = new Condition(runtime, `${name} events`)
  }

  /** Events that wait. */
  get size(): number {
    return this.#size
  }

  /** Returns whether the event was taken: not once the accumulator is closed. */
  addLast(event: CoordinatorEvent): boolean {
    return this.#add(event, (queue, added) => queue.push(added))
  }

  /** As `addLast`, but before the key's other events. */
  addFirst(event: CoordinatorEvent): boolean {
    return this.#add(event, (queue, added) => queue.unshift(added))
  }

  /** The next event, which is to be given to `done` afterwards; undefined once the accumulator is closed and empty. */
  async take(): Promise<CoordinatorEvent | undefined> {
    for (;;) {
      const key = this.#takeKey()
      if (key !== undefined) return this.#takeEvent(key)
      if (this.#closed) return undefined
      await this.#available.wait()
    }
  }

  /** The event has run: the next one of its key may. */
  done({ key }: CoordinatorEvent): void {
    this.#inflightKeys.delete(key)
    if (this.#queues.has(key)) this.#makeAvailable(key)
  }

  /** Takes no more events, and lets waiting threads see it. */
  close(): void {
    this.#closed = true
    this.#available.signalAll()
  }

  #add(event: CoordinatorEvent, put: (queue: CoordinatorEvent[], event: CoordinatorEvent) => void): boolean {
    if (this.#closed) return false
    const { key } = event
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      queue = []
      this.#queues.set(key, queue)
      if (!this.#inflightKeys.has(key)) this.#makeAvailable(key)
    }
    put(queue, event)
    this.#size += 1
    return true
  }

  #makeAvailable(key: string): void {
    this.#availableKeys.push(key)
    this.#available.signal()
  }

  #takeKey(): string | undefined {
    const last = this.#availableKeys.length - 1
    const index = last <= 0 ? last : this.#random.int(0, last)
    return index < 0 ? undefined : this.#availableKeys.splice(index, 1)[0]
  }

  #takeEvent(key: string): CoordinatorEvent | undefined {
    const queue = this.#queues.get(key)
    const event = queue?.shift()
    if (queue?.length === 0) this.#queues.delete(key)
    this.#inflightKeys.add(key)
    this.#size -= 1
    return event
  }
}
