import { Condition } from '../../src/runtime/condition.ts'
import { type Connection, END_OF_STREAM, type Listener, NetworkError } from '../../src/runtime/network.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import type { Hosts } from './host-under-test.ts'

/** How long a test waits for what must happen; generous, because a real machine can be busy. */
const PATIENCE_MS = 20_000

/** One end of a connection, with waiting on top. */
export class Peer {
  readonly connection: Connection
  readonly #ready: Condition

  constructor(runtime: Runtime, connection: Connection) {
    this.connection = connection
    this.#ready = new Condition(runtime, 'connection ready')
    connection.onReady(() => this.#ready.signalAll())
  }

  /** Waits until the host says that the connection may get further; false after `timeoutMs`. */
  ready(timeoutMs: number = PATIENCE_MS): Promise<boolean> {
    return this.#ready.wait(timeoutMs)
  }

  /** Writes all of it, waiting for room. */
  async writeAll(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const taken = this.connection.write(bytes.subarray(written))
      written += taken
      if (taken === 0) await this.#readyOrThrow('room to write')
    }
  }

  /** The next bytes or the end, waiting for them. */
  async read(maxBytes = 65_536): Promise<Buffer | typeof END_OF_STREAM> {
    for (;;) {
      const result = this.connection.read(maxBytes)
      if (result !== null) return result
      await this.#readyOrThrow('bytes to read')
    }
  }

  /** Exactly `length` bytes. */
  async readExactly(length: number, maxBytes = 65_536): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (let left = length; left > 0; ) {
      const chunk = await this.read(Math.min(maxBytes, left))
      if (chunk === END_OF_STREAM) throw new Error(`the stream ended ${left} bytes early`)
      chunks.push(Buffer.from(chunk))
      left -= chunk.length
    }
    return Buffer.concat(chunks)
  }

  /** Everything up to the end of the stream. */
  async readToEnd(maxBytes = 65_536): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (;;) {
      const chunk = await this.read(maxBytes)
      if (chunk === END_OF_STREAM) return Buffer.concat(chunks)
      chunks.push(Buffer.from(chunk))
    }
  }

  /** Reads on until the connection fails, and gives the code. */
  async readToFailure(): Promise<string> {
    return failureOf(async () => {
      for (;;) if ((await this.read()) === END_OF_STREAM) return
    })
  }

  async #readyOrThrow(what: string): Promise<void> {
    if (!(await this.ready())) throw new Error(`waited in vain for ${what}`)
  }
}

/** The code of the `NetworkError` that a body throws; says so when it throws none. */
export async function failureOf(body: () => unknown): Promise<string> {
  try {
    await body()
  } catch (error) {
    if (error instanceof NetworkError) return error.code
    throw error
  }
  return 'no failure'
}

/** Waits for the next connection of a listener whose `onReady` nobody else uses. */
export async function accepted(runtime: Runtime, listener: Listener): Promise<Peer> {
  const ready = new Condition(runtime, 'listener ready')
  listener.onReady(() => ready.signalAll())
  for (;;) {
    const connection = listener.accept()
    if (connection !== null) return new Peer(runtime, connection)
    if (!(await ready.wait(PATIENCE_MS))) throw new Error('waited in vain for a connection')
  }
}

export interface Pair {
  readonly listener: Listener
  readonly client: Peer
  readonly server: Peer
}

/** A listener on a free port and a connection to it, both ends with the same buffer sizes. */
export async function connectedPair(hosts: Hosts, bufferBytes?: number): Promise<Pair> {
  const buffers = bufferBytes === undefined ? {} : { sendBufferBytes: bufferBytes, receiveBufferBytes: bufferBytes }
  const listener = await hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 50, ...buffers })
  const connection = await hosts.client.network.connect({ ...addressOf(hosts, listener), ...buffers })
  const server = await accepted(hosts.server, listener)
  return { listener, client: new Peer(hosts.client, connection), server }
}

export function addressOf(hosts: Hosts, listener: Listener): { readonly host: string; readonly port: number } {
  return { host: hosts.serverHost, port: listener.address.port }
}

export function sleep(runtime: Runtime, ms: number): Promise<void> {
  const parker = runtime.threads.park('sleep')
  runtime.timers.after(ms, () => parker.unpark())
  return parker.parked
}
