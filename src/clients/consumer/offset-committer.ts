import { ErrorCode } from '../../protocol/errors.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { WakeupException } from '../errors.ts'
import type { ExponentialBackoff } from '../exponential-backoff.ts'
import {
  CommitFailedException,
  FencedInstanceIdException,
  hasCode,
  RetriableCommitFailedException,
} from './consumer-errors.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { CoordinatorConnection } from './coordinator-connection.ts'
import type { OffsetRequests, Offsets } from './offset-requests.ts'
import { isRetriable, type RequestFuture } from './request-future.ts'
import type { SubscriptionState } from './subscription-state.ts'
import { Timer } from './timer.ts'

/** Hears of the end of an asynchronous commit. @param error undefined: it is committed */
export type OffsetCommitCallback = (offsets: Offsets, error: Error | undefined) => void | Promise<void>

export interface OffsetCommitterOptions {
  readonly client: ConsumerNetworkClient
  readonly coordinator: CoordinatorConnection
  readonly requests: OffsetRequests
  readonly subscriptions: SubscriptionState
  readonly retryBackoff: ExponentialBackoff
  readonly retryBackoffMs: number
  /** `auto.commit.interval.ms`; undefined: `enable.auto.commit` is off. */
  readonly autoCommitIntervalMs: number | undefined
  readonly groupInstanceId: string | undefined
  /** Runs code of the application. */
  readonly callback: (body: () => void | Promise<void>) => Promise<void>
  /** Interceptors hear of it. */
  readonly onCommit: (offsets: Offsets) => void
  /** Hears of automatic commits that failed. */
  readonly onWarning: (message: string) => void
}

interface Completion {
  readonly callback: OffsetCommitCallback
  readonly offsets: Offsets
  readonly error: Error | undefined
}

/**
 * Commits offsets (that part of Kafka's ConsumerCoordinator). Callbacks run in the order in which their commits ended, in the
 * next call that polls or commits. Asynchronous commits are not bounded, as in Kafka: whoever commits more often than
 * the coordinator answers must wait for callbacks.
 */
export class OffsetCommitter {
  readonly #runtime: Runtime
  readonly #options: OffsetCommitterOptions
  readonly #completed: Completion[] = []
  readonly #autoCommitTimer: Timer
  #inFlightAsyncCommits = 0
  /** Wait for a coordinator. */
  #pendingAsyncCommits = 0
  #isFenced = false
  #autoCommit: RequestFuture<void> | undefined

  constructor(runtime: Runtime, options: OffsetCommitterOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#autoCommitTimer = new Timer(runtime, options.autoCommitIntervalMs ?? Number.POSITIVE_INFINITY)
  }

  /** Until the next automatic commit; Infinity: there is none. */
  get timeToNextAutoCommitMs(): number {
    return this.#autoCommitTimer.remainingMs
  }

  get isAutoCommitEnabled(): boolean {
    return this.#options.autoCommitIntervalMs !== undefined
  }

  /** Whether an automatic commit waits for its answer. */
  get isAutoCommitInFlight(): boolean {
    return this.#autoCommit?.isDone === false
  }

  /** Runs the callbacks of commits that have ended. @throws FencedInstanceIdException for ever, once one was fenced */
  async invokeCompletedCallbacks(): Promise<void> {
    if (this.#isFenced) {
      const { groupInstanceId = 'unset_instance_id' } = this.#options
      throw new FencedInstanceIdException(`get fenced exception for group.instance.id ${groupInstanceId}`)
    }
    for (let next = this.#completed.shift(); next !== undefined; next = this.#completed.shift()) {
      const { callback, offsets, error } = next
      await this.#options.callback(() => callback(offsets, error))
    }
  }

