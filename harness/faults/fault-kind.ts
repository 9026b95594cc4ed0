import type { BrokerNode } from '../trial/broker-node.ts'
import type { ClientNode } from '../trial/client-node.ts'
import type { ResponseGate } from '../trial/response-gate.ts'
import type { Fault, FaultName } from '../trial/scenario.ts'
import type { NetworkConnection } from '../world/tcp/network.ts'
import type { World } from '../world/world.ts'

/** What a fault can get at. */
export interface FaultContext {
  readonly world: World
  readonly broker: BrokerNode
  readonly clients: readonly ClientNode[]
  readonly gate: ResponseGate
  /** Adds to the story. */
  readonly tell: (text: string) => void
}

/** What one injection of a fault is given. */
export interface Injection extends FaultContext {
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
  /** Longest time it is generated with, virtual ms; 0 for faults that are over at once. */
  readonly longestMs: number
  /** Begins the fault. The result ends it; undefined when there was nothing to hit or nothing to end. */
  inject(injection: Injection, fault: Fault): Heal | undefined
}

/** The live connections between clients and the broker, oldest first. */
export function clientConnections(context: FaultContext): NetworkConnection[] {
  const names = new Set(context.clients.map(client => client.host.name))
  return context.world.network
    .connections()
    .filter(({ client, server }) => names.has(client.kernel.host.name) && !client.closed && !server.closed)
}

/** The connection a fault picks, if there is one. */
export function pickConnection(context: FaultContext, fault: Fault): NetworkConnection | undefined {
  return pick(clientConnections(context), fault)
}

export function pick<T>(items: readonly T[], fault: Fault): T | undefined {
  return items.length === 0 ? undefined : items[(fault.pick ?? 0) % items.length]
}

/** The fault's amount, or the low end of its range. */
export function amountOf(fault: Fault, range: AmountRange): number {
  return fault.amount ?? range.low
}
