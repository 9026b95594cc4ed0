import type { Api } from '../../src/protocol/api.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/codec.ts'
import type { Fields, Message, MessageInput } from '../../src/protocol/schema.ts'
import { Condition } from '../../src/runtime/condition.ts'
import { type Connection, END_OF_STREAM } from '../../src/runtime/network.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'

/** How a connection ended for its client. */
export type Ending = 'end of stream' | 'reset'

/** A client for tests that sees the wire: it can pipeline, send garbage, stop reading, and tell how it was closed. */
export class WireClient {
  readonly connection: Connection
  readonly #changed: Condition
  #received = Buffer.alloc(0)
  #ending: Ending | undefined
  #unsent: Buffer[] = []
  #reading = true

  constructor(runtime: Runtime, connection: Connection) {
    this.connection = connection
    this.#changed = new Condition(runtime, 'WireClient')
    connection.onReady(() => this.#pump())
  }

  static async connect(runtime: Runtime, port: number): Promise<WireClient> {
    return new WireClient(runtime, await runtime.network.connect({ host: '127.0.0.1', port }))
  }

  /** Sends a request without waiting for its answer. */
  send<Q extends Fields, S extends Fields>(api: Api<Q, S>, version: number, body: MessageInput<Q>, id = 1): void {
    this.sendFrame(encodeRequest(api, version, { correlationId: id, clientId: 'test' }, body))
  }

  sendFrame(frame: Buffer): void {
    const size = Buffer.alloc(4)
    size.writeInt32BE(frame.length)
    this.sendBytes(Buffer.concat([size, frame]))
  }

  sendBytes(bytes: Buffer): void {
    this.#unsent.push(bytes)
    this.#pump()
  }

  async request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: MessageInput<Q>,
    id = 1,
  ): Promise<Message<S>> {
    this.send(api, version, body, id)
    return (await this.receive(api, version)).body
  }

  async receive<Q extends Fields, S extends Fields>(api: Api<Q, S>, version: number) {
    return decodeResponse<S>(api as Api<Fields, S>, version, await this.receiveFrame())
  }

  async receiveFrame(): Promise<Buffer> {
    while (!this.hasFrame) {
      if (this.#ending !== undefined) throw new Error(`connection ended (${this.#ending}) where a frame was expected`)
      await this.#changed.wait()
    }
    const size = this.#received.readInt32BE(0)
    const frame = Buffer.from(this.#received.subarray(4, 4 + size))
    this.#received = this.#received.subarray(4 + size)
    return frame
  }

  /** Whether a whole frame has arrived that was not taken yet. */
  get hasFrame(): boolean {
    return this.#received.length >= 4 && this.#received.length >= 4 + this.#received.readInt32BE(0)
  }

  /** How the broker ended the connection; undefined while it is open. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  async awaitEnding(): Promise<Ending> {
    while (this.#ending === undefined) await this.#changed.wait()
    return this.#ending
  }

  /** Leaves what arrives with the network from now on. */
  stopReading(): void {
    this.#reading = false
  }

  resumeReading(): void {
    this.#reading = true
    this.#pump()
  }

  close(): void {
    this.connection.close()
  }

  #pump(): void {
    try {
      this.#write()
      if (this.#reading) this.#read()
    } catch {
      this.#ending ??= 'reset'
    }
    this.#changed.signalAll()
  }

  #write(): void {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      const taken = this.connection.write(next)
      if (taken < next.length) {
        this.#unsent[0] = next.subarray(taken)
        return
      }
      this.#unsent.shift()
    }
  }

  #read(): void {
    while (this.#ending === undefined) {
      const chunk = this.connection.read(65_536)
      if (chunk === null) return
      if (chunk === END_OF_STREAM) this.#ending = 'end of stream'
      else this.#received = Buffer.concat([this.#received, chunk])
    }
  }
}
