import type { Socket } from 'node:net'
import { type Address, type Connection, END_OF_STREAM, NetworkError, type SocketOptions } from '../network.ts'
import type { CrashHandler } from './crash.ts'
import type { LingeringSockets } from './lingering-sockets.ts'
import { networkErrorFrom } from './network-error.ts'
import { ReadyCallback } from './ready-callback.ts'
import { ReceiveBuffer } from './receive-buffer.ts'

/** Kafka's `socket.send.buffer.bytes`. */
const DEFAULT_SEND_BUFFER_BYTES = 102_400
const DEFAULT_RECEIVE_BUFFER_BYTES = 65_536

export interface ConnectionContext {
  readonly onCrash: CrashHandler
  readonly lingering: LingeringSockets
}

/**
 * An established connection. Its buffers come on top of the operating system's own, which Node cannot set: a peer that
 * does not read is noticed some hundred kilobytes later than the sizes alone would say, and what is received overshoots
 * its size by up to two reads of 64 KiB.
 */
export class NodeConnection implements Connection {
  readonly local: Address
  readonly remote: Address
  readonly #socket: Socket
  readonly #context: ConnectionContext
  readonly #sendBufferBytes: number
  readonly #receiveBufferBytes: number
  readonly #received = new ReceiveBuffer()
  readonly #ready: ReadyCallback
  /** A write was cut short, so that room in the send buffer is news. */
  #wantsRoom = false
  #paused = false
  #peerEnded = false
  #ended = false
  #closed = false
  #failure: NetworkError | undefined

  /** Takes over a connected socket with `allowHalfOpen`, to which nobody has listened for data. */
  constructor(socket: Socket, local: Address, remote: Address, options: SocketOptions, context: ConnectionContext) {
    this.local = local
    this.remote = remote
    this.#socket = socket
    this.#context = context
    this.#sendBufferBytes = options.sendBufferBytes ?? DEFAULT_SEND_BUFFER_BYTES
    this.#receiveBufferBytes = options.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES
    this.#ready = new ReadyCallback(context.onCrash)
    socket.on('data', chunk => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#onClose())
    socket.resume()
  }

  read(maxBytes: number): Buffer | null | typeof END_OF_STREAM {
    if (this.#closed) throw new NetworkError('ECLOSED', 'read', this.remote)
    const bytes = this.#received.take(maxBytes)
    if (bytes !== null) {
      this.#resumeWhenRoom()
      return bytes
    }
    if (this.#failure !== undefined) throw this.#failure
    return this.#peerEnded ? END_OF_STREAM : null
  }

  write(chunk: Buffer): number {
    if (this.#closed) throw new NetworkError('ECLOSED', 'write', this.remote)
    if (this.#failure !== undefined) throw this.#failure
    if (this.#ended) throw new NetworkError('EPIPE', 'write', this.remote)
    const room = Math.max(0, this.#sendBufferBytes - this.#socket.writableLength)
    const taken = Math.min(room, chunk.length)
    if (taken < chunk.length) this.#wantsRoom = true
    if (taken > 0) this.#socket.write(taken < chunk.length ? chunk.subarray(0, taken) : chunk, () => this.#onRoom())
    return taken
  }

  onReady(callback: () => void): void {
    if (!this.#closed) this.#ready.set(callback)
  }

  end(): void {
    if (this.#closed) throw new NetworkError('ECLOSED', 'end', this.remote)
    if (this.#ended || this.#failure !== undefined) return
    this.#ended = true
    this.#socket.end()
  }

  close(): void {
    if (this.#closed) return
    this.#letGo()
    if (this.#failure !== undefined) this.#socket.destroy()
    else this.#context.lingering.add(this.#socket)
  }

  reset(): void {
    if (this.#closed) return
    this.#letGo()
    const socket = this.#socket
    // libuv refuses to reset, and Node then forgets the handle without closing it, between asking for a shutdown and its
    // taking effect a turn of the event loop later.
    const isShuttingDown = this.#ended && socket.writableLength === 0 && !socket.writableFinished && !socket.destroyed
    if (isShuttingDown) socket.once('finish', () => socket.resetAndDestroy())
    else socket.resetAndDestroy()
  }

  #letGo(): void {
    this.#closed = true
    this.#ready.clear()
    this.#received.clear()
  }

  #onData(chunk: Buffer): void {
    if (this.#closed) return
    this.#received.add(chunk)
    if (!this.#paused && this.#received.size >= this.#receiveBufferBytes) {
      this.#paused = true
      this.#socket.pause()
    }
    this.#ready.notify()
  }

  /** Waits until half the buffer is free, so that a slow reader does not switch the socket on and off at every read. */
  #resumeWhenRoom(): void {
    if (!this.#paused || this.#received.size > this.#receiveBufferBytes / 2) return
    this.#paused = false
    this.#socket.resume()
  }

  #onRoom(): void {
    if (!this.#wantsRoom || this.#socket.writableLength >= this.#sendBufferBytes) return
    this.#wantsRoom = false
    this.#ready.notify()
  }

  #onEnd(): void {
    this.#peerEnded = true
    this.#ready.notify()
  }

  #onClose(): void {
    if (this.#peerEnded && this.#ended) return
    this.#fail(new Error('the socket was closed'))
  }

  #fail(cause: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = networkErrorFrom(cause, 'transfer', this.remote)
    this.#ready.notify()
  }
}
