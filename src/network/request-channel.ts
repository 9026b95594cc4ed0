import type { Api } from '../protocol/api.ts'
import { Envelope } from '../protocol/apis/envelope.ts'
import { encodeResponse } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { holdsError } from '../protocol/response-errors.ts'
import type { Fields, MessageInput } from '../protocol/schema.ts'
import { BoundedQueue } from '../runtime/bounded-queue.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { type Metrics, metricName } from './metrics.ts'
import type { Request, Response } from './request.ts'
import { RequestMetrics } from './request-metrics.ts'
import type { RequestObservation } from './request-observer.ts'

/** The part of a processor that the request channel needs. */
export interface ResponseSink {
  readonly id: number
  readonly responseQueueSize: number
  enqueueResponse(response: Response): void
}

/** Work that continues a request on a handler thread after something it waited for. */
export interface CallbackRequest {
  readonly kind: 'callback'
  readonly request: Request
  readonly run: () => Promise<void> | void
}

/** What a handler thread takes from the channel. `shutdown` tells one thread to end. */
export type ChannelItem = Request | CallbackRequest | { readonly kind: 'shutdown' }

type QueuedItem = ChannelItem | { readonly kind: 'wakeup' }

const SHUTDOWN = { kind: 'shutdown' } as const
const WAKEUP = { kind: 'wakeup' } as const

export interface RequestChannelOptions {
  /** `queued.max.requests`: bound of the request queue and of the callback queue. */
  readonly queueSize: number
  readonly metrics: Metrics
  readonly observation?: RequestObservation | undefined
}

/**
 * The hand-over between processors and request handlers (Kafka's RequestChannel). When the request queue is full,
 * `sendRequest` blocks the processor, and with it all of its connections.
 */
export class RequestChannel {
  readonly observation: RequestObservation | undefined
  readonly #runtime: Runtime
  readonly #metrics: Metrics
  readonly #requestQueue: BoundedQueue<QueuedItem>
  readonly #callbackQueue: BoundedQueue<CallbackRequest>
  readonly #processors = new Map<number, ResponseSink>()
  readonly #requestMetrics = new Map<string, RequestMetrics>()

