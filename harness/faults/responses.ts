import type { RequestInfo } from '../../src/network/request-observer.ts'
import type { Fault } from '../trial/scenario.ts'
import { resetBothEnds } from './connections.ts'
import { type AmountRange, amountOf, type FaultContext, type FaultKind } from './fault-kind.ts'

const DELAY: AmountRange = { unit: 'ms late', low: 1, high: 40_000 }

/** Whether a response fault is about this answer: the nth of the trigger, else Produce. */
function concerns(fault: Fault, info: RequestInfo, nth: number): boolean {
  return 'request' in fault.at ? info.apiName === fault.at.request && nth === fault.at.nth : info.apiName === 'Produce'
}

/**
 * Response faults triggered by a request are in force from the start of chaos: they wait for their answer, and their time
 * begins with it.
 */
export function isArmedFromStart(fault: Fault): boolean {
  return (fault.kind === 'lose-response' || fault.kind === 'delay-response') && 'request' in fault.at
}

function nameOf(info: RequestInfo): string {
  return info.clientId ?? 'a client'
}

export const loseResponse: FaultKind = {
  name: 'lose-response',
  summary: 'one request is handled and never answered; when the fault ends its connection is reset',
  longestMs: 5000,
  inject(injection, fault) {
    let lost: RequestInfo | undefined
    const remove = injection.gate.add((info, nth) => {
      if (lost !== undefined || !concerns(fault, info, nth)) return undefined
      lost = info
      injection.hit(`loses the answer to ${info.apiName} #${nth} of ${nameOf(info)}`)
      return 'drop'
    })
    return () => {
      remove()
      if (lost !== undefined) resetConnection(injection, lost)
    }
  },
}

function resetConnection({ broker, tell }: FaultContext, info: RequestInfo): void {
  const connection = broker.connectionOf(info.connectionId)
  if (connection === undefined) return
  tell(`resets the connection of the lost answer to ${nameOf(info)}`)
  resetBothEnds(connection)
}

export const delayResponse: FaultKind = {
  name: 'delay-response',
  summary: 'answers to Produce requests leave the broker late; those that are late already stay so when the fault ends',
  amount: DELAY,
  longestMs: 5000,
  inject(injection, fault) {
    const delayMs = amountOf(fault, DELAY)
    return injection.gate.add((info, nth) => {
      if (!concerns(fault, info, nth)) return undefined
      injection.hit(`delays the answer to ${info.apiName} #${nth} of ${nameOf(info)} by ${delayMs} ms`)
      return { delayMs }
    })
  },
}
