import {
  type Address,
  type Connection,
  END_OF_STREAM,
  NetworkError,
  type NetworkErrorCode,
} from '../../../src/runtime/network.ts'
import type { Lane } from '../lane.ts'
import type { SimulatedProcess } from '../process.ts'
import type { TraceKind } from '../trace.ts'
import type { TcpKernel } from './kernel.ts'
import type { Pipe } from './pipe.ts'

/** How long an application went on writing to a peer that never answered. */
export interface Silence {
  readonly longestMs: number
  /** Writes after the first unanswered one that made the silence longer. */
  readonly writes: number
}

/** One end of a connection, as the host's kernel holds it for a process. */
export class Endpoint implements Connection {
  readonly kernel: TcpKernel
  readonly process: SimulatedProcess
  readonly local: Address
  readonly remote: Address
  /** `c17>` at the client, `c17<` at the server. */
  readonly name: string
  readonly lane: Lane
  outPipe: Pipe | undefined
  inPipe: Pipe | undefined
  /** The application reads nothing although bytes are there (a stalled reader). */
  stalled = false
  readonly #received: Buffer[] = []
  #receivedBytes = 0
  #ended = false
  #error: NetworkErrorCode | undefined
  #closed = false
  #callback: (() => void) | undefined
  /** Something happened before there was a callback to tell. */
  #missed = false
  /** When this end first wrote something that nothing was received after; -1 while there is no such thing. */
  #unansweredSinceUs = -1
  #silence: Silence = { longestMs: 0, writes: 0 }

  constructor(kernel: TcpKernel, process: SimulatedProcess, local: Address, remote: Address, name: string, lane: Lane) {
    this.kernel = kernel
    this.process = process
    this.local = local
    this.remote = remote
    this.name = name
    this.lane = lane
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  get closed(): boolean {
    return this.#closed
  }

  get peer(): Endpoint | undefined {
    return this.outPipe?.to
  }

  read(maxBytes: number): Buffer | null | typeof END_OF_STREAM {
    if (this.#closed) throw new NetworkError('ECLOSED', 'read', this.remote)
    const head = this.stalled ? undefined : this.#received[0]
    if (head === undefined) {
      if (this.stalled) return null
      if (this.#ended) return END_OF_STREAM // Linux: the end that came first stays the end, whatever breaks later
      if (this.#error !== undefined) throw new NetworkError(this.#error, 'read', this.remote)
      return null
    }
    const chunk = this.#take(head, maxBytes)
    this.inPipe?.windowOpened(chunk.length)
    return chunk
  }

  #take(head: Buffer, maxBytes: number): Buffer {
    if (head.length > maxBytes) {
      this.#received[0] = head.subarray(maxBytes)
      this.#receivedBytes -= maxBytes
      return head.subarray(0, maxBytes)
    }
    this.#received.shift()
    this.#receivedBytes -= head.length
    return head
  }

  write(chunk: Buffer): number {
    if (this.#closed) throw new NetworkError('ECLOSED', 'write', this.remote)
    if (this.#error !== undefined) throw new NetworkError(this.#error, 'write', this.remote)
    const pipe = this.outPipe
    if (pipe === undefined || pipe.finished) throw new NetworkError('EPIPE', 'write', this.remote)
    const taken = pipe.write(chunk)
    if (taken > 0) {
      this.kernel.watchTimeout(this)
      this.#noteWrite()
    }
    return taken
  }

  /** The longest time over which this end kept writing although nothing came back. */
  get silence(): Silence {
    return this.#silence
  }

  #noteWrite(): void {
    const { nowUs } = this.process.world
    if (this.#unansweredSinceUs < 0) {
      this.#unansweredSinceUs = nowUs
      return
    }
    const longestMs = (nowUs - this.#unansweredSinceUs) / 1000
    if (longestMs > this.#silence.longestMs) this.#silence = { longestMs, writes: this.#silence.writes + 1 }
  }

  onReady(callback: () => void): void {
    if (this.#closed) return
    this.#callback = callback
    if (!this.#missed) return
    this.#missed = false
    this.notifyLater('notify')
  }

  end(): void {
    if (this.#closed) throw new NetworkError('ECLOSED', 'end', this.remote)
    this.outPipe?.finish()
  }

  close(): void {
    if (this.#closed) return
    // Linux: closing with unread bytes resets the connection, since data was lost.
    if (this.#receivedBytes > 0) {
      this.reset()
      return
    }
    this.#close()
    if (this.#error === undefined) this.outPipe?.finish()
    this.kernel.forget(this)
  }

  reset(): void {
    if (this.#closed) return
    this.#close()
    if (this.#error === undefined) this.outPipe?.reset()
    this.kernel.forget(this)
  }

  #close(): void {
    this.#closed = true
    this.#callback = undefined
    this.#received.length = 0
    this.#receivedBytes = 0
    this.inPipe?.receiverGone()
  }

  /** The machine is gone: no more of this end, and the peer hears nothing. */
  vanish(): void {
    this.#close()
    this.#error ??= 'ECONNRESET'
    this.outPipe?.cut()
  }

  /** Bytes arrived. */
  receive(segment: Buffer): void {
    if (this.#closed || this.#error !== undefined) {
      this.outPipe?.reset() // data for a connection that is no more is answered with a reset
      return
    }
    this.#received.push(segment)
    this.#receivedBytes += segment.length
    this.#unansweredSinceUs = -1
    if (!this.stalled) this.notify()
  }

  /** The peer's direction has ended. */
  receiveEnd(): void {
    if (this.#closed) return
    this.#ended = true
    if (!this.stalled) this.notify()
  }

  /** The connection is broken; what arrived before can still be read. */
  fail(code: NetworkErrorCode): void {
    if (this.#error !== undefined) return
    this.#error = this.#ended && code === 'ECONNRESET' ? 'EPIPE' : code
    this.outPipe?.cut()
    this.kernel.forget(this)
    if (!this.#closed) this.notify()
  }

  /** Tells the application, unless its process stands still or is gone. */
  notify(): void {
    const { process } = this
    if (!process.alive) return
    if (this.#callback === undefined) this.#missed = true
    else if (process.held !== undefined) this.notifyLater('notify')
    else {
      try {
        this.#callback()
      } catch (error) {
        process.world.uncaught(error, process) // it is the application's error, not the network's
      }
    }
  }

  notifyLater(kind: TraceKind): void {
    const { world } = this.process
    world.at(world.nowUs, this.lane, kind, () => this.notify())
  }
}