  constructor(runtime: Runtime, options: RequestChannelOptions) {
    this.#runtime = runtime
    this.#metrics = options.metrics
    this.observation = options.observation
    this.#requestQueue = new BoundedQueue(runtime, 'RequestChannel requestQueue', options.queueSize)
    this.#callbackQueue = new BoundedQueue(runtime, 'RequestChannel callbackQueue', options.queueSize)
    this.#metrics.gauge(
      metricName('kafka.network', 'RequestChannel', 'RequestQueueSize'),
      () => this.#requestQueue.size,
    )
    this.#metrics.gauge(metricName('kafka.network', 'RequestChannel', 'ResponseQueueSize'), () => {
      let size = 0
      for (const processor of this.#processors.values()) size += processor.responseQueueSize
      return size
    })
  }

  get requestQueueSize(): number {
    return this.#requestQueue.size
  }

  addProcessor(processor: ResponseSink): void {
    if (this.#processors.has(processor.id)) throw new Error(`processor ${processor.id} is registered already`)
    this.#processors.set(processor.id, processor)
    const tags = { processor: `${processor.id}` }
    const name = metricName('kafka.network', 'RequestChannel', 'ResponseQueueSize', tags)
    this.#metrics.gauge(name, () => processor.responseQueueSize)
  }

  removeProcessor(id: number): void {
    this.#processors.delete(id)
    this.#metrics.remove(metricName('kafka.network', 'RequestChannel', 'ResponseQueueSize', { processor: `${id}` }))
  }

  /** Queues a request. Waits while the queue is full; undefined, with nothing to await, when there was room. */
  sendRequest(request: Request): Promise<unknown> | undefined {
    return this.#requestQueue.offer(request) ? undefined : this.#requestQueue.put(request)
  }

  /** Queues work that handlers prefer to requests. Waits while the callback queue is full. */
  async sendCallbackRequest(callback: CallbackRequest): Promise<void> {
    if (!this.#callbackQueue.offer(callback)) await this.#callbackQueue.put(callback)
    this.#requestQueue.offer(WAKEUP) // a full queue wakes a handler anyway
  }

  /** The next work for a handler; waits for it. */
  async receiveRequest(): Promise<ChannelItem> {
    while (true) {
      const callback = this.#callbackQueue.poll()
      if (callback !== undefined) return callback
      const item = this.#requestQueue.poll()
      if (item === undefined) await this.#requestQueue.awaitItem()
      else if (item.kind !== 'wakeup') return item
    }
  }

  /** Tells one handler thread to end once it has come to this place in the queue. */
  async sendShutdownRequest(): Promise<void> {
    await this.#requestQueue.put(SHUTDOWN)
  }

  /** Answers a request of `api`. Throws `EncodeError` for an answer that its version cannot carry. */
  sendResponse<Q extends Fields, S extends Fields>(request: Request, api: Api<Q, S>, body: MessageInput<S>): void {
    if (api.key !== request.api.key) throw new Error(`answer of ${api.name} to a request of ${request.api.name}`)
    const payload = encodeResponse<S>(api, request.responseVersion, request.header.correlationId, body)
    if (request.envelope !== undefined) {
      this.#complete(request)
      this.#sendEnvelopeResponse(request.envelope, payload, body)
      return
    }
    const fate = this.observation?.fateOfResponse({ request, payload }) ?? 'send'
    this.#complete(request)
    if (fate === 'drop') return
    if (fate === 'send') {
      this.#deliver({ kind: 'send', request, payload })
      return
    }
    const response: Response = { kind: 'send', request, payload: fate.payload ?? payload }
    if (fate.delayMs === undefined) this.#deliver(response)
    else this.#runtime.timers.after(fate.delayMs, () => this.#deliver(response))
  }

  /** The request is handled and gets no answer (acks=0). */
  sendNoOpResponse(request: Request): void {
    this.#complete(request)
    this.#deliver({ kind: 'no-op', request })
  }

  /** Closes the request's connection in place of an answer. */
  closeConnection(request: Request): void {
    this.#complete(request)
    this.#deliver({ kind: 'close-connection', request: request.envelope ?? request })
  }

  /** Keeps the request's channel muted, after its response, until `endThrottling`. */
  startThrottling(request: Request): void {
    this.#deliver({ kind: 'start-throttling', request })
  }

  endThrottling(request: Request): void {
    this.#deliver({ kind: 'end-throttling', request })
  }

  /** Counts the errors of an answer: error code to how often. */
  updateErrorMetrics(request: Request, errorCounts: ReadonlyMap<number, number>): void {
    for (const [code, count] of errorCounts) this.metricsOf(request.api.name).markErrors(code, count)
  }

  metricsOf(requestName: string): RequestMetrics {
    let metrics = this.#requestMetrics.get(requestName)
    if (metrics === undefined) {
      metrics = new RequestMetrics(this.#metrics, requestName)
      this.#requestMetrics.set(requestName, metrics)
    }
    return metrics
  }

  /** Forgets what is queued; only for shutting down. */
  clear(): void {
    while (this.#requestQueue.poll() !== undefined);
    while (this.#callbackQueue.poll() !== undefined);
  }

  /** NOT_CONTROLLER is told by the envelope, so that the forwarding broker looks for the new controller (KIP-590). */
  #sendEnvelopeResponse(envelope: Request, responseData: Buffer, body: object): void {
    if (holdsError(body, ErrorCode.NOT_CONTROLLER)) {
      this.sendResponse(envelope, Envelope, { errorCode: ErrorCode.NOT_CONTROLLER })
    } else {
      this.sendResponse(envelope, Envelope, { responseData, errorCode: ErrorCode.NONE })
    }
  }

  #complete(request: Request): void {
    const nowMs = this.#runtime.clock.monotonicMs()
    request.responseCompleteTimeMs = nowMs
    if (request.apiLocalCompleteTimeMs < 0) request.apiLocalCompleteTimeMs = nowMs
  }

  #deliver(response: Response): void {
    // A processor that was shut down has closed its connections: there is nobody to answer.
    this.#processors.get(response.request.processor)?.enqueueResponse(response)
  }
}