  /** Sends a commit. The future is undefined while there is no coordinator. */
  async commitAsync(offsets: Offsets, callback?: OffsetCommitCallback): Promise<RequestFuture<void> | undefined> {
    await this.invokeCompletedCallbacks()
    const { client, coordinator } = this.#options
    const now = () => new Timer(this.#runtime, 0)
    let future: RequestFuture<void> | undefined
    if (offsets.size === 0 || (await coordinator.ensureReady(now(), true))) {
      future = this.#send(offsets, callback)
    } else {
      this.#pendingAsyncCommits++
      coordinator.lookup().addListener({
        onSuccess: () => {
          this.#pendingAsyncCommits--
          this.#send(offsets, callback)
        },
        onFailure: error => {
          this.#pendingAsyncCommits--
          this.#complete(offsets, callback, new RetriableCommitFailedException(error))
        },
      })
    }
    await client.pollNoWakeup(now())
    return future
  }

  /**
   * Commits, and tries again while that can help; false when time ran out. Without offsets it waits for asynchronous commits.
   *
   * @throws CommitFailedException, RebalanceInProgressException, KafkaError
   */
  async commitSync(offsets: Offsets, timer: Timer): Promise<boolean> {
    const { client, coordinator, onCommit, requests, retryBackoff } = this.#options
    await this.invokeCompletedCallbacks()
    if (offsets.size === 0) return this.#awaitAsyncCommits(timer)
    let attempts = 0
    do {
      if (!(await coordinator.ensureReady(timer))) return false
      const future = requests.commit(offsets)
      await client.pollUntilDone(future, timer)
      // Commits that were sent before have ended before.
      await this.invokeCompletedCallbacks()
      if (future.succeeded) {
        onCommit(offsets)
        return true
      }
      if (future.failed && !future.isRetriable) throw commitSyncError(future.exception)
      await timer.sleep(retryBackoff.backoff(attempts++))
    } while (timer.notExpired)
    return false
  }

  /** Commits what was read when it is time. */
  async maybeAutoCommitAsync(): Promise<void> {
    const { autoCommitIntervalMs } = this.#options
    if (autoCommitIntervalMs === undefined || !this.#autoCommitTimer.isExpired) return
    this.#autoCommitTimer.reset(autoCommitIntervalMs)
    await this.autoCommitAsync()
  }

  /** Commits what was read now. */
  async autoCommitAsync(): Promise<RequestFuture<void> | undefined> {
    const { onWarning, retryBackoffMs, subscriptions } = this.#options
    this.#autoCommit = await this.commitAsync(subscriptions.allConsumed(), (_, error) => {
      if (error instanceof RetriableCommitFailedException) this.#autoCommitTimer.reset(retryBackoffMs)
      else if (error !== undefined) onWarning(`automatic commit of offsets failed: ${error.message}`)
    })
    return this.#autoCommit
  }

  /** A new assignment: the interval begins anew. */
  resetAutoCommitTimer(): void {
    const { autoCommitIntervalMs } = this.#options
    if (autoCommitIntervalMs !== undefined) this.#autoCommitTimer.reset(autoCommitIntervalMs)
  }

  /** Commits what was read, if that is automatic, and waits for commits that were sent; whatever they come to. */
  async close(timer: Timer): Promise<void> {
    const { client, coordinator, onWarning, subscriptions } = this.#options
    if (this.isAutoCommitEnabled) {
      try {
        await this.commitSync(subscriptions.allConsumed(), timer)
      } catch (error) {
        if (!(error instanceof Error) || error instanceof WakeupException) throw error
        onWarning(`automatic commit of offsets failed: ${error.message}`)
      }
    }
    while (this.#pendingAsyncCommits > 0 && timer.notExpired) {
      await coordinator.ensureReady(timer)
      await client.poll(timer)
      await this.invokeCompletedCallbacks()
    }
  }

  #send(offsets: Offsets, callback: OffsetCommitCallback | undefined): RequestFuture<void> {
    const future = this.#options.requests.commit(offsets)
    this.#inFlightAsyncCommits++
    future.addListener({
      onSuccess: () => {
        this.#inFlightAsyncCommits--
        this.#options.onCommit(offsets)
        this.#complete(offsets, callback, undefined)
      },
      onFailure: error => {
        this.#inFlightAsyncCommits--
        this.#complete(offsets, callback, isRetriable(error) ? new RetriableCommitFailedException(error) : error)
        if (hasCode(error, ErrorCode.FENCED_INSTANCE_ID)) this.#isFenced = true
      },
    })
    return future
  }

  #complete(offsets: Offsets, callback: OffsetCommitCallback | undefined, error: Error | undefined): void {
    if (callback !== undefined) this.#completed.push({ callback, offsets, error })
    else if (error !== undefined) this.#options.onWarning(`asynchronous commit of offsets failed: ${error.message}`)
  }

  async #awaitAsyncCommits(timer: Timer): Promise<boolean> {
    const { client, coordinator, retryBackoff } = this.#options
    for (let attempts = 0; this.#inFlightAsyncCommits > 0; attempts++) {
      if (attempts > 0 && timer.isExpired) return false
      await coordinator.ensureReady(timer)
      await client.poll(timer)
      await this.invokeCompletedCallbacks()
      if (this.#inFlightAsyncCommits > 0) await timer.sleep(retryBackoff.backoff(attempts))
    }
    return true
  }
}

/** What a caller who waits is told. */
function commitSyncError(error: Error): Error {
  if (!hasCode(error, ErrorCode.STALE_MEMBER_EPOCH)) return error
  return new CommitFailedException(
    'OffsetCommit failed with stale member epoch: the member was told another one since',
    {
      cause: error,
    },
  )
}
