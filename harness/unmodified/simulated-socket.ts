import { AsyncResource } from 'node:async_hooks'
import net from 'node:net'
import { END_OF_STREAM, NetworkError } from '../../src/runtime/network.ts'
import type { ExecutionContext } from '../world/context.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { Endpoint } from '../world/tcp/endpoint.ts'
import { laneOf } from './here.ts'
import { VirtualTimer } from './timers.ts'

/** What a socket of the operating system would hold in its handle. */
interface SocketState {
  readonly place: ExecutionContext
  /** The async context of the code that made the socket: its callbacks run in it, as in Node. */
  readonly context: AsyncResource
  endpoint: Endpoint | undefined
  giveUp: (() => void) | undefined
  reading: boolean
  pending: { rest: Buffer; readonly done: (error?: Error | null) => void } | undefined
  idle: VirtualTimer | undefined
  bytesRead: number
  bytesWritten: number
  resetting: boolean
}

/** Node's private members that the simulated socket has to take part in. */
interface SocketInternals {
  connecting: boolean
  timeout: number | undefined
  _handle: unknown
  _undestroy(): void
  _server: { _connections: number; _emitCloseIfDrained(): void } | null
  _readableState: { emitClose: boolean }
  _writableState: { emitClose: boolean }
}

const states = new WeakMap<net.Socket, SocketState>()
/** `setTimeout` calls made before `connect`. */
const early = new WeakMap<net.Socket, number>()

const READ_BYTES = 65_536
const ERRNO: Record<string, number> = {
  ECONNREFUSED: -111,
  ECONNRESET: -104,
  EPIPE: -32,
  ETIMEDOUT: -110,
  ENOTFOUND: -3008,
  EADDRINUSE: -98,
}

function internals(socket: net.Socket): SocketInternals {
  return socket as unknown as SocketInternals
}

function stateOf(socket: net.Socket): SocketState {
  const state = states.get(socket)
  if (state === undefined) throw new Error('a simulated socket was used before it was connected')
  return state
}

/** By its name: the world may come from another copy of this module than the one that was installed. */
function isNetworkError(error: unknown): error is NetworkError {
  return error instanceof Error && error.name === 'NetworkError'
}

/** A `NetworkError` with the fields of Node's system errors. */
function systemError(error: unknown): Error {
  if (!isNetworkError(error)) return error as Error
  const { code, operation, address } = error
  const [name, detail] = operation === 'connect' ? ['connect', ` ${address.host}:${address.port}`] : [operation, '']
  const lookup = code === 'ENOTFOUND' || code === 'EAI_AGAIN'
  const message = lookup ? `getaddrinfo ${code} ${address.host}` : `${name} ${code}${detail}`
  return Object.assign(new Error(message), {
    code,
    errno: ERRNO[code] ?? -1,
    syscall: lookup ? 'getaddrinfo' : name,
    ...(lookup
      ? { hostname: address.host }
      : operation === 'connect'
        ? { address: address.host, port: address.port }
        : {}),
  })
}

export function isSimulated(socket: net.Socket): boolean {
  return states.has(socket)
}

/** Remembers a timeout that was set before the socket was connected. */
export function setEarlyTimeout(socket: net.Socket, delayMs: number): void {
  internals(socket).timeout = delayMs
  early.set(socket, delayMs)
}

/** Turns a `net.Socket` without a handle into a simulated one; `instanceof net.Socket` still holds. */
export function adopt(socket: net.Socket, place: ExecutionContext): void {
  if (states.has(socket)) return
  states.set(socket, {
    place,
    context: new AsyncResource('KAFKA_TRIAL_SOCKET', { requireManualDestroy: true }),
    endpoint: undefined,
    giveUp: undefined,
    reading: false,
    pending: undefined,
    idle: undefined,
    bytesRead: 0,
    bytesWritten: 0,
    resetting: false,
  })
  if (!(socket instanceof SimulatedSocket)) Object.setPrototypeOf(socket, SimulatedSocket.prototype)
  const inner = internals(socket)
  // 'close' is an event of its own, as libuv's close callback is.
  inner._readableState.emitClose = false
  inner._writableState.emitClose = false
  inner._handle = null
  const delayMs = early.get(socket)
  if (delayMs !== undefined) socket.setTimeout(delayMs)
}

