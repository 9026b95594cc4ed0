import type { Request } from '../../src/network/request.ts'
import { errorName } from '../../src/protocol/errors.ts'
import type { ClusterNode } from '../trial/cluster-node.ts'
import type { Fault } from '../trial/scenario.ts'
import { canAnswer, type ErrorAnswer, errorAnswerOf } from './error-answers.ts'
import type { FaultKind, Heal, Injection } from './fault-kind.ts'

/** Whether such a fault waits for a request of its own API from the start of chaos. */
export function waitsForItsRequest(fault: Fault): boolean {
  return fault.kind === 'error-response' && 'request' in fault.at && fault.at.request === errorAnswerOf(fault).api
}

/** One injection: which requests it is about, and what is told of them. */
class ErrorResponse {
  readonly #injection: Injection
  readonly #fault: Fault
  readonly #answer: ErrorAnswer
  /** Requests that could have been answered so. */
  #seen = 0
  #over = false

  constructor(injection: Injection, fault: Fault) {
    this.#injection = injection
    this.#fault = fault
    this.#answer = errorAnswerOf(fault)
  }

  begin(): Heal {
    const { cluster } = this.#injection
    const ends = cluster.nodes.map(node =>
      this.#answer.instead === undefined ? this.#refuse(node) : this.#replace(node, this.#answer.instead),
    )
    return () => {
      this.#over = true
      for (const end of ends) end()
    }
  }

  #refuse(node: ClusterNode): () => void {
    return node.gate.refuse(request => {
      if (!this.#fits(node, request) || !this.#isItsTurn()) return undefined
      this.#hit(node, request, 'refuses', false)
      return this.#answer.errorCode
    })
  }

  #replace(node: ClusterNode, { frame, afterMs, wrote }: NonNullable<ErrorAnswer['instead']>): () => void {
    return node.gate.add((_, answer) => {
      const { request } = answer
      const payload = this.#fits(node, request) ? frame(answer) : undefined
      if (payload === undefined || !this.#isItsTurn()) return undefined
      this.#hit(node, request, wrote ? 'carries out, but answers,' : 'answers', wrote)
      const delayMs = afterMs?.(request, this.#injection.cluster.spec)
      return delayMs === undefined ? { payload } : { payload, delayMs }
    })
  }

  #fits(node: ClusterNode, request: Request): boolean {
    const { on, pick } = this.#fault
    const { api, ofRequest } = this.#answer
    if (this.#over || request.api.name !== api || ofRequest?.(request) === false) return false
    return on === undefined || this.#injection.cluster.resolve(on, pick) === node
  }

  /** Counts what could be answered so: with a request for a trigger the fault is about the nth of them, else about all. */
  #isItsTurn(): boolean {
    const { at } = this.#fault
    return !waitsForItsRequest(this.#fault) || !('request' in at) || ++this.#seen === at.nth
  }

  #hit(node: ClusterNode, request: Request, does: string, once: boolean): void {
    if (once) this.#over = true
    const { api, errorCode } = this.#answer
    const client = request.header.clientId ?? 'a client'
    this.#injection.hit(`${node.name} ${does} ${article(api)} of ${client} with ${errorName(errorCode)}`)
  }
}

function article(api: string): string {
  return /^[AEIO]/.test(api) ? `an ${api}` : `a ${api}`
}

export const errorResponse: FaultKind = {
  name: 'error-response',
  summary:
    'requests are answered with an error that brokers give for a moment: refused, all of them, or one carried out nevertheless',
  longestMs: 3000,
  inject(injection, fault) {
    return canAnswer(fault, injection.cluster.spec) ? new ErrorResponse(injection, fault).begin() : undefined
  },
}
