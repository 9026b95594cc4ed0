import { structDecoder } from './decoder.ts'
import { structEncoder } from './encoder.ts'
import { EncodeError, ProtocolError } from './protocol-error.ts'
import { Reader } from './reader.ts'
import type { Fields, Message, MessageInput } from './schema.ts'
import type { Decode, Encode } from './struct-code.ts'
import { Writer } from './writer.ts'

export interface MessageCodecOptions {
  /** For errors: `ProduceRequest`. */
  readonly name: string
  /** The first version with compact lengths and tagged fields; null: none has them. */
  readonly flexibleSince: number | null
}

/**
 * Encoder and decoder of one message in all its versions. What a version needs is worked out when it is first used and
 * kept. Which versions are valid is for the caller to check.
 */
export class MessageCodec<F extends Fields = Fields> {
  readonly name: string
  readonly fields: F
  readonly #flexibleSince: number | null
  readonly #decoders: (Decode | undefined)[] = []
  readonly #encoders: (Encode | undefined)[] = []

  constructor(fields: F, options: MessageCodecOptions) {
    this.name = options.name
    this.fields = fields
    this.#flexibleSince = options.flexibleSince
  }

  isFlexible(version: number): boolean {
    return this.#flexibleSince !== null && version >= this.#flexibleSince
  }

  /** Reads a message; leaves the reader after it. Throws `ProtocolError`. */
  read(reader: Reader, version: number): Message<F> {
    let decode = this.#decoders[version]
    if (decode === undefined) {
      decode = structDecoder(this.fields, version, this.isFlexible(version))
      this.#decoders[version] = decode
    }
    try {
      return decode(reader) as Message<F>
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(this.name) : error
    }
  }

  /** Writes a message. Throws `EncodeError`, after which the writer holds part of it. */
  write(writer: Writer, version: number, message: MessageInput<F>): void {
    let encode = this.#encoders[version]
    if (encode === undefined) {
      encode = structEncoder(this.fields, version, this.isFlexible(version))
      this.#encoders[version] = encode
    }
    try {
      encode(writer, message)
    } catch (error) {
      throw error instanceof EncodeError ? error.within(this.name) : error
    }
  }

  /** Reads a message that bytes begin with; what follows it is left alone. Throws `ProtocolError`. */
  decode(version: number, bytes: Buffer): Message<F> {
    return this.read(new Reader(bytes), version)
  }

  /** The bytes of a message. Throws `EncodeError`. */
  encode(version: number, message: MessageInput<F>): Buffer {
    const writer = new Writer()
    this.write(writer, version, message)
    return writer.finish()
  }
}
