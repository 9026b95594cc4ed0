import { Condition } from '../../runtime/condition.ts'
import { Mutex } from '../../runtime/mutex.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { clientTimeMs } from '../client-time.ts'
import { BufferExhaustedException } from '../errors.ts'

/** In Kafka each would be a blocked thread of the application. One more fails at once. */
const MAX_BLOCKED_SENDS = 100_000

interface TopicQueue {
  readonly mutex: Mutex
  sends: number
}

/**
 * Sends that wait for metadata or memory: those of one topic one after the other, in the order in which they were called, as if
 * one thread had called them. So records of a partition keep their order though nobody awaits the call before.
 */
export class BlockedSends {
  readonly #runtime: Runtime
  readonly #queues = new Map<string, TopicQueue>()
  /** In the order in which they came. */
  readonly #tickets = new Set<number>()
  readonly #changed: Condition
  #nextTicket = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#changed = new Condition(runtime, 'KafkaProducer blocked sends')
  }

  /** Whether no send to the topic waits: then the next one may go ahead. */
  isIdle(topic: string): boolean {
    return !this.#queues.has(topic)
  }

  /**
   * Runs what may wait, when all earlier sends to the topic are through.
   *
   * @throws BufferExhaustedException when too many wait already
   */
  async run<T>(topic: string, body: () => Promise<T>): Promise<T> {
    if (this.#tickets.size >= MAX_BLOCKED_SENDS) {
      throw new BufferExhaustedException(`${MAX_BLOCKED_SENDS} sends wait for metadata or memory already`)
    }
    const ticket = this.#nextTicket++
    this.#tickets.add(ticket)
    const queue = this.#queues.get(topic) ?? { mutex: new Mutex(this.#runtime, `sends to ${topic}`), sends: 0 }
    this.#queues.set(topic, queue)
    queue.sends++
    try {
      return await queue.mutex.runExclusive(body)
    } finally {
      queue.sends--
      if (queue.sends === 0) this.#queues.delete(topic)
      this.#tickets.delete(ticket)
      this.#changed.signalAll()
    }
  }

  /** Waits until all sends that wait now are through, at most `timeoutMs`. */
  async awaitAll(timeoutMs: number): Promise<void> {
    const lastTicket = this.#nextTicket - 1
    const startMs = clientTimeMs(this.#runtime)
    while (this.#waitsUpTo(lastTicket)) {
      const remainingMs = timeoutMs - (clientTimeMs(this.#runtime) - startMs)
      if (remainingMs <= 0) return
      await this.#changed.wait(Number.isFinite(remainingMs) ? remainingMs : undefined)
    }
  }

  #waitsUpTo(ticket: number): boolean {
    for (const oldest of this.#tickets) return oldest <= ticket
    return false
  }
}
