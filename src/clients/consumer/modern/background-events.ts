import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { WakeupException } from '../../errors.ts'
import { compareTopicPartitions } from '../../topic-partition-map.ts'
import { listenerFailed, type RebalanceListenerInvoker } from '../rebalance-listener-invoker.ts'
import { RequestFuture } from '../request-future.ts'

type Callback = 'assigned' | 'lost' | 'revoked'

type BackgroundEvent =
  | { readonly type: 'error'; readonly error: Error }
  | {
      readonly type: 'callback'
      readonly callback: Callback
      readonly partitions: readonly TopicPartition[]
      readonly future: RequestFuture<void>
    }

/**
 * What the background has for the application's thread: calls of the rebalance listener, and errors to throw (Kafka's
 * BackgroundEventHandler). Bounded: of errors in a row the last one is kept, and callbacks wait for each other: one of a
 * reconciliation, one of an assignment that is lost.
 */
export class BackgroundEvents {
  readonly #invoker: RebalanceListenerInvoker
  #events: BackgroundEvent[] = []

  constructor(invoker: RebalanceListenerInvoker) {
    this.#invoker = invoker
  }

  get isEmpty(): boolean {
    return this.#events.length === 0
  }

  addError(error: Error): void {
    if (this.#events.at(-1)?.type === 'error') this.#events.pop()
    this.#events.push({ type: 'error', error })
  }

  /** Lets the listener hear of it; the future ends as its call does. */
  call(callback: Callback, partitions: readonly TopicPartition[]): RequestFuture<void> {
    const future = new RequestFuture<void>()
    const sorted = partitions.toSorted(compareTopicPartitions)
    this.#events.push({ type: 'callback', callback, partitions: sorted, future })
    return future
  }

  /** Runs all there are, then throws the first error. @returns whether there were any */
  async process(): Promise<boolean> {
    const events = this.#events
    this.#events = []
    const errors: Error[] = []
    for (const event of events) {
      if (event.type === 'error') errors.push(event.error)
      else {
        const error = await this.#run(event.callback, event.partitions, event.future)
        if (error !== undefined) errors.push(error)
      }
    }
    if (errors[0] !== undefined) throw errors[0]
    return events.length > 0
  }

  /** Returns what the listener threw. */
  async #run(
    callback: Callback,
    partitions: readonly TopicPartition[],
    future: RequestFuture<void>,
  ): Promise<Error | undefined> {
    const error = await this.#invoke(callback, partitions)
    if (error === undefined) future.complete()
    else future.raise(error)
    return error
  }

  async #invoke(callback: Callback, partitions: readonly TopicPartition[]): Promise<Error | undefined> {
    try {
      const error = await this.#invoker[callback](partitions)
      return error === undefined ? undefined : listenerFailed(error)
    } catch (wakeup) {
      // A wakeup within the listener. Java leaves the rebalance unfinished then, until the group throws the member out; here
      // it is a listener that failed, and the next poll begins again.
      if (wakeup instanceof WakeupException) return wakeup
      throw wakeup
    }
  }
}
