import type { Endpoint } from '../world/tcp/endpoint.ts'
import type { TcpKernel } from '../world/tcp/kernel.ts'
import type { NetworkConnection } from '../world/tcp/network.ts'
import type { Pipe } from '../world/tcp/pipe.ts'
import {
  type AmountRange,
  amountOf,
  connectionsFor,
  type FaultKind,
  type Injection,
  pick,
  pickConnection,
} from './fault-kind.ts'
import { Overlaps } from './overlaps.ts'

const SEND_BUFFER: AmountRange = { unit: 'bytes in the send buffer', low: 1, high: 4096 }

const blackholes = new Overlaps<NetworkConnection>()
const refusals = new Overlaps<TcpKernel>()
const stalls = new Overlaps<Endpoint>()
const squeezes = new Overlaps<Pipe, number>()

function nameOf({ id, client }: NetworkConnection): string {
  return `connection ${id} of ${client.kernel.host.name}`
}

/** Resets a connection at both ends. */
export function resetBothEnds({ client, server }: NetworkConnection): void {
  client.fail('ECONNRESET')
  server.fail('ECONNRESET')
}

export const disconnect: FaultKind = {
  name: 'disconnect',
  summary: 'a connection is reset (RST at both ends); bytes on their way are lost',
  longestMs: 0,
  inject(injection, fault) {
    const connection = pickConnection(injection, fault)
    if (connection === undefined) return undefined
    injection.hit(`resets ${nameOf(connection)}`)
    resetBothEnds(connection)
    return undefined
  },
}

export const halfClose: FaultKind = {
  name: 'half-close',
  summary:
    "one direction of a connection ends: the other end sees end-of-stream; odd picks the server's, even the client's",
  longestMs: 0,
  inject(injection, fault) {
    const connection = pick(connectionsFor(injection, fault), { ...fault, pick: (fault.pick ?? 0) >> 1 })
    if (connection === undefined) return undefined
    const fromServer = ((fault.pick ?? 0) & 1) === 1
    injection.hit(`ends the ${fromServer ? "broker's" : "client's"} direction of ${nameOf(connection)}`)
    const ended = fromServer ? connection.server : connection.client
    ended.outPipe?.finish()
    return undefined
  },
}

export const blackhole: FaultKind = {
  name: 'blackhole',
  summary: 'a connection goes silent in both directions while new ones work; its bytes come through after healing',
  longestMs: 8000,
  inject(injection, fault) {
    const connection = pickConnection(injection, fault)
    if (connection === undefined) return undefined
    const { network } = injection.world
    injection.hit(`silences ${nameOf(connection)}`)
    const end = blackholes.begin(connection, true, active => {
      if (active.length > 0) network.blackhole(connection)
      else network.revive(connection)
    })
    return () => {
      injection.tell(`lets ${nameOf(connection)} through again`)
      end()
    }
  },
}

export const refuse: FaultKind = {
  name: 'refuse',
  summary: 'new connections to the node are refused, at the longest until its machine boots anew',
  longestMs: 5000,
  inject({ node, hit, tell }) {
    if (node === undefined) return undefined
    const { refusing } = node.host.kernel
    hit(`refuses new connections to ${node.name}`)
    const end = refusals.begin(node.host.kernel, true, active => {
      if (active.length > 0) refusing.add(node.port)
      else refusing.delete(node.port)
    })
    return () => {
      tell(`allows new connections to ${node.name} again`)
      end()
    }
  },
}

function resumeReading(endpoint: Endpoint): void {
  endpoint.stalled = false
  if (!endpoint.closed) endpoint.notifyLater('notify')
}

/** An end of a connection reads nothing until the result is called. */
export function stall(endpoint: Endpoint): () => void {
  return stalls.begin(endpoint, true, active => {
    if (active.length > 0) endpoint.stalled = true
    else resumeReading(endpoint)
  })
}

function clientEndpoints({ world }: Injection, hostName: string): Endpoint[] {
  return world.network
    .connections()
    .filter(({ client, server }) => client.kernel.host.name === hostName && !client.closed && !server.closed)
    .map(({ client }) => client)
}

export const stallReader: FaultKind = {
  name: 'stall-reader',
  summary: 'a client stops reading from the connections it has; answers pile up at the broker',
  longestMs: 8000,
  inject(injection, fault) {
    const client = pick(injection.clients, fault)
    const endpoints = client === undefined ? [] : clientEndpoints(injection, client.host.name)
    if (client === undefined || endpoints.length === 0) return undefined
    injection.hit(`${client.name} stops reading`)
    const ends = endpoints.map(stall)
    return () => {
      injection.tell(`${client.name} reads again`)
      for (const end of ends) end()
    }
  },
}

export const fullSendBuffer: FaultKind = {
  name: 'full-send-buffer',
  summary: "a server stops reading from its client and the client's send buffer is small, so that it fills",
  amount: SEND_BUFFER,
  longestMs: 8000,
  inject(injection, fault) {
    const connection = pickConnection(injection, fault)
    const pipe = connection?.client.outPipe
    if (connection === undefined || pipe === undefined) return undefined
    const bytes = amountOf(fault, SEND_BUFFER)
    injection.hit(`the send buffer of ${nameOf(connection)} holds ${bytes} bytes and the broker does not read it`)
    const widen = squeezes.begin(pipe, bytes, active => {
      pipe.squeeze(active.length > 0 ? Math.min(...active) : undefined)
    })
    const read = stall(connection.server)
    return () => {
      injection.tell(`the broker reads ${nameOf(connection)} again`)
      widen()
      read()
    }
  },
}
