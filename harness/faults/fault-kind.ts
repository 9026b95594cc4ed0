import type { ClientNode, MemberNode } from '../trial/client-node.ts'
import type { Cluster } from '../trial/cluster.ts'
import type { ClusterAdmin } from '../trial/cluster-admin.ts'
import type { ClusterNode } from '../trial/cluster-node.ts'
import type { Fault, FaultName } from '../trial/scenario.ts'
import type { NetworkConnection } from '../world/tcp/network.ts'
import type { World } from '../world/world.ts'

/** What a fault can get at. */
export interface FaultContext {
  readonly world: World
  readonly cluster: Cluster
  /** Producers, then members of groups. */
  readonly clients: readonly ClientNode[]
  readonly members: readonly MemberNode[]
  /** For faults that ask the cluster itself for something. */
  readonly admin: ClusterAdmin
  /** Adds to the story. */
  readonly tell: (text: string) => void
}

/** What one injection of a fault is given. */
export interface Injection extends FaultContext {
  /** The node that the fault is `on`; undefined when nobody is what it asks for now. */
  readonly node: ClusterNode | undefined
  /**
   * Tells what the fault does to whom. The fault counts as injected from the first call on; one that finds nothing to hit
   * never calls it.
   */
  readonly hit: (text: string) => void
}

/** Ends a fault. Called once. */
export type Heal = () => void

/** A range of values a fault's `amount` can take, and what it means. */
export interface AmountRange {
  readonly unit: string
  readonly low: number
  readonly high: number
}

/** A kind of fault: how it is injected and healed. */
export interface FaultKind {
  readonly name: FaultName
  /** One line for the catalogue. */
  readonly summary: string
  readonly amount?: AmountRange
  /** Shortest time it is generated with, virtual ms; default 10. */
  readonly shortestMs?: number
  /** Longest time it is generated with, virtual ms; 0 for faults that are over at once. */
  readonly longestMs: number
  /** Begins the fault. The result ends it; undefined when there was nothing to hit or nothing to end. */
  inject(injection: Injection, fault: Fault): Heal | undefined
}

/**
 * The live connections that a fault picks from, oldest first: those of clients, or, of a fault that says which node it is
 * `on`, all that have an end there.
 */
export function connectionsFor({ world, clients, node }: Injection, fault: Fault): NetworkConnection[] {
  const names = new Set(clients.map(client => client.host.name))
  const target = fault.on === undefined ? undefined : node?.host
  if (fault.on !== undefined && target === undefined) return []
  return world.network.connections().filter(({ client, server }) => {
    if (client.closed || server.closed) return false
    if (target === undefined) return names.has(client.kernel.host.name)
    return client.kernel.host === target || server.kernel.host === target
  })
}

/** The connection a fault picks, if there is one. */
export function pickConnection(injection: Injection, fault: Fault): NetworkConnection | undefined {
  return pick(connectionsFor(injection, fault), fault)
}

export function pick<T>(items: readonly T[], fault: Fault): T | undefined {
  return items.length === 0 ? undefined : items[(fault.pick ?? 0) % items.length]
}

/** The fault's amount, or the low end of its range. */
export function amountOf(fault: Fault, range: AmountRange): number {
  return fault.amount ?? range.low
}