/** Makes a socket that was closed fit for another connection. */
export function renew(socket: net.Socket): void {
  states.delete(socket)
  Reflect.deleteProperty(socket, 'write') // Node puts another one there when the peer has ended
  internals(socket)._undestroy()
}

/** Gives an adopted socket its established connection. */
export function attach(socket: net.Socket, endpoint: Endpoint): void {
  const state = stateOf(socket)
  state.endpoint = endpoint
  endpoint.onReady(() => state.context.runInAsyncScope(onReady, undefined, socket, state))
}

/** Starts an adopted socket's way to `host:port`. */
export function connect(socket: net.Socket, host: string, port: number): void {
  const state = stateOf(socket)
  const inner = internals(socket)
  const owner = state.place.process
  if (owner === undefined)
    throw new Error('sockets are connected by code that runs on a simulated host: use host.process().run(...)')
  inner.connecting = true
  state.giveUp = openConnection(socket, state, owner, host, port)
}

function openConnection(
  socket: net.Socket,
  state: SocketState,
  owner: SimulatedProcess,
  host: string,
  port: number,
): () => void {
  const inner = internals(socket)
  return owner.host.kernel.connect(
    owner,
    { host, port },
    endpoint => {
      state.giveUp = undefined
      attach(socket, endpoint)
      state.context.runInAsyncScope(() => {
        inner.connecting = false
        state.idle?.refresh()
        socket.emit('connect')
        socket.emit('ready')
        if (!socket.destroyed && !socket.isPaused()) socket.read(0)
      })
    },
    error => {
      state.giveUp = undefined
      inner.connecting = false
      state.context.runInAsyncScope(() => socket.destroy(systemError(error)))
    },
  )
}

function onReady(socket: net.Socket, state: SocketState): void {
  flush(state)
  pull(socket, state)
}

/** Hands arrived bytes to the stream for as long as it wants them. */
function pull(socket: net.Socket, state: SocketState): void {
  const { endpoint } = state
  try {
    while (state.reading && endpoint !== undefined && !endpoint.closed && !socket.destroyed) {
      const chunk = endpoint.read(READ_BYTES)
      if (chunk === null) return
      if (chunk === END_OF_STREAM) {
        state.reading = false
        socket.push(null)
        if (socket.readableLength === 0) socket.read(0)
        return
      }
      state.bytesRead += chunk.length
      state.idle?.refresh()
      if (!socket.push(chunk)) state.reading = false
    }
  } catch (error) {
    state.reading = false
    socket.destroy(systemError(error))
  }
}

/** Continues a write that waited for room in the send buffer. */
function flush(state: SocketState): void {
  const { pending, endpoint } = state
  if (pending === undefined || endpoint === undefined || endpoint.closed) return
  try {
    const taken = endpoint.write(pending.rest)
    if (taken > 0) state.idle?.refresh()
    pending.rest = pending.rest.subarray(taken)
    if (pending.rest.length > 0) return
    state.pending = undefined
    pending.done()
  } catch (error) {
    state.pending = undefined
    pending.done(systemError(error))
  }
}

/** `net.Socket` over the simulated network. */
export class SimulatedSocket extends net.Socket {
  override connect(...args: never[]): this {
    return Reflect.apply(net.Socket.prototype.connect, this, args) as this
  }

