import type { RequestInfo, ResponseFate } from '../../src/network/request-observer.ts'
import type { ClusterNode } from '../trial/cluster-node.ts'
import type { Fault, FaultName } from '../trial/scenario.ts'
import { resetBothEnds } from './connections.ts'
import { waitsForItsRequest } from './error-response.ts'
import {
  type AmountRange,
  amountOf,
  type FaultContext,
  type FaultKind,
  type Heal,
  type Injection,
} from './fault-kind.ts'

const DELAY: AmountRange = { unit: 'ms late', low: 1, high: 40_000 }

/** Counts the answers that a fault waits for, on the node that it is `on`: true for the one that it is about. */
function aim({ cluster }: FaultContext, fault: Fault, api: string): (node: ClusterNode, info: RequestInfo) => boolean {
  const { at, on, pick } = fault
  const apiName = 'request' in at ? at.request : api
  let seen = 0
  return (node, info) => {
    if (info.apiName !== apiName || (on !== undefined && cluster.resolve(on, pick) !== node)) return false
    return !('request' in at) || ++seen === at.nth
  }
}

/** Puts a rule in force on every node; returns how to end it. */
function onEveryNode(
  { cluster }: FaultContext,
  rule: (node: ClusterNode, info: RequestInfo) => ResponseFate | undefined,
): () => void {
  const ends = cluster.nodes.map(node => node.gate.add(info => rule(node, info)))
  return () => {
    for (const end of ends) end()
  }
}

/**
 * Response faults triggered by a request are in force from the start of chaos: they wait for their answer, and their time
 * begins with it.
 */
export function isArmedFromStart(fault: Fault): boolean {
  return (ARMED_FROM_START.has(fault.kind) && 'request' in fault.at) || waitsForItsRequest(fault)
}

const ARMED_FROM_START: ReadonlySet<FaultName> = new Set(['lose-response', 'delay-response', 'lose-alter-partition'])

function nameOf(info: RequestInfo): string {
  return info.clientId ?? 'a client'
}

function nthOf({ at }: Fault, info: RequestInfo): string {
  return `${info.apiName}${'nth' in at && 'request' in at ? ` #${at.nth}` : ''}`
}

/** One answer of an API is lost; at the end of the fault its connection is reset. */
function lose(injection: Injection, fault: Fault, api: string): Heal {
  const concerns = aim(injection, fault, api)
  let lost: { readonly node: ClusterNode; readonly info: RequestInfo } | undefined
  const remove = onEveryNode(injection, (node, info) => {
    if (lost !== undefined || !concerns(node, info)) return undefined
    lost = { node, info }
    injection.hit(`loses the answer of ${node.name} to ${nthOf(fault, info)} of ${nameOf(info)}`)
    return 'drop'
  })
  return () => {
    remove()
    if (lost !== undefined) resetConnection(injection, lost.node, lost.info)
  }
}

function resetConnection({ tell }: FaultContext, node: ClusterNode, info: RequestInfo): void {
  const connection = node.connectionOf(info.connectionId)
  if (connection === undefined) return
  tell(`resets the connection of the lost answer to ${nameOf(info)}`)
  resetBothEnds(connection)
}

export const loseResponse: FaultKind = {
  name: 'lose-response',
  summary: 'one request is handled and never answered; when the fault ends its connection is reset',
  longestMs: 5000,
  inject: (injection, fault) => lose(injection, fault, 'Produce'),
}

export const loseAlterPartition: FaultKind = {
  name: 'lose-alter-partition',
  summary:
    "the controller's answer to a leader's AlterPartition is lost: the change of the ISR is committed or refused unheard",
  longestMs: 5000,
  inject: (injection, fault) => lose(injection, fault, 'AlterPartition'),
}

export const delayResponse: FaultKind = {
  name: 'delay-response',
  summary: 'answers to Produce requests leave their node late; those that are late already stay so when the fault ends',
  amount: DELAY,
  longestMs: 5000,
  inject(injection, fault) {
    const delayMs = amountOf(fault, DELAY)
    const concerns = aim(injection, fault, 'Produce')
    return onEveryNode(injection, (node, info) => {
      if (!concerns(node, info)) return undefined
      injection.hit(`delays the answer of ${node.name} to ${nthOf(fault, info)} of ${nameOf(info)} by ${delayMs} ms`)
      return { delayMs }
    })
  },
}
