import net from 'node:net'
import tls from 'node:tls'
import type { NetworkError } from '../../src/runtime/network.ts'
import type { ExecutionContext } from '../world/context.ts'
import type { Endpoint } from '../world/tcp/endpoint.ts'
import type { ListeningSocket } from '../world/tcp/kernel.ts'
import { captureContext } from '../world/world.ts'
import { here, laneOf, soon } from './here.ts'
import { isHttpServer, prepareHttpServer } from './http.ts'
import { adopt, attach, connect, isSimulated, renew, setEarlyTimeout } from './simulated-socket.ts'

const realConnect = net.Socket.prototype.connect
const realSetTimeout = net.Socket.prototype.setTimeout
const realListen = net.Server.prototype.listen
const realTlsConnect = tls.connect

const DEFAULT_BACKLOG = 511

interface TargetOptions {
  readonly host?: string | undefined
  readonly port?: number | string | undefined
  readonly path?: string | null | undefined
  readonly backlog?: number | undefined
  readonly timeout?: number | undefined
}

interface Target {
  readonly host: string
  readonly port: number
  readonly backlog: number
  readonly timeoutMs: number
  readonly callback: (() => void) | undefined
}

/** Node's many ways to say where: `(port, host, callback)`, `(options, callback)`, or what `net.connect` normalized. */
function parseTarget(args: unknown[]): Target {
  const list = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
  const callback = list.findLast(value => typeof value === 'function') as (() => void) | undefined
  const options = typeof list[0] === 'object' && list[0] !== null ? (list[0] as TargetOptions) : positional(list)
  if (typeof options.path === 'string') throw new Error(`pipes are not simulated: ${options.path}`)
  const port = Number(options.port ?? 0)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    const message = `options.port should be >= 0 and < 65536. Received ${String(options.port)}.`
    throw Object.assign(new RangeError(message), { code: 'ERR_SOCKET_BAD_PORT' })
  }
  return {
    host: options.host ?? 'localhost',
    port,
    backlog: options.backlog ?? DEFAULT_BACKLOG,
    timeoutMs: options.timeout ?? 0,
    callback,
  }
}

function positional(list: readonly unknown[]): TargetOptions {
  const [first, ...rest] = list
  if (typeof first === 'string' && !(Number(first) >= 0)) return { path: first }
  return {
    port: first as number | undefined,
    host: rest.find(value => typeof value === 'string'),
    backlog: rest.find(value => typeof value === 'number'),
  }
}

/** What `net.Server` calls on a handle of the operating system. */
class ServerHandle {
  readonly #listener: ListeningSocket
  readonly #ip: string

  constructor(listener: ListeningSocket, ip: string) {
    this.#listener = listener
    this.#ip = ip
  }

  close(): void {
    this.#listener.close()
  }

  getsockname(out: { address?: string; port?: number; family?: string }): number {
    out.address = this.#ip
    out.port = this.#listener.address.port
    out.family = 'IPv4'
    return 0
  }

  ref(): void {}

  unref(): void {}

  hasRef(): boolean {
    return true
  }
}

interface ServerInternals {
  _handle: ServerHandle | null
  _connections: number
  readonly allowHalfOpen: boolean
}

function listen(server: net.Server, place: ExecutionContext, target: Target): void {
  const owner = place.process
  if (owner === undefined) throw new Error('servers listen on a simulated host: use host.process().run(...)')
  const inner = server as unknown as ServerInternals
  if (inner._handle !== null) {
    const message = 'Listen method has been called more than once without closing.'
    throw Object.assign(new Error(message), { code: 'ERR_SERVER_ALREADY_LISTEN' })
  }
  if (target.callback !== undefined) server.once('listening', target.callback)
  let listener: ListeningSocket
  try {
    listener = owner.host.kernel.listen(owner, { host: target.host, port: target.port, backlog: target.backlog })
  } catch (error) {
    const failure = error as NetworkError
    const listenError = Object.assign(new Error(`listen ${failure.code}: ${target.host}:${target.port}`), {
      code: failure.code,
      syscall: 'listen',
    })
    soon(place, () => server.emit('error', listenError))
    return
  }
  inner._handle = new ServerHandle(listener, owner.host.ip)
  inner._connections = 0
  // Connections are handled in the context of the code that listens, not in that of the client that caused the event.
  const context = captureContext()
  listener.onReady(() => {
    for (let endpoint = listener.accept(); endpoint !== null; endpoint = listener.accept()) {
      const accepted = endpoint as Endpoint
      const accept = (): void => acceptConnection(server, place, accepted)
      place.world.atInContext(place.world.nowUs, laneOf(place), 'notify', accept, context)
    }
  })
  soon(place, () => {
    if (isHttpServer(server)) prepareHttpServer(server)
    server.emit('listening')
  })
}

function acceptConnection(server: net.Server, place: ExecutionContext, endpoint: Endpoint): void {
  const inner = server as unknown as ServerInternals
  const socket = new net.Socket({ allowHalfOpen: inner.allowHalfOpen })
  adopt(socket, place)
  attach(socket, endpoint)
  inner._connections++
  Object.assign(socket, { server, _server: server })
  server.emit('connection', socket)
  if (!socket.destroyed && !socket.isPaused()) socket.read(0)
}

/** Puts the simulated network behind `net` (clients and servers) and `tls.connect` (in plain text, as if encrypted). */
export function installNet(): void {
  net.Socket.prototype.connect = function connectSimulated(this: net.Socket, ...args: unknown[]) {
    const place = here()
    if (place === undefined) return Reflect.apply(realConnect, this, args) as net.Socket
    const target = parseTarget(args)
    if (this.destroyed) renew(this)
    adopt(this, place)
    if (target.callback !== undefined) this.once('connect', target.callback)
    connect(this, target.host, target.port)
    return this
  } as typeof net.Socket.prototype.connect

  net.Socket.prototype.setTimeout = function setTimeoutSimulated(
    this: net.Socket,
    delayMs: number,
    callback?: () => void,
  ) {
    const hasHandle = (this as unknown as { _handle: unknown })._handle !== null
    if (here() === undefined || hasHandle || isSimulated(this))
      return Reflect.apply(realSetTimeout, this, [delayMs, callback]) as net.Socket
    setEarlyTimeout(this, delayMs)
    if (callback !== undefined && delayMs > 0) this.once('timeout', callback)
    return this
  } as typeof net.Socket.prototype.setTimeout

  net.Server.prototype.listen = function listenSimulated(this: net.Server, ...args: unknown[]) {
    const place = here()
    if (place === undefined) return Reflect.apply(realListen, this, args) as net.Server
    listen(this, place, parseTarget(args))
    return this
  } as typeof net.Server.prototype.listen

  const tlsConnect = (...args: unknown[]): net.Socket => {
    const place = here()
    if (place === undefined) return Reflect.apply(realTlsConnect, tls, args) as net.Socket
    const target = parseTarget(args)
    const socket = new net.Socket()
    adopt(socket, place)
    Object.assign(socket, { encrypted: true, authorized: true, authorizationError: null })
    socket.once('connect', () => socket.emit('secureConnect'))
    if (target.callback !== undefined) socket.once('secureConnect', target.callback)
    if (target.timeoutMs > 0) socket.setTimeout(target.timeoutMs)
    connect(socket, target.host, target.port)
    return socket
  }
  Object.assign(tls, { connect: tlsConnect })
}
