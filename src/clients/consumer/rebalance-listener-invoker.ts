import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { KafkaError, WakeupException } from '../errors.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { SubscriptionState } from './subscription-state.ts'

export interface RebalanceListenerInvokerOptions {
  readonly subscriptions: SubscriptionState
  readonly metrics: ConsumerMetrics
  /** Runs code of the application. */
  readonly callback: (body: () => void | Promise<void>) => Promise<void>
}

/**
 * Tells the application's listener of changes (Kafka's ConsumerRebalanceListenerInvoker). What it throws is returned, so
 * that the rebalance goes on to its end first; only `WakeupException` is thrown at once.
 */
export class RebalanceListenerInvoker {
  readonly #runtime: Runtime
  readonly #options: RebalanceListenerInvokerOptions

  constructor(runtime: Runtime, options: RebalanceListenerInvokerOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  revoked(partitions: readonly TopicPartition[]): Promise<Error | undefined> {
    const { metrics, subscriptions } = this.#options
    const listener = subscriptions.rebalanceListener
    return this.#invoke(metrics.partitionsRevokedLatency, () => listener?.onPartitionsRevoked?.(partitions))
  }

  assigned(partitions: readonly TopicPartition[]): Promise<Error | undefined> {
    const { metrics, subscriptions } = this.#options
    const listener = subscriptions.rebalanceListener
    return this.#invoke(metrics.partitionsAssignedLatency, () => listener?.onPartitionsAssigned?.(partitions))
  }

  lost(partitions: readonly TopicPartition[]): Promise<Error | undefined> {
    const { metrics, subscriptions } = this.#options
    const listener = subscriptions.rebalanceListener
    return this.#invoke(metrics.partitionsLostLatency, () =>
      listener?.onPartitionsLost === undefined
        ? listener?.onPartitionsRevoked?.(partitions)
        : listener.onPartitionsLost(partitions),
    )
  }

  async #invoke(
    recordLatency: (latencyMs: number) => void,
    body: () => void | Promise<void> | undefined,
  ): Promise<Error | undefined> {
    if (this.#options.subscriptions.rebalanceListener === undefined) return undefined
    const startMs = this.#runtime.clock.monotonicMs()
    try {
      await this.#options.callback(async () => {
        await body()
      })
      recordLatency(this.#runtime.clock.monotonicMs() - startMs)
      return undefined
    } catch (error) {
      if (error instanceof WakeupException) throw error
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}

/** What calls throw when the listener threw. */
export function listenerFailed(cause: Error): KafkaError {
  return new KafkaError(`user rebalance callback throws an error: ${cause.message}`, { cause })
}
