import type { Runtime } from '../../runtime/runtime.ts'
import type { ConsumerParts } from './consumer-parts.ts'
import type { CollectedFetch } from './fetch-collector.ts'
import { Timer } from './timer.ts'

/** Never without any pause while there is time: what is overdue is for another thread, which must get its turn. */
const MIN_POLL_MS = 1

/** The work within a consumer's `poll`: group, positions, fetches (that part of Kafka's ClassicKafkaConsumer). */
export class ConsumerPoller<K, V> {
  readonly #runtime: Runtime
  readonly #parts: ConsumerParts<K, V>
  #hasAllFetchPositions = false

  constructor(runtime: Runtime, parts: ConsumerParts<K, V>) {
    this.#runtime = runtime
    this.#parts = parts
  }

  /** Waits for records, or for positions that move over what applications do not see; undefined when time ran out. */
  async poll(timer: Timer): Promise<CollectedFetch<K, V> | undefined> {
    const { client, membership } = this.#parts
    do {
      client.maybeTriggerWakeup()
      if (membership === undefined || (await membership.poll(timer, false))) await this.updateFetchPositions(timer)
      const fetch = await this.#pollForFetches(timer)
      if (fetch.isEmpty) continue
      // The next fetches go out before the application works on these.
      this.#sendFetches()
      client.transmitSends()
      return fetch
    } while (timer.notExpired)
    return undefined
  }

  /** Begins to look for positions that are missing or in doubt. */
  async updateFetchPositions(timer: Timer): Promise<void> {
    const { membership, offsetFetcher, positionsValidator, subscriptions } = this.#parts
    positionsValidator.validatePositionsIfNeeded()
    this.#hasAllFetchPositions = subscriptions.hasAllFetchPositions
    if (this.#hasAllFetchPositions) return
    const initialized =
      membership === undefined
        ? subscriptions.initializingPartitions()
        : await membership.initWithCommittedOffsetsIfNeeded(timer)
    if (initialized === undefined) return
    subscriptions.resetInitializingPositions(initialized)
    offsetFetcher.resetPositionsIfNeeded()
  }

  async #pollForFetches(timer: Timer): Promise<CollectedFetch<K, V>> {
    const { client, membership, fetcher, retryBackoffMs } = this.#parts
    const toNextPollMs = Math.max(membership?.timeToNextPollMs ?? Number.POSITIVE_INFINITY, MIN_POLL_MS)
    const pollTimeoutMs = Math.min(toNextPollMs, timer.remainingMs)
    const fetch = fetcher.collectFetch()
    if (!fetch.isEmpty) return fetch
    this.#sendFetches()
    // A lookup of positions may have failed: it is to be tried again soon.
    const timeoutMs = this.#hasAllFetchPositions ? pollTimeoutMs : Math.min(pollTimeoutMs, retryBackoffMs)
    const isIdle = () => !fetcher.hasAvailableFetches && membership?.isPollDue !== true
    await client.poll(new Timer(this.#runtime, timeoutMs), isIdle)
    return fetcher.collectFetch()
  }

  #sendFetches(): void {
    const { fetcher, metrics, positionsValidator, subscriptions } = this.#parts
    positionsValidator.validatePositionsOnMetadataChange()
    metrics.maybeUpdateAssignment(subscriptions.assignmentId, () => subscriptions.assignedPartitions())
    fetcher.sendFetches()
  }
}
