import type { Api } from '../protocol/api.ts'
import type { RequestHeader } from '../protocol/headers.ts'
import type { Fields, Message } from '../protocol/schema.ts'

/** Where a request came from. */
export interface RequestContext {
  readonly header: RequestHeader
  readonly connectionId: string
  /** The peer's address, without port. */
  readonly clientAddress: string
  /** The listener that the request arrived on. */
  readonly listenerName: string
}

/**
 * A request on its way through the broker, with the moments (monotonic milliseconds) from which its time break-down is
 * made: received → taken by a handler → handled → response complete → taken by the processor → sent.
 */
export class Request {
  readonly kind = 'request'
  /** Id of the processor that owns the connection; the response goes back through it. */
  readonly processor: number
  readonly context: RequestContext
  readonly api: Api
  /** The decoded message: the request type of `api`. */
  readonly body: unknown
  /** The version the response is encoded in; differs from the header's only for an unknown version of ApiVersions. */
  readonly responseVersion: number
  readonly sizeInBytes: number
  readonly startTimeMs: number
  requestDequeueTimeMs = -1
  apiLocalCompleteTimeMs = -1
  responseCompleteTimeMs = -1
  responseDequeueTimeMs = -1
  apiThrottleTimeMs = 0
  /** 1-based count of this API's requests on this broker; 0 when nobody observes. */
  nth = 0
  /** The Envelope request that this one came in: its answer goes back in that one's answer. */
  readonly envelope: Request | undefined
  readonly #releaseMemory: () => void

  constructor(init: RequestInit) {
    this.processor = init.processor
    this.context = init.context
    this.api = init.api
    this.body = init.body
    this.responseVersion = init.responseVersion
    this.sizeInBytes = init.sizeInBytes
    this.startTimeMs = init.startTimeMs
    this.envelope = init.envelope
    this.#releaseMemory = init.releaseMemory
  }

  get header(): RequestHeader {
    return this.context.header
  }

  /** The decoded message, for whoever knows which API this is. Throws when it is another one. */
  bodyOf<Q extends Fields, S extends Fields>(api: Api<Q, S>): Message<Q> {
    if (this.api.key !== api.key) throw new Error(`request is ${this.api.name}, not ${api.name}`)
    return this.body as Message<Q>
  }

  /** Gives the request's memory back to the pool. Idempotent. */
  releaseBuffer(): void {
    this.#releaseMemory()
  }
}

export interface RequestInit {
  readonly processor: number
  readonly context: RequestContext
  readonly api: Api
  readonly body: unknown
  readonly responseVersion: number
  readonly sizeInBytes: number
  readonly startTimeMs: number
  readonly envelope?: Request
  /** Must be idempotent. */
  readonly releaseMemory: () => void
}

/** What becomes of a request's connection. */
export type Response =
  | { readonly kind: 'send'; readonly request: Request; readonly payload: Buffer }
  /** Nothing is sent (acks=0); the next request is read. */
  | { readonly kind: 'no-op'; readonly request: Request }
  | { readonly kind: 'close-connection'; readonly request: Request }
  | { readonly kind: 'start-throttling'; readonly request: Request }
  | { readonly kind: 'end-throttling'; readonly request: Request }
