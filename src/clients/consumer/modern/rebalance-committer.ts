import { ErrorCode } from '../../../protocol/errors.ts'
import type { Runtime } from '../../../runtime/runtime.ts'
import { TimeoutException } from '../../errors.ts'
import type { ExponentialBackoff } from '../../exponential-backoff.ts'
import { hasCode } from '../consumer-errors.ts'
import type { CoordinatorConnection } from '../coordinator-connection.ts'
import type { OffsetRequests, Offsets } from '../offset-requests.ts'
import { isRetriable, RequestFuture } from '../request-future.ts'
import type { SubscriptionState } from '../subscription-state.ts'
import { Timer } from '../timer.ts'
import type { ModernOffsetMember } from './modern-offset-member.ts'

export interface RebalanceCommitterOptions {
  readonly coordinator: CoordinatorConnection
  readonly isAutoCommitEnabled: boolean
  readonly offsetMember: ModernOffsetMember
  readonly requests: OffsetRequests
  readonly retryBackoff: ExponentialBackoff
  readonly subscriptions: SubscriptionState
  /** `max.poll.interval.ms`: others wait for so long. */
  readonly rebalanceTimeoutMs: number
  readonly onCommit: (offsets: Offsets) => void
  /** There is something to do for `poll`. */
  readonly onPending: () => void
}

interface Attempt {
  readonly result: RequestFuture<void>
  readonly timer: Timer
  offsets: Offsets
  attempts: number
  inFlight: boolean
  nextAttemptMs: number
}

/**
 * The automatic commit before partitions are given away (CommitRequestManager.maybeAutoCommitSyncBeforeRebalance): tried again
 * while that can help and the rebalance waits. At most one at a time. It commits what the application was done with when it
 * last polled. Java tries again with the positions of the moment instead, beyond what the application still works on in
 * partitions that it keeps.
 */
export class RebalanceCommitter {
  readonly #runtime: Runtime
  readonly #options: RebalanceCommitterOptions
  #attempt: Attempt | undefined

  constructor(runtime: Runtime, options: RebalanceCommitterOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  get isPending(): boolean {
    return this.#attempt !== undefined
  }

  /** Begins, while the application polls; nothing when commits are not automatic. */
  commit(): RequestFuture<void> {
    const { isAutoCommitEnabled, onPending, rebalanceTimeoutMs, subscriptions } = this.#options
    if (!isAutoCommitEnabled) return RequestFuture.success(undefined)
    const result = new RequestFuture<void>()
    const timer = new Timer(this.#runtime, rebalanceTimeoutMs)
    const offsets = subscriptions.allConsumed()
    this.#attempt = { result, timer, offsets, attempts: 0, inFlight: false, nextAttemptMs: Number.NEGATIVE_INFINITY }
    onPending()
    return result
  }

  /** The application polls again: it is done with more. */
  applicationPolls(): void {
    if (this.#attempt !== undefined) this.#attempt.offsets = this.#options.subscriptions.allConsumed()
  }

  /** Sends it if it is to be; returns for how long there is nothing to do unless something comes, ms. */
  poll(): number {
    const { coordinator, requests } = this.#options
    const attempt = this.#attempt
    if (attempt === undefined || attempt.inFlight || coordinator.isUnknown) return Number.POSITIVE_INFINITY
    const waitMs = attempt.nextAttemptMs - this.#runtime.clock.monotonicMs()
    if (waitMs > 0) return waitMs
    const { offsets } = attempt
    attempt.inFlight = true
    requests.commit(offsets).addListener({
      onSuccess: () => {
        if (offsets.size > 0) this.#options.onCommit(offsets)
        this.#settle(attempt, undefined)
      },
      onFailure: error => this.#failed(attempt, error),
    })
    return Number.POSITIVE_INFINITY
  }

  #failed(attempt: Attempt, error: Error): void {
    const { offsetMember, onPending, retryBackoff } = this.#options
    const isStale = hasCode(error, ErrorCode.STALE_MEMBER_EPOCH) && offsetMember.memberEpoch !== undefined
    const isTopicGone = hasCode(error, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (isTopicGone || !(isRetriable(error) || isStale)) {
      this.#settle(attempt, error)
    } else if (attempt.timer.isExpired) {
      this.#settle(attempt, new TimeoutException('the commit before a rebalance timed out', { cause: error }))
    } else {
      attempt.inFlight = false
      attempt.nextAttemptMs = this.#runtime.clock.monotonicMs() + retryBackoff.backoff(attempt.attempts++)
      onPending()
    }
  }

  #settle(attempt: Attempt, error: Error | undefined): void {
    if (this.#attempt === attempt) this.#attempt = undefined
    if (error === undefined) attempt.result.complete()
    else attempt.result.raise(error)
  }
}
