import type { ErrorCode } from '../protocol/errors.ts'
import type { Request } from './request.ts'

/** Where a request is when an observer hears of it. */
export type RequestStage = 'received' | 'dequeued' | 'handled'

export interface RequestInfo {
  readonly brokerName: string
  readonly apiKey: number
  readonly apiName: string
  readonly apiVersion: number
  readonly clientId: string | null
  readonly connectionId: string
  readonly correlationId: number
  readonly listener: string
  /** How many requests of this API this broker had received by then, this one included. */
  readonly nth: number
}

/**
 * `send`: as usual. `drop`: the request was handled, its answer is lost and the connection stays as it is, waiting for it.
 * Otherwise another answer goes out in its place (`payload`: a whole frame of the same version and correlation id), or it goes
 * out `delayMs` later, or both.
 */
export type ResponseFate = 'send' | 'drop' | { readonly delayMs?: number; readonly payload?: Buffer }

/** The answer to a request that was handled. */
export interface Answer {
  readonly request: Request
  /** The frame, without its size: header and body in the request's response version. */
  readonly payload: Buffer
}

/** Watches the requests of a broker and may decide the fate of their answers. Called synchronously; must not throw. */
export interface RequestObserver {
  onRequest?(info: RequestInfo, stage: RequestStage): void
  /** An error with which a request is answered in place of being handled; undefined lets it be handled. */
  onHandle?(request: Request): ErrorCode | undefined
  onResponse?(info: RequestInfo, answer: Answer): ResponseFate
}

/** Counts requests by API and tells an observer of them. */
export class RequestObservation {
  readonly #brokerName: string
  readonly #observer: RequestObserver
  readonly #counts = new Map<number, number>()

  constructor(brokerName: string, observer: RequestObserver) {
    this.#brokerName = brokerName
    this.#observer = observer
  }

  /** A request was received and understood, but not queued yet. */
  received(request: Request): void {
    const nth = (this.#counts.get(request.header.apiKey) ?? 0) + 1
    this.#counts.set(request.header.apiKey, nth)
    request.nth = nth
    this.report(request, 'received')
  }

  report(request: Request, stage: RequestStage): void {
    this.#observer.onRequest?.(this.#info(request), stage)
  }

  /** The error that a request is answered with though nothing was done; undefined when it is to be handled. */
  refusalOf(request: Request): ErrorCode | undefined {
    return this.#observer.onHandle?.(request)
  }

  fateOfResponse(answer: Answer): ResponseFate {
    return this.#observer.onResponse?.(this.#info(answer.request), answer) ?? 'send'
  }

  #info(request: Request): RequestInfo {
    const { header, connectionId, listenerName } = request.context
    return {
      brokerName: this.#brokerName,
      apiKey: header.apiKey,
      apiName: request.api.name,
      apiVersion: header.apiVersion,
      clientId: header.clientId,
      connectionId,
      correlationId: header.correlationId,
      listener: listenerName,
      nth: request.nth,
    }
  }
}
