import {
  ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatResponse,
} from '../../../protocol/apis/consumer-group-heartbeat.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { Runtime } from '../../../runtime/runtime.ts'
import { exceptionFor, GroupAuthorizationException, UnsupportedVersionException } from '../../errors.ts'
import type { ExponentialBackoff } from '../../exponential-backoff.ts'
import type { Node } from '../../node.ts'
import { groupExceptionFor } from '../consumer-errors.ts'
import type { ConsumerMetrics } from '../consumer-metrics.ts'
import type { ConsumerNetworkClient, ConsumerResponse } from '../consumer-network-client.ts'
import type { CoordinatorConnection } from '../coordinator-connection.ts'
import { isRetriable, type RequestFuture } from '../request-future.ts'
import { Timer } from '../timer.ts'
import type { BackgroundEvents } from './background-events.ts'
import { HeartbeatFields, type HeartbeatFieldsOptions } from './heartbeat-fields.ts'
import { HeartbeatRequestState } from './heartbeat-request-state.ts'

/** The first version in which the coordinator looks for topics by a pattern. */
const REGEX_SINCE = 1

const CONSUMER_PROTOCOL_NOT_SUPPORTED =
  'the cluster does not support the new CONSUMER group protocol. Set group.protocol=classic on the consumer configs to ' +
  'revert to the CLASSIC protocol until the cluster is upgraded.'

const REGEX_NOT_SUPPORTED =
  'the cluster does not support regular expressions resolution on ConsumerGroupHeartbeat API version 0. It must be upgraded ' +
  'to use ConsumerGroupHeartbeat API version >= 1 to allow to subscribe to a SubscriptionPattern.'

export interface HeartbeatRequestManagerOptions extends HeartbeatFieldsOptions {
  readonly client: ConsumerNetworkClient
  readonly coordinator: CoordinatorConnection
  readonly events: BackgroundEvents
  readonly metrics: ConsumerMetrics
  readonly retryBackoff: ExponentialBackoff
  readonly onWarning: (message: string) => void
  /** An answer came, or none will. */
  readonly onAnswer: () => void
}

type HeartbeatFuture = RequestFuture<ConsumerResponse<(typeof ConsumerGroupHeartbeat.response)['fields']>>

/**
 * Sends heartbeats when they are due and deals with what comes back (Kafka's AbstractHeartbeatRequestManager and
 * ConsumerHeartbeatRequestManager). A member whose application does not poll for `max.poll.interval.ms` leaves.
 */
export class HeartbeatRequestManager {
  readonly #runtime: Runtime
  readonly #options: HeartbeatRequestManagerOptions
  readonly #requests: HeartbeatRequestState
  readonly #fields: HeartbeatFields
  readonly #pollTimer: Timer
  #lastSendMs: number | undefined

  constructor(runtime: Runtime, options: HeartbeatRequestManagerOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#requests = new HeartbeatRequestState(runtime, options.retryBackoff)
    this.#fields = new HeartbeatFields(options)
    this.#pollTimer = new Timer(runtime, options.config.rebalanceTimeoutMs)
  }

  /** On the monotonic clock; undefined: never. */
  get lastSendMs(): number | undefined {
    return this.#lastSendMs
  }

  /** Sends a heartbeat if one is due; returns for how long there is nothing to do unless something comes, ms. */
  poll(): number {
    const { coordinator, member } = this.#options
    const node = coordinator.get()
    if (node === undefined || member.shouldSkipHeartbeat || member.leavesSilently) {
      member.onHeartbeatSkipped()
      return Number.POSITIVE_INFINITY
    }
    if (this.#pollTimer.isExpired && !member.isLeavingGroup) {
      this.#leaveDueToExpiredPollTimer(node)
      return Number.POSITIVE_INFINITY
    }
    const isDueNow = member.state === 'leaving' || (member.shouldHeartbeatNow && !this.#requests.isInFlight)
    if (isDueNow || this.#requests.canSend) this.#send(node)
    const toHeartbeatMs = this.#requests.isInFlight ? Number.POSITIVE_INFINITY : this.#requests.timeToNextHeartbeatMs
    return Math.min(toHeartbeatMs, this.#pollTimer.remainingMs)
  }

  /** The consumer is being closed and nothing is waited for any more: lets the group know if it does not yet. */
  pollOnClose(): void {
    const { coordinator, member } = this.#options
    const node = coordinator.get()
    if (node !== undefined && member.isLeavingGroup) this.#request(node)
  }

  /** The application polls. */
  resetPollTimer(): void {
    const { config, member } = this.#options
    if (this.#pollTimer.isExpired) member.maybeRejoinStaleMember()
    this.#pollTimer.reset(config.rebalanceTimeoutMs)
  }

  #leaveDueToExpiredPollTimer(node: Node): void {
    const { member, onWarning } = this.#options
    onWarning(
      'consumer poll timeout has expired. This means the time between subsequent calls to poll() was longer than the ' +
        'configured max.poll.interval.ms, which typically implies that the poll loop is spending too much time processing ' +
        'messages. Increase it, or reduce max.poll.records.',
    )
    member.transitionToSendingLeaveGroup(true)
    // Whatever the answer is: the member joins again before or after it.
    this.#request(node)
    this.#requests.reset()
    this.#fields.reset()
  }

  #send(node: Node): void {
    const { metrics, onAnswer } = this.#options
    this.#request(node).addListener({
      onSuccess: ({ body, latencyMs }) => {
        metrics.heartbeatLatency(latencyMs)
        this.#answered(body)
        onAnswer()
      },
      onFailure: error => {
        this.#failed(error)
        onAnswer()
      },
    })
  }

