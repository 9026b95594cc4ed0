import type { ClusterNode } from '../trial/cluster-node.ts'
import type { Fault } from '../trial/scenario.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { Link } from '../world/tcp/link.ts'
import type { World } from '../world/world.ts'
import type { FaultKind, Heal, Injection } from './fault-kind.ts'
import { Overlaps } from './overlaps.ts'

const blocks = new Overlaps<Link>()

/** One direction between two hosts. */
type Way = readonly [from: SimulatedHost, to: SimulatedHost]

/** Lets nothing through on these ways; the result lets it through again. */
function cut({ network }: World, ways: readonly Way[]): Heal {
  const ends = ways.map(([from, to]) =>
    blocks.begin(network.link(from.name, to.name), true, active => {
      if (active.length > 0) network.block(from.name, to.name)
      else network.unblock(from.name, to.name)
    }),
  )
  return () => {
    for (const end of ends) end()
  }
}

function between(some: readonly SimulatedHost[], others: readonly SimulatedHost[]): Way[] {
  return some.flatMap(one => others.flatMap((other): Way[] => [...way(one, other), ...way(other, one)]))
}

function way(from: SimulatedHost, to: SimulatedHost): Way[] {
  return from === to ? [] : [[from, to]]
}

/** What a partition cuts, and how that is told. */
interface Cut {
  readonly ways: readonly Way[]
  readonly text: string
}

const hostsOf = (nodes: readonly ClusterNode[]): SimulatedHost[] => nodes.map(({ host }) => host)
const namesOf = (nodes: readonly ClusterNode[]): string => nodes.map(({ name }) => name).join(', ')

function cutOf({ world, cluster, node }: Injection, target: ClusterNode, fault: Fault): Cut {
  const { host } = target
  const others = cluster.nodes.filter(other => other !== node)
  if (fault.shape === 'one-way-in') {
    const ways = others.flatMap(other => way(other.host, host))
    return { ways, text: `lets ${target.name} hear nothing of other nodes, which still hear it` }
  }
  if (fault.shape === 'one-way-out') {
    const ways = others.flatMap(other => way(host, other.host))
    return { ways, text: `lets no other node hear ${target.name}, which still hears them` }
  }
  if (fault.shape === 'isolate-one') {
    const everybody = [...world.hosts.values()]
    return { ways: between([host], everybody), text: `cuts ${target.name} off from everybody` }
  }
  if (fault.shape === 'majority-ring') return { ways: ringOf(cluster.nodes), text: majorityText(cluster.nodes) }
  const side = cluster.successors(target, fault.nodes ?? 1)
  const rest = cluster.nodes.filter(other => !side.includes(other))
  return {
    ways: between(hostsOf(side), hostsOf(rest)),
    text: `parts ${namesOf(side)} from ${namesOf(rest)}`,
  }
}

function majorityText(nodes: readonly ClusterNode[]): string {
  return `lets each of ${namesOf(nodes)} hear another majority`
}

/** What is cut so that every node hears a majority, no two the same. With three nodes it takes one-way cuts. */
function ringOf(nodes: readonly ClusterNode[]): Way[] {
  const count = nodes.length
  if (count < 3) return []
  const majority = Math.floor(count / 2) + 1
  const hears = (self: number, other: number): boolean => {
    const ahead = (other - self + count) % count
    return count === 3 ? ahead <= 1 : Math.min(ahead, count - ahead) <= Math.floor(majority / 2)
  }
  return nodes.flatMap((to, self) =>
    nodes.flatMap((from, other) => (hears(self, other) ? [] : way(from.host, to.host))),
  )
}

export const partition: FaultKind = {
  name: 'partition',
  summary:
    'the network between nodes is cut: two-way, one-way-in, one-way-out, isolate-one (clients too), majority-ring; bytes on their way come through after healing',
  longestMs: 15_000,
  inject(injection, fault) {
    const { world, node, hit, tell } = injection
    if (node === undefined) return undefined
    const { ways, text } = cutOf(injection, node, fault)
    if (ways.length === 0) return undefined
    hit(text)
    const end = cut(world, ways)
    return () => {
      tell(`ends the partition that ${text}`)
      end()
    }
  },
}

export const controllerPartition: FaultKind = {
  name: 'controller-partition',
  summary: 'a broker is cut off from the controllers and from nobody else; needs controllers on machines of their own',
  longestMs: 15_000,
  inject({ world, cluster, node, hit, tell }) {
    if (!node?.isBroker || cluster.controllers.some(({ isBroker }) => isBroker)) return undefined
    hit(`cuts ${node.name} off from the controllers`)
    const end = cut(world, between([node.host], hostsOf(cluster.controllers)))
    return () => {
      tell(`lets ${node.name} reach the controllers again`)
      end()
    }
  },
}
