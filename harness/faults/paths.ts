import type { ClientNode } from '../trial/client-node.ts'
import type { Link } from '../world/tcp/link.ts'
import { type AmountRange, amountOf, type FaultContext, type FaultKind, pick } from './fault-kind.ts'
import { Overlaps } from './overlaps.ts'

const ADDED_LATENCY: AmountRange = { unit: 'ms of added latency', low: 5, high: 800 }
const PIECES: AmountRange = { unit: 'bytes a piece at most', low: 1, high: 200 }
const SLOW_BYTES_PER_SECOND = 20_000

const slowness = new Overlaps<Link, number>()
const fragmentation = new Overlaps<Link, number>()

/** Does something to both directions between the broker and a client; the result undoes it. */
function onBothWays(
  { world, broker }: FaultContext,
  client: ClientNode,
  begin: (link: Link) => () => void,
): () => void {
  const there = world.network.link(client.host.name, broker.host.name)
  const back = world.network.link(broker.host.name, client.host.name)
  const ends = [there, back].map(begin)
  return () => {
    for (const end of ends) end()
  }
}

export const slowLink: FaultKind = {
  name: 'slow-link',
  summary:
    'the path between a client and the broker is slow: added latency, and 20 kB/s; the slowest of several counts',
  amount: ADDED_LATENCY,
  longestMs: 8000,
  inject(injection, fault) {
    const client = pick(injection.clients, fault)
    if (client === undefined) return undefined
    const addedMs = amountOf(fault, ADDED_LATENCY)
    injection.hit(`slows the path of ${client.name} by ${addedMs} ms each way`)
    const end = onBothWays(injection, client, link =>
      slowness.begin(link, addedMs * 1000, active => {
        const { latencyUs, bytesPerSecond } = injection.world.network.defaults(link.from, link.to)
        const addedUs = Math.max(0, ...active)
        link.conditions.latencyUs = [latencyUs[0] + addedUs, latencyUs[1] + Math.round(addedUs * 1.5)]
        link.conditions.bytesPerSecond = active.length > 0 ? SLOW_BYTES_PER_SECOND : bytesPerSecond
      }),
    )
    return () => {
      injection.tell(`the path of ${client.name} is quick again`)
      end()
    }
  },
}

export const fragment: FaultKind = {
  name: 'fragment',
  summary: 'every segment between a client and the broker is cut into small pieces; the smallest of several counts',
  amount: PIECES,
  longestMs: 8000,
  inject(injection, fault) {
    const client = pick(injection.clients, fault)
    if (client === undefined) return undefined
    const maxBytes = amountOf(fault, PIECES)
    injection.hit(`cuts everything from and to ${client.name} into pieces of at most ${maxBytes} bytes`)
    const end = onBothWays(injection, client, link =>
      fragmentation.begin(link, maxBytes, active => {
        link.conditions.fragment =
          active.length > 0
            ? { probability: 1, maxBytes: Math.min(...active) }
            : injection.world.network.defaults(link.from, link.to).fragment
      }),
    )
    return () => {
      injection.tell(`the segments of ${client.name} are whole again`)
      end()
    }
  },
}
