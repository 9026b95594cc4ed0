import type { Endpoint } from '../world/tcp/endpoint.ts'
import type { NetworkConnection } from '../world/tcp/network.ts'
import { amountOf, clientConnections, type FaultContext, type FaultKind, pick, pickConnection } from './fault-kind.ts'

function nameOf({ id, client }: NetworkConnection): string {
  return `connection ${id} of ${client.kernel.host.name}`
}

export const disconnect: FaultKind = {
  name: 'disconnect',
  summary: 'a connection is reset (RST at both ends); bytes on their way are lost',
  longestMs: 0,
  inject(context, fault) {
    const connection = pickConnection(context, fault)
    if (connection === undefined) return undefined
    context.tell(`resets ${nameOf(connection)}`)
    connection.client.fail('ECONNRESET')
    connection.server.fail('ECONNRESET')
    return undefined
  },
}

export const halfClose: FaultKind = {
  name: 'half-close',
  summary:
    "one direction of a connection ends: the other end sees end-of-stream, odd picks the broker's, even the client's",
  longestMs: 0,
  inject(context, fault) {
    const connection = pick(clientConnections(context), { ...fault, pick: (fault.pick ?? 0) >> 1 })
    if (connection === undefined) return undefined
    const fromBroker = ((fault.pick ?? 0) & 1) === 1
    context.tell(`ends the ${fromBroker ? "broker's" : "client's"} direction of ${nameOf(connection)}`)
    const ended = fromBroker ? connection.server : connection.client
    ended.outPipe?.finish()
    return undefined
  },
}

export const blackhole: FaultKind = {
  name: 'blackhole',
  summary: 'a connection goes silent in both directions while new ones work; its bytes come through after healing',
  longestMs: 8000,
  inject(context, fault) {
    const connection = pickConnection(context, fault)
    if (connection === undefined) return undefined
    context.tell(`silences ${nameOf(connection)}`)
    context.world.network.blackhole(connection)
    return () => {
      context.tell(`lets ${nameOf(connection)} through again`)
      context.world.network.revive(connection)
    }
  },
}

export const refuse: FaultKind = {
  name: 'refuse',
  summary: 'new connections to the broker are refused',
  longestMs: 5000,
  inject({ broker, tell }) {
    const { kernel } = broker.host
    tell(`refuses new connections to ${broker.name}`)
    kernel.refusing.add(broker.port)
    return () => {
      tell(`allows new connections to ${broker.name} again`)
      kernel.refusing.delete(broker.port)
    }
  },
}

/** Both directions between the broker and one client's host. */
function linksOf(context: FaultContext, host: string): ReturnType<typeof context.world.network.link>[] {
  const { network } = context.world
  return [network.link(host, context.broker.host.name), network.link(context.broker.host.name, host)]
}

export const slowLink: FaultKind = {
  name: 'slow-link',
  summary: 'the path between a client and the broker is slow: added latency, and 20 kB/s',
  amount: { unit: 'ms of added latency', low: 5, high: 800 },
  longestMs: 8000,
  inject(context, fault) {
    const client = pick(context.clients, fault)
    if (client === undefined) return undefined
    const addedUs = amountOf(fault, { unit: 'ms', low: 5, high: 800 }) * 1000
    context.tell(`slows the path of ${client.name} by ${addedUs / 1000} ms each way`)
    for (const { conditions, from, to } of linksOf(context, client.host.name)) {
      const [low, high] = context.world.network.defaults(from, to).latencyUs
      conditions.latencyUs = [low + addedUs, high + Math.round(addedUs * 1.5)]
      conditions.bytesPerSecond = 20_000
    }
    return () => {
      context.tell(`the path of ${client.name} is quick again`)
      for (const { conditions, from, to } of linksOf(context, client.host.name)) {
        const { latencyUs, bytesPerSecond } = context.world.network.defaults(from, to)
        Object.assign(conditions, { latencyUs, bytesPerSecond })
      }
    }
  },
}

export const fragment: FaultKind = {
  name: 'fragment',
  summary: 'every segment between a client and the broker is cut into small pieces',
  amount: { unit: 'bytes a piece at most', low: 1, high: 200 },
  longestMs: 8000,
  inject(context, fault) {
    const client = pick(context.clients, fault)
    if (client === undefined) return undefined
    const maxBytes = amountOf(fault, { unit: 'bytes', low: 1, high: 200 })
    context.tell(`cuts everything from and to ${client.name} into pieces of at most ${maxBytes} bytes`)
    for (const { conditions } of linksOf(context, client.host.name)) conditions.fragment = { probability: 1, maxBytes }
    return () => {
      context.tell(`the segments of ${client.name} are whole again`)
      for (const { conditions, from, to } of linksOf(context, client.host.name)) {
        conditions.fragment = context.world.network.defaults(from, to).fragment
      }
    }
  },
}

function resumeReading(endpoint: Endpoint): void {
  endpoint.stalled = false
  if (!endpoint.closed) endpoint.notifyLater('notify')
}

export const stallReader: FaultKind = {
  name: 'stall-reader',
  summary: 'a client stops reading from its connections; answers pile up at the broker',
  longestMs: 8000,
  inject(context, fault) {
    const client = pick(context.clients, fault)
    const endpoints = clientConnections(context)
      .map(connection => connection.client)
      .filter(endpoint => endpoint.kernel.host === client?.host)
    if (client === undefined || endpoints.length === 0) return undefined
    context.tell(`${client.name} stops reading`)
    for (const endpoint of endpoints) endpoint.stalled = true
    return () => {
      context.tell(`${client.name} reads again`)
      endpoints.forEach(resumeReading)
    }
  },
}

export const fullSendBuffer: FaultKind = {
  name: 'full-send-buffer',
  summary: "the broker stops reading from a client and the client's send buffer is small, so that it fills",
  amount: { unit: 'bytes in the send buffer', low: 1, high: 4096 },
  longestMs: 8000,
  inject(context, fault) {
    const connection = pickConnection(context, fault)
    const pipe = connection?.client.outPipe
    if (connection === undefined || pipe === undefined) return undefined
    const bytes = amountOf(fault, { unit: 'bytes', low: 1, high: 4096 })
    context.tell(`the send buffer of ${nameOf(connection)} holds ${bytes} bytes and the broker does not read it`)
    pipe.squeeze(bytes)
    connection.server.stalled = true
    return () => {
      context.tell(`the broker reads ${nameOf(connection)} again`)
      pipe.squeeze(undefined)
      resumeReading(connection.server)
    }
  },
}
