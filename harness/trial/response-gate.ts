import type { Request } from '../../src/network/request.ts'
import type {
  Answer,
  RequestInfo,
  RequestObserver,
  RequestStage,
  ResponseFate,
} from '../../src/network/request-observer.ts'
import type { ErrorCode } from '../../src/protocol/errors.ts'
import type { Probes } from './probes.ts'

/** What a fault wants done with an answer; undefined lets others decide. */
export type ResponseRule = (info: RequestInfo, answer: Answer) => ResponseFate | undefined

/** The error with which a fault wants a request answered in place of being handled; undefined lets others decide. */
export type RefusalRule = (request: Request) => ErrorCode | undefined

/** Counts, over all incarnations of a node. */
export interface RequestCounts {
  received: number
  handled: number
  abandoned: number
}

/**
 * Stands between a node and its answers: counts requests over the node's incarnations, wakes triggers, and applies
 * the rules of faults that refuse requests, and that lose, delay or change answers.
 */
export class ResponseGate implements RequestObserver {
  readonly counts: RequestCounts = { received: 0, handled: 0, abandoned: 0 }
  /** Called at every stage of every request, for queue observations. */
  onStage: (() => void) | undefined
  readonly #probes: Probes
  readonly #rules = new Set<ResponseRule>()
  readonly #refusals = new Set<RefusalRule>()
  readonly #watching = new Map<string, (() => boolean)[]>()
  /** Requests the living node has taken in and not handled yet. */
  #inHand = 0

  constructor(probes: Probes) {
    this.#probes = probes
  }

  get inHand(): number {
    return this.#inHand
  }

  /** Puts a rule in force; returns how to end it. */
  add(rule: ResponseRule): () => void {
    this.#rules.add(rule)
    return () => this.#rules.delete(rule)
  }

  /** Puts a rule for requests in force; returns how to end it. */
  refuse(rule: RefusalRule): () => void {
    this.#refusals.add(rule)
    return () => this.#refusals.delete(rule)
  }

  /** Calls back whenever a request of an API has been handled, until `callback` returns true. */
  onHandled(apiName: string, callback: () => boolean): void {
    const callbacks = this.#watching.get(apiName) ?? []
    this.#watching.set(apiName, [...callbacks, callback])
  }

  onRequest(info: RequestInfo, stage: RequestStage): void {
    if (stage === 'received') {
      this.counts.received++
      this.#inHand++
    }
    if (stage === 'handled') this.#handled(info)
    this.onStage?.()
  }

  onHandle(request: Request): ErrorCode | undefined {
    for (const rule of this.#refusals) {
      const errorCode = rule(request)
      if (errorCode !== undefined) return errorCode
    }
    return undefined
  }

  onResponse(info: RequestInfo, answer: Answer): ResponseFate {
    for (const rule of this.#rules) {
      const fate = rule(info, answer)
      if (fate === undefined) continue
      if (fate === 'drop' && info.apiName === 'Produce') this.#probes.hit('produce-answer-lost')
      return fate
    }
    return 'send'
  }

  /**
   * The node's process is gone: what it had in hand will never be handled.
   *
   * @param unclean it was not shut down
   */
  abandon(unclean: boolean): void {
    this.counts.abandoned += this.#inHand
    if (this.#inHand > 0 && unclean) this.#probes.hit('killed-with-requests-in-hand')
    this.#inHand = 0
  }

  #handled(info: RequestInfo): void {
    this.counts.handled++
    this.#inHand--
    if (info.apiName === 'Produce') this.#probes.hit('produce-handled')
    const callbacks = this.#watching.get(info.apiName)
    if (callbacks === undefined) return
    this.#watching.set(
      info.apiName,
      callbacks.filter(callback => !callback()),
    )
  }
}
