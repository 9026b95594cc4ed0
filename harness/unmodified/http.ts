import http from 'node:http'
import type net from 'node:net'
import { runOutside } from '../world/context.ts'
import { here } from './here.ts'

const realWriteHead = http.ServerResponse.prototype.writeHead
const realGetName = http.Agent.prototype.getName

export function isHttpServer(server: net.Server): server is http.Server {
  return server instanceof http.Server
}

interface ListeningListener {
  readonly name: string
}

/**
 * A server of `node:http` looks for slow requests with a timer and a clock of the real machine, out of reach from
 * outside. So its own listener is run once, outside the world, and the timer that it starts is stopped; its header and
 * request timeouts do not work in a world.
 */
export function prepareHttpServer(server: http.Server): void {
  const own = server.listeners('listening').find(({ name }: ListeningListener) => name === 'setupConnectionsTracking')
  if (own === undefined) return
  server.removeListener('listening', own as () => void)
  runOutside(() => {
    own.call(server)
    const key = Object.getOwnPropertySymbols(server).find(
      symbol => symbol.description === 'http.server.connectionsCheckingInterval',
    )
    if (key !== undefined) clearInterval(Reflect.get(server, key) as NodeJS.Timeout)
  })
}

const owners = new WeakMap<object, number>()
let lastOwner = 0

/** Lets agents keep connections apart by simulated process, so that none is taken over from a finished trial. */
function ownerSuffix(): string {
  const place = here()
  if (place === undefined) return ''
  const owner = place.process ?? place.world
  let number = owners.get(owner)
  if (number === undefined) {
    number = ++lastOwner
    owners.set(owner, number)
  }
  return `:kafka-trial-${number}`
}

/** Makes the `Date` header of `node:http` follow the host's clock, and keeps agents' connections within their process. */
export function installHttp(): void {
  http.ServerResponse.prototype.writeHead = function writeHead(this: http.ServerResponse, ...args: unknown[]) {
    if (here() !== undefined && this.sendDate && !this.headersSent && !this.hasHeader('date')) {
      this.setHeader('Date', new Date().toUTCString())
    }
    return Reflect.apply(realWriteHead, this, args) as http.ServerResponse
  } as typeof realWriteHead
  http.Agent.prototype.getName = function getName(this: http.Agent, options?: Parameters<typeof realGetName>[0]) {
    return realGetName.call(this, options) + ownerSuffix()
  }
}
