import { type AmountRange, amountOf, type FaultContext, type FaultKind } from './fault-kind.ts'
import { Flood } from './flood.ts'

const REQUESTS: AmountRange = { unit: 'connections that send requests', low: 1, high: 60 }
const CONNECTIONS: AmountRange = { unit: 'connections that are opened', low: 10, high: 200 }

/** Threads of the broker whose names contain a word stand still until the result is called. */
function freeze(context: FaultContext, words: readonly string[]): () => void {
  return context.broker.freezeThreads(name => words.some(word => name.includes(word)))
}

export const fullRequestQueue: FaultKind = {
  name: 'full-request-queue',
  summary:
    'request handlers stand still while other clients send requests, so that the request queue fills (queued.max.requests)',
  amount: REQUESTS,
  longestMs: 4000,
  inject(context, fault) {
    const count = amountOf(fault, REQUESTS)
    context.tell(`request handlers of ${context.broker.name} stand still, ${count} other clients send requests`)
    const unfreeze = freeze(context, ['request-handler'])
    const flood = new Flood(context, count, true)
    return () => {
      context.tell(`request handlers of ${context.broker.name} go on`)
      unfreeze()
      flood.end()
    }
  },
}

export const fullConnectionQueue: FaultKind = {
  name: 'full-connection-queue',
  summary:
    'network threads stand still while others connect, so that the queues of new connections and the listen backlog fill',
  amount: CONNECTIONS,
  longestMs: 4000,
  inject(context, fault) {
    const count = amountOf(fault, CONNECTIONS)
    context.tell(`network threads of ${context.broker.name} stand still, ${count} others connect`)
    const unfreeze = freeze(context, ['network-thread'])
    const flood = new Flood(context, count, false)
    return () => {
      context.tell(`network threads of ${context.broker.name} go on`)
      unfreeze()
      flood.end()
    }
  },
}
