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
 * `delayMs`: the answer is given to the network that much later.
 */
export type ResponseFate = 'send' | 'drop' | { readonly delayMs: number }

/** Watches the requests of a broker and may decide the fate of their answers. Called synchronously; must not throw. */
export interface RequestObserver {
  onRequest?(info: RequestInfo, stage: RequestStage): void
  onResponse?(info: RequestInfo): ResponseFate
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

  fateOfResponse(request: Request): ResponseFate {
    return this.#observer.onResponse?.(this.#info(request)) ?? 'send'
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
