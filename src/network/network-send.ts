import type { Connection } from '../runtime/network.ts'
import { SIZE_BYTES } from './network-receive.ts'

/** Frames up to this size are written together with their size, in one piece. */
const JOIN_UP_TO_BYTES = 64 * 1024

/** One size-prefixed frame on its way out. */
export class NetworkSend {
  /** Id of the channel it goes to. */
  readonly destinationId: string
  /** Bytes in all, the size included. */
  readonly size: number
  readonly #parts: Buffer[]
  #part = 0
  #position = 0

  /** @param payload the frame without its size; must not be changed until the send is complete */
  constructor(destinationId: string, payload: Buffer) {
    this.destinationId = destinationId
    this.size = SIZE_BYTES + payload.length
    if (payload.length <= JOIN_UP_TO_BYTES) {
      const joined = Buffer.allocUnsafe(this.size)
      joined.writeInt32BE(payload.length, 0)
      payload.copy(joined, SIZE_BYTES)
      this.#parts = [joined]
    } else {
      const prefix = Buffer.allocUnsafe(SIZE_BYTES)
      prefix.writeInt32BE(payload.length, 0)
      this.#parts = [prefix, payload]
    }
  }

  get completed(): boolean {
    return this.#part >= this.#parts.length
  }

  /** Writes until the send is complete or the connection takes no more. Returns the bytes taken. Throws `NetworkError`. */
  writeTo(connection: Connection): number {
    let written = 0
    for (let part = this.#parts[this.#part]; part !== undefined; part = this.#parts[this.#part]) {
      const taken = connection.write(this.#position === 0 ? part : part.subarray(this.#position))
      written += taken
      this.#position += taken
      if (this.#position < part.length) return written
      this.#part++
      this.#position = 0
    }
    return written
  }
}
