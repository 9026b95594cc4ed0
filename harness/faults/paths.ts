import type { ClusterNode } from '../trial/cluster-node.ts'
import type { Fault } from '../trial/scenario.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { Link } from '../world/tcp/link.ts'
import type { World } from '../world/world.ts'
import { type AmountRange, amountOf, type FaultKind, type Injection, pick } from './fault-kind.ts'
import { Overlaps } from './overlaps.ts'

const ADDED_LATENCY: AmountRange = { unit: 'ms of added latency', low: 5, high: 800 }
const PIECES: AmountRange = { unit: 'bytes a piece at most', low: 1, high: 200 }
const SLOW_BYTES_PER_SECOND = 20_000

const slowness = new Overlaps<Link, number>()
const fragmentation = new Overlaps<Link, number>()

/** Who is at the far end of a path: a client, or, of a fault that says which node it is `on`, also another node. */
interface FarEnd {
  readonly name: string
  readonly host: SimulatedHost
}

/** The path that a fault picks; undefined when there is none. */
function pathOf({ cluster, clients, node }: Injection, fault: Fault): { near: ClusterNode; far: FarEnd } | undefined {
  const others: readonly FarEnd[] = fault.on === undefined ? [] : cluster.nodes.filter(other => other !== node)
  const far = pick([...clients, ...others], fault)
  return node === undefined || far === undefined ? undefined : { near: node, far }
}

/** Does something to both directions of a path; the result undoes it. */
function onBothWays({ network }: World, near: SimulatedHost, far: SimulatedHost, begin: (link: Link) => () => void) {
  const ends = [network.link(far.name, near.name), network.link(near.name, far.name)].map(begin)
  return () => {
    for (const end of ends) end()
  }
}

export const slowLink: FaultKind = {
  name: 'slow-link',
  summary: 'a path to the node is slow: added latency, and 20 kB/s; the slowest of several counts',
  amount: ADDED_LATENCY,
  longestMs: 8000,
  inject(injection, fault) {
    const path = pathOf(injection, fault)
    if (path === undefined) return undefined
    const { world, hit, tell } = injection
    const addedMs = amountOf(fault, ADDED_LATENCY)
    const between = `between ${path.far.name} and ${path.near.name}`
    hit(`slows the path ${between} by ${addedMs} ms each way`)
    const end = onBothWays(world, path.near.host, path.far.host, link =>
      slowness.begin(link, addedMs * 1000, active => {
        const { latencyUs, bytesPerSecond } = world.network.defaults(link.from, link.to)
        const addedUs = Math.max(0, ...active)
        link.conditions.latencyUs = [latencyUs[0] + addedUs, latencyUs[1] + Math.round(addedUs * 1.5)]
        link.conditions.bytesPerSecond = active.length > 0 ? SLOW_BYTES_PER_SECOND : bytesPerSecond
      }),
    )
    return () => {
      tell(`the path ${between} is quick again`)
      end()
    }
  },
}

export const fragment: FaultKind = {
  name: 'fragment',
  summary: 'every segment on a path to the node is cut into small pieces; the smallest of several counts',
  amount: PIECES,
  longestMs: 8000,
  inject(injection, fault) {
    const path = pathOf(injection, fault)
    if (path === undefined) return undefined
    const { world, hit, tell } = injection
    const maxBytes = amountOf(fault, PIECES)
    const between = `between ${path.far.name} and ${path.near.name}`
    hit(`cuts everything ${between} into pieces of at most ${maxBytes} bytes`)
    const end = onBothWays(world, path.near.host, path.far.host, link =>
      fragmentation.begin(link, maxBytes, active => {
        link.conditions.fragment =
          active.length > 0
            ? { probability: 1, maxBytes: Math.min(...active) }
            : world.network.defaults(link.from, link.to).fragment
      }),
    )
    return () => {
      tell(`the segments ${between} are whole again`)
      end()
    }
  },
}