  override _read(): void {
    const state = states.get(this)
    if (state === undefined) return
    state.reading = true
    if (state.endpoint !== undefined) pull(this, state)
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const state = stateOf(this)
    if (internals(this).connecting) {
      this.once('connect', () => this._write(chunk, encoding, done))
      return
    }
    if (state.endpoint === undefined || state.endpoint.closed) {
      done(systemError(new NetworkError('EPIPE', 'write', { host: '', port: 0 })))
      return
    }
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk) // the caller may reuse its memory
    state.bytesWritten += bytes.length
    state.idle?.refresh()
    state.pending = { rest: bytes, done }
    flush(state)
  }

  override _writev(
    chunks: { chunk: Buffer | string; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const parts = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    )
    this._write(Buffer.concat(parts), 'utf8', done)
  }

  override _final(done: (error?: Error | null) => void): void {
    if (internals(this).connecting) {
      this.once('connect', () => this._final(done))
      return
    }
    const { endpoint } = stateOf(this)
    if (endpoint !== undefined && !endpoint.closed) endpoint.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const state = stateOf(this)
    internals(this).connecting = false
    state.idle?.close()
    state.idle = undefined
    state.giveUp?.()
    if (state.resetting) state.endpoint?.reset()
    else state.endpoint?.close()
    const { pending } = state
    state.pending = undefined
    done(error)
    pending?.done(error ?? systemError(new NetworkError('EPIPE', 'write', { host: '', port: 0 })))
    const { world } = state.place
    world.at(world.nowUs, laneOf(state.place), 'async', () => {
      state.context.runInAsyncScope(() => {
        this.emit('close', error !== null)
        const server = internals(this)._server
        if (server === null || server === undefined) return
        server._connections--
        server._emitCloseIfDrained()
        internals(this)._server = null
      })
    })
  }

  override resetAndDestroy(): this {
    stateOf(this).resetting = true
    return this.destroy()
  }

  override setTimeout(delayMs: number, callback?: () => void): this {
    const state = stateOf(this)
    internals(this).timeout = delayMs
    state.idle?.close()
    state.idle = undefined
    if (delayMs > 0) {
      state.idle = new VirtualTimer(
        state.place,
        () => state.context.runInAsyncScope(() => this.emit('timeout')),
        [],
        delayMs,
        false,
      )
      if (callback !== undefined) this.once('timeout', callback)
    } else if (callback !== undefined) this.removeListener('timeout', callback)
    return this
  }

  _unrefTimer(): void {
    states.get(this)?.idle?.refresh()
  }

  override setNoDelay(): this {
    return this
  }

  override setKeepAlive(): this {
    return this
  }

  override ref(): this {
    return this
  }

  override unref(): this {
    return this
  }

  override address(): net.AddressInfo {
    return { address: this.localAddress as string, port: this.localPort as number, family: 'IPv4' }
  }
}

function describe(
  socket: net.Socket,
  side: 'local' | 'remote',
): { readonly address: string; readonly port: number } | undefined {
  const endpoint = states.get(socket)?.endpoint
  if (endpoint === undefined) return undefined
  const owner = side === 'local' ? endpoint : endpoint.peer
  return { address: owner?.kernel.host.ip ?? endpoint[side].host, port: endpoint[side].port }
}

const getters: Record<string, (socket: net.Socket) => unknown> = {
  bytesRead: socket => states.get(socket)?.bytesRead ?? 0,
  bytesWritten: socket => states.get(socket)?.bytesWritten ?? 0,
  localAddress: socket => describe(socket, 'local')?.address,
  localPort: socket => describe(socket, 'local')?.port,
  localFamily: socket => (states.get(socket)?.endpoint === undefined ? undefined : 'IPv4'),
  remoteAddress: socket => describe(socket, 'remote')?.address,
  remotePort: socket => describe(socket, 'remote')?.port,
  remoteFamily: socket => (states.get(socket)?.endpoint === undefined ? undefined : 'IPv4'),
  pending: socket => states.get(socket)?.endpoint === undefined,
}
for (const [name, get] of Object.entries(getters)) {
  Object.defineProperty(SimulatedSocket.prototype, name, {
    configurable: true,
    get(this: net.Socket) {
      return get(this)
    },
  })
}
