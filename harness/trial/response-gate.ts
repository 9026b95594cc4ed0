import type { RequestInfo, RequestObserver, RequestStage, ResponseFate } from '../../src/network/request-observer.ts'
import type { Probes } from './probes.ts'

/** What a fault wants done with an answer; undefined lets others decide. */
export type ResponseRule = (info: RequestInfo, nth: number) => ResponseFate | undefined

/** Counts, over all incarnations of a broker. */
export interface RequestCounts {
  received: number
  handled: number
  abandoned: number
}

/**
 * Stands between a broker and its answers: counts requests over the broker's incarnations, wakes triggers, and applies
 * the rules of faults that lose or delay answers.
 */
export class ResponseGate implements RequestObserver {
  readonly counts: RequestCounts = { received: 0, handled: 0, abandoned: 0 }
  /** Called at every stage of every request, for queue observations. */
  onStage: (() => void) | undefined
  readonly #probes: Probes
  readonly #rules = new Set<ResponseRule>()
  readonly #handledByApi = new Map<string, number>()
  readonly #answeredByApi = new Map<string, number>()
  readonly #waiting = new Map<string, (() => void)[]>()
  /** Requests the living broker has taken in and not handled yet. */
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

  /** Calls back when the nth request of an API has been handled, counted from the start of the trial. */
  onHandled(apiName: string, nth: number, callback: () => void): void {
    const key = `${apiName}#${nth}`
    const callbacks = this.#waiting.get(key) ?? []
    callbacks.push(callback)
    this.#waiting.set(key, callbacks)
  }

  onRequest(info: RequestInfo, stage: RequestStage): void {
    if (stage === 'received') {
      this.counts.received++
      this.#inHand++
    }
    if (stage === 'handled') this.#handled(info)
    this.onStage?.()
  }

  onResponse(info: RequestInfo): ResponseFate {
    const nth = (this.#answeredByApi.get(info.apiName) ?? 0) + 1
    this.#answeredByApi.set(info.apiName, nth)
    for (const rule of this.#rules) {
      const fate = rule(info, nth)
      if (fate === undefined) continue
      if (fate === 'drop' && info.apiName === 'Produce') this.#probes.hit('produce-answer-lost')
      return fate
    }
    return 'send'
  }

  /**
   * The broker's process is gone: what it had in hand will never be handled.
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
    const nth = (this.#handledByApi.get(info.apiName) ?? 0) + 1
    this.#handledByApi.set(info.apiName, nth)
    if (info.apiName === 'Produce') this.#probes.hit('produce-handled')
    const key = `${info.apiName}#${nth}`
    for (const callback of this.#waiting.get(key) ?? []) callback()
    this.#waiting.delete(key)
  }
}
