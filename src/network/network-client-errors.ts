import type { Address } from '../runtime/network.ts'

/** The connection is gone: what was sent may or may not have been handled. The cause says why, when there is one. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError'
  readonly remote: Address

  constructor(remote: Address, reason: string, options?: ErrorOptions) {
    super(`disconnected from ${remote.host}:${remote.port}: ${reason}`, options)
    this.remote = remote
  }
}

/** No response came in time. The connection is closed with it, since a later response would be taken for the next one. */
export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError'
  readonly remote: Address
  readonly timeoutMs: number

  constructor(remote: Address, what: string, timeoutMs: number) {
    super(`${what} to ${remote.host}:${remote.port} took longer than ${timeoutMs} ms`)
    this.remote = remote
    this.timeoutMs = timeoutMs
  }
}

/** A response that answers another request than the oldest one. The peer or the connection is broken. */
export class CorrelationIdMismatchError extends Error {
  override readonly name = 'CorrelationIdMismatchError'
  readonly expected: number
  readonly actual: number

  constructor(expected: number, actual: number) {
    super(`response with correlation id ${actual}, the oldest request has ${expected}`)
    this.expected = expected
    this.actual = actual
  }
}

/** More requests wait for their turn than may. The request was not sent. */
export class TooManyPendingRequestsError extends Error {
  override readonly name = 'TooManyPendingRequestsError'
  readonly max: number

  constructor(remote: Address, max: number) {
    super(`${max} requests to ${remote.host}:${remote.port} already wait for their turn`)
    this.max = max
  }
}
