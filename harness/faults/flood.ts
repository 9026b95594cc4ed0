import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import { END_OF_STREAM } from '../../src/runtime/network.ts'
import type { ClusterNode } from '../trial/cluster-node.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { Endpoint } from '../world/tcp/endpoint.ts'
import type { World } from '../world/world.ts'

const METADATA_VERSION = 9
const READ_BYTES = 65_536
const SIZE_BYTES = 4

/** Other clients of a node: connections that do nothing, or that send one request after the other. */
export class Flood {
  readonly #process: SimulatedProcess
  readonly #giveUps: (() => void)[] = []

  /** @param talking each connection keeps one Metadata request in flight */
  constructor(world: World, node: ClusterNode, count: number, talking: boolean) {
    const host = world.hosts.get('others') ?? world.host('others')
    this.#process = host.process()
    const target = { host: node.name, port: node.port }
    for (let index = 0; index < count; index++) {
      const connected = (endpoint: Endpoint): void => {
        if (talking) new Talker(endpoint, metadataRequest(index)).start()
      }
      const refused = (): void => undefined
      this.#giveUps.push(host.kernel.connect(this.#process, target, connected, refused))
    }
  }

  /** Ends all connections, also those that are being made. */
  end(): void {
    for (const giveUp of this.#giveUps) giveUp()
    this.#process.kill()
  }
}

/** Sends a request whenever the one before is answered. A connection that breaks is given up. */
class Talker {
  readonly #endpoint: Endpoint
  readonly #request: Buffer
  /** What the endpoint has not taken yet of the request. */
  #unsent: Buffer
  /** The size field of the answer that comes in, as far as it has come. */
  #size: Buffer = Buffer.alloc(0)
  /** Bytes that the answer still lacks; undefined before its size is known. */
  #missing: number | undefined

  constructor(endpoint: Endpoint, request: Buffer) {
    this.#endpoint = endpoint
    this.#request = request
    this.#unsent = request
  }

  start(): void {
    this.#endpoint.onReady(() => this.#pump())
    this.#pump()
  }

  #pump(): void {
    try {
      this.#write()
      for (let chunk = this.#endpoint.read(READ_BYTES); chunk !== null; chunk = this.#endpoint.read(READ_BYTES)) {
        if (chunk === END_OF_STREAM) {
          this.#endpoint.close()
          return
        }
        this.#take(chunk)
      }
    } catch {
      // The broker is gone, and this connection with it.
    }
  }

  #write(): void {
    if (this.#unsent.length > 0) this.#unsent = this.#unsent.subarray(this.#endpoint.write(this.#unsent))
  }

  /** Counts the bytes of answers; at the end of one the next request is due. */
  #take(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) {
      if (this.#missing === undefined) {
        const part = rest.subarray(0, SIZE_BYTES - this.#size.length)
        rest = rest.subarray(part.length)
        this.#size = Buffer.concat([this.#size, part])
        if (this.#size.length < SIZE_BYTES) return
        this.#missing = this.#size.readUInt32BE()
        this.#size = Buffer.alloc(0)
      }
      const part = Math.min(this.#missing, rest.length)
      rest = rest.subarray(part)
      this.#missing -= part
      if (this.#missing > 0) return
      this.#missing = undefined
      this.#unsent = this.#request
      this.#write()
    }
  }
}

function metadataRequest(correlationId: number): Buffer {
  const body = encodeRequest(Metadata, METADATA_VERSION, { correlationId, clientId: 'others' }, { topics: [] })
  const frame = Buffer.alloc(SIZE_BYTES + body.length)
  frame.writeInt32BE(body.length)
  body.copy(frame, SIZE_BYTES)
  return frame
}
