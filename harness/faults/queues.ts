import { type AmountRange, amountOf, type FaultKind, type Heal, type Injection } from './fault-kind.ts'
import { Flood } from './flood.ts'

const REQUESTS: AmountRange = { unit: 'connections that send requests', low: 1, high: 60 }
const CONNECTIONS: AmountRange = { unit: 'connections that are opened', low: 10, high: 200 }

/** Which threads stand still, and what others do meanwhile. */
interface Congestion {
  /** In the names of the node's threads. */
  readonly thread: string
  /** For the story. */
  readonly threads: string
  readonly others: string
  readonly count: number
  /** Whether the others send requests. */
  readonly talking: boolean
}

function congest(injection: Injection, { thread, threads, others, count, talking }: Congestion): Heal | undefined {
  const { node, hit, tell } = injection
  const unfreeze = node?.freezeThreads(name => name.includes(thread))
  if (node === undefined || unfreeze === undefined) return undefined
  hit(`${threads} of ${node.name} stand still, ${count} ${others}`)
  const flood = new Flood(injection.world, node, count, talking)
  return () => {
    tell(`${threads} of ${node.name} go on`)
    unfreeze()
    flood.end()
  }
}

export const fullRequestQueue: FaultKind = {
  name: 'full-request-queue',
  summary:
    'request handlers stand still while other clients send requests, so that the request queue fills (queued.max.requests)',
  amount: REQUESTS,
  longestMs: 4000,
  inject(injection, fault) {
    return congest(injection, {
      thread: 'request-handler',
      threads: 'request handlers',
      others: 'other clients send requests',
      count: amountOf(fault, REQUESTS),
      talking: true,
    })
  },
}

export const fullConnectionQueue: FaultKind = {
  name: 'full-connection-queue',
  summary:
    'network threads stand still while others connect, so that the queues of new connections and the listen backlog fill',
  amount: CONNECTIONS,
  longestMs: 4000,
  inject(injection, fault) {
    return congest(injection, {
      thread: 'network-thread',
      threads: 'network threads',
      others: 'others connect',
      count: amountOf(fault, CONNECTIONS),
      talking: false,
    })
  },
}