  #request(node: Node): HeartbeatFuture {
    const { client, member } = this.#options
    const body = this.#fields.next()
    const future: HeartbeatFuture = client.send(node, {
      api: ConsumerGroupHeartbeat,
      body: version => {
        if (version >= REGEX_SINCE || body.subscribedTopicRegex == null) return body
        throw new UnsupportedVersionException(REGEX_NOT_SUPPORTED)
      },
    })
    this.#requests.onSend()
    this.#lastSendMs = this.#runtime.clock.monotonicMs()
    member.onHeartbeatGenerated()
    return future
  }

  #failed(error: Error): void {
    const { coordinator, member } = this.#options
    this.#requests.onFailure()
    this.#fields.reset()
    if (isRetriable(error)) {
      coordinator.requestFailed(error)
    } else if (error instanceof UnsupportedVersionException) {
      const isRegex = error.message === REGEX_NOT_SUPPORTED
      this.#fail(
        new UnsupportedVersionException(isRegex ? REGEX_NOT_SUPPORTED : CONSUMER_PROTOCOL_NOT_SUPPORTED, {
          cause: error,
        }),
      )
    } else {
      this.#fail(error)
    }
    member.onHeartbeatFailure(isRetriable(error))
  }

  #answered(response: ConsumerGroupHeartbeatResponse): void {
    const { member } = this.#options
    if (response.errorCode === ErrorCode.NONE) {
      this.#requests.onSuccess(response.heartbeatIntervalMs)
      member.onHeartbeatSuccess(response)
      return
    }
    this.#fields.reset()
    this.#requests.onFailure()
    this.#refused(response)
    member.onHeartbeatFailure(false)
  }

  #refused({ errorCode, errorMessage }: ConsumerGroupHeartbeatResponse): void {
    const { config, coordinator, events, member } = this.#options
    switch (errorCode) {
      case ErrorCode.NOT_COORDINATOR:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
        coordinator.markUnknown()
        // As soon as there is another one.
        this.#requests.reset()
        return
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
        return
      case ErrorCode.FENCED_MEMBER_EPOCH:
      case ErrorCode.UNKNOWN_MEMBER_ID:
        member.transitionToFenced()
        // As soon as the assignment is given up.
        this.#requests.reset()
        return
      case ErrorCode.TOPIC_AUTHORIZATION_FAILED:
        // It stays in its state: the authorization may come.
        events.addError(exceptionFor(errorCode, errorMessage))
        return
      case ErrorCode.GROUP_AUTHORIZATION_FAILED:
        this.#fail(new GroupAuthorizationException(`not authorized to access group: ${config.groupId}`))
        return
      case ErrorCode.UNSUPPORTED_VERSION:
        this.#fail(new UnsupportedVersionException(CONSUMER_PROTOCOL_NOT_SUPPORTED))
        return
      case ErrorCode.INVALID_REGULAR_EXPRESSION: {
        const message = `invalid RE2J SubscriptionPattern provided in the call to subscribe. ${errorMessage ?? ''}`
        this.#fail(exceptionFor(errorCode, message))
        return
      }
      default:
        this.#fail(errorMessage === null ? groupExceptionFor(errorCode) : exceptionFor(errorCode, errorMessage))
    }
  }

  #fail(error: Error): void {
    const { events, member } = this.#options
    events.addError(error)
    member.transitionToFatal()
  }
}
