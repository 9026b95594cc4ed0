import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import { END_OF_STREAM } from '../../src/runtime/network.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { Endpoint } from '../world/tcp/endpoint.ts'
import type { FaultContext } from './fault-kind.ts'

const METADATA_VERSION = 9
const READ_BYTES = 65_536

/** Other clients of the broker: connections that do nothing, or that send one request after the other. */
export class Flood {
  readonly #process: SimulatedProcess
  readonly #open = new Set<Endpoint>()
  readonly #giveUps: (() => void)[] = []
  #ended = false

  /** @param talking each connection keeps one Metadata request in flight */
  constructor(context: FaultContext, count: number, talking: boolean) {
    const { world, broker } = context
    const host = world.hosts.get('others') ?? world.host('others')
    this.#process = host.process()
    for (let index = 0; index < count; index++) {
      const target = { host: broker.host.name, port: broker.port }
      const giveUp = host.kernel.connect(
        this.#process,
        target,
        endpoint => this.#connected(endpoint, talking, index),
        () => undefined,
      )
      this.#giveUps.push(giveUp)
    }
  }

  /** Closes all connections. */
  end(): void {
    this.#ended = true
    for (const giveUp of this.#giveUps) giveUp()
    for (const endpoint of this.#open) endpoint.close()
    this.#process.kill()
  }

  #connected(endpoint: Endpoint, talking: boolean, index: number): void {
    if (this.#ended) {
      endpoint.close()
      return
    }
    this.#open.add(endpoint)
    if (!talking) return
    const body = encodeRequest(Metadata, METADATA_VERSION, { correlationId: index, clientId: 'others' }, { topics: [] })
    const frame = Buffer.alloc(4 + body.length)
    frame.writeInt32BE(body.length)
    body.copy(frame, 4)
    endpoint.onReady(() => this.#answered(endpoint, frame))
    this.#write(endpoint, frame)
  }

  #answered(endpoint: Endpoint, frame: Buffer): void {
    try {
      const chunk = endpoint.read(READ_BYTES)
      if (chunk === END_OF_STREAM) endpoint.close()
      else if (chunk !== null) this.#write(endpoint, frame)
    } catch {
      this.#open.delete(endpoint) // the broker is gone, and this connection with it
    }
  }

  #write(endpoint: Endpoint, frame: Buffer): void {
    if (!this.#ended) endpoint.write(frame)
  }
}
