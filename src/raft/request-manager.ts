import type { RandomStream } from '../runtime/runtime.ts'

export interface RequestManagerOptions {
  readonly voterIds: readonly number[]
  /** `controller.quorum.retry.backoff.ms`: pause after a failure, always the same. Connections have their own pauses. */
  readonly retryBackoffMs: number
  readonly requestTimeoutMs: number
  readonly random: RandomStream
}

interface ConnectionState {
  correlationId: number | undefined
  /** Until when an answer is waited for. */
  answerDeadlineMs: number
  backoffUntilMs: number
}

/**
 * Which voter may be sent a request now (Kafka's RequestManager): at most one is under way to each, and failures are followed
 * by a pause.
 */
export class RequestManager {
  readonly #options: RequestManagerOptions
  readonly #connections = new Map<number, ConnectionState>()
  #lastCorrelationId = 0

  constructor(options: RequestManagerOptions) {
    this.#options = options
    for (const id of options.voterIds) {
      this.#connections.set(id, { correlationId: undefined, answerDeadlineMs: 0, backoffUntilMs: 0 })
    }
  }

  isReady(voterId: number, nowMs: number): boolean {
    return this.timeUntilReadyMs(voterId, nowMs) === 0
  }

  isBackingOff(voterId: number, nowMs: number): boolean {
    return this.#connection(voterId).backoffUntilMs > nowMs
  }

  /** Until the answer is given up or the pause is over. */
  timeUntilReadyMs(voterId: number, nowMs: number): number {
    const connection = this.#connection(voterId)
    const waitMs = connection.correlationId === undefined ? 0 : connection.answerDeadlineMs - nowMs
    return Math.max(0, waitMs, connection.backoffUntilMs - nowMs)
  }

  hasRequestTimedOut(voterId: number, nowMs: number): boolean {
    const { correlationId, answerDeadlineMs } = this.#connection(voterId)
    return correlationId !== undefined && answerDeadlineMs <= nowMs
  }

  hasInFlightRequest(nowMs: number): boolean {
    for (const { correlationId, answerDeadlineMs } of this.#connections.values()) {
      if (correlationId !== undefined && answerDeadlineMs > nowMs) return true
    }
    return false
  }

  /** Any voter but `self` that is ready, drawn by chance; undefined when a request is under way or none is ready. */
  findReadyVoter(self: number, nowMs: number): number | undefined {
    if (this.hasInFlightRequest(nowMs)) return undefined
    const { voterIds, random } = this.#options
    const start = random.int(0, voterIds.length - 1)
    for (let step = 0; step < voterIds.length; step++) {
      const id = voterIds[(start + step) % voterIds.length]
      if (id !== undefined && id !== self && this.isReady(id, nowMs)) return id
    }
    return undefined
  }

  /** Until `findReadyVoter` may find one. */
  timeUntilAnyReadyMs(self: number, nowMs: number): number {
    let soonestMs = Number.POSITIVE_INFINITY
    for (const [id, { correlationId, answerDeadlineMs }] of this.#connections) {
      if (correlationId !== undefined && answerDeadlineMs > nowMs) return answerDeadlineMs - nowMs
      if (id !== self) soonestMs = Math.min(soonestMs, this.timeUntilReadyMs(id, nowMs))
    }
    return soonestMs
  }

  /** Gives the correlation id with which the answer has to come. */
  onRequestSent(voterId: number, nowMs: number): number {
    const connection = this.#connection(voterId)
    connection.correlationId = ++this.#lastCorrelationId
    connection.answerDeadlineMs = nowMs + this.#options.requestTimeoutMs
    return connection.correlationId
  }

  /** Whether an answer is still of interest: not after `reset`, nor when a newer request was sent. */
  isResponseExpected(voterId: number, correlationId: number): boolean {
    return this.#connection(voterId).correlationId === correlationId
  }

  /** @param success false: wait before the next request */
  onResponseResult(voterId: number, correlationId: number, success: boolean, nowMs: number): void {
    const connection = this.#connection(voterId)
    if (connection.correlationId !== correlationId) return
    connection.correlationId = undefined
    connection.backoffUntilMs = success ? 0 : nowMs + this.#options.retryBackoffMs
  }

  /** Forgets the request under way: its answer will not be waited for. */
  reset(voterId: number): void {
    this.#connection(voterId).correlationId = undefined
  }

  /** A new part to play: every voter may be asked at once. */
  resetAll(): void {
    for (const connection of this.#connections.values()) {
      connection.correlationId = undefined
      connection.backoffUntilMs = 0
    }
  }

  #connection(voterId: number): ConnectionState {
    const connection = this.#connections.get(voterId)
    if (connection === undefined) throw new RangeError(`node ${voterId} is no voter`)
    return connection
  }
}
