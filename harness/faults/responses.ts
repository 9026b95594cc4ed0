import type { RequestInfo } from '../../src/network/request-observer.ts'
import type { Fault } from '../trial/scenario.ts'
import { amountOf, type FaultContext, type FaultKind } from './fault-kind.ts'

/** Whether a response fault is about this answer: the nth of the trigger, else Produce. */
function concerns(fault: Fault, info: RequestInfo, nth: number): boolean {
  return 'request' in fault.at ? info.apiName === fault.at.request && nth === fault.at.nth : info.apiName === 'Produce'
}

/** Response faults triggered by a request are in force from the start of the trial: they wait for their answer. */
export function isArmedFromStart(fault: Fault): boolean {
  return (fault.kind === 'lose-response' || fault.kind === 'delay-response') && 'request' in fault.at
}

export const loseResponse: FaultKind = {
  name: 'lose-response',
  summary: 'one request is handled and never answered; after a while its connection is reset',
  longestMs: 5000,
  inject(context, fault) {
    let lost = false
    const remove = context.gate.add((info, nth) => {
      if (lost || !concerns(fault, info, nth)) return undefined
      lost = true
      context.tell(`loses the answer to ${info.apiName} #${nth} of ${info.clientId ?? 'a client'}`)
      context.world.at(context.world.nowUs + fault.forMs * 1000, context.world.mainLane, 'fault', () =>
        resetConnection(context, info),
      )
      return 'drop'
    })
    return remove
  },
}

function resetConnection(context: FaultContext, info: RequestInfo): void {
  const connection = context.broker.connectionOf(info.connectionId)
  if (connection === undefined) return
  context.tell(`resets the connection of the lost answer to ${info.clientId ?? 'a client'}`)
  connection.client.fail('ECONNRESET')
  connection.server.fail('ECONNRESET')
}

export const delayResponse: FaultKind = {
  name: 'delay-response',
  summary: 'answers to Produce requests leave the broker late',
  amount: { unit: 'ms late', low: 1, high: 40_000 },
  longestMs: 5000,
  inject(context, fault) {
    const delayMs = amountOf(fault, { unit: 'ms', low: 1, high: 40_000 })
    return context.gate.add((info, nth) => {
      if (!concerns(fault, info, nth)) return undefined
      context.tell(`delays the answer to ${info.apiName} #${nth} of ${info.clientId ?? 'a client'} by ${delayMs} ms`)
      return { delayMs }
    })
  },
}
