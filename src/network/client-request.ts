import type { Api } from '../protocol/api.ts'
import { decodeResponse, encodeRequest } from '../protocol/codec.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import type { Parker, Runtime, Timer } from '../runtime/runtime.ts'
import { CorrelationIdMismatchError } from './network-client-errors.ts'
import { NetworkSend } from './network-send.ts'

const NEVER = new Promise<void>(() => {})

export interface ClientRequestOptions<Q extends Fields, S extends Fields = Fields> {
  readonly clientId: string | null
  readonly correlationId: number
  readonly version: number
  readonly body: MessageInput<Q>
  readonly timeoutMs: number
  /** False for a Produce request with acks 0, which is done as soon as it is written. */
  readonly expectsResponse: boolean
  /** See `SendOptions`. */
  readonly handsOver: boolean
  /** Called once where the request is settled, instead of waking whoever waits in `settled`. */
  readonly onSettled?: (error: Error | undefined, response: Message<S> | undefined) => void
}

/** A request of a `NetworkClient` from its encoding to its end, and the caller that waits for that. */
export class ClientRequest<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly api: Api<Q, S>
  readonly correlationId: number
  readonly timeoutMs: number
  readonly expectsResponse: boolean
  readonly send: NetworkSend
  /** Runs from when the request may be written until it is settled. */
  timer: Timer | undefined
  readonly #version: number
  readonly #parker: Parker
  #response: Message<S> | undefined
  #failure: Error | undefined
  #settled = false

  /** @throws EncodeError, UnsupportedVersionError */
  constructor(runtime: Runtime, api: Api<Q, S>, options: ClientRequestOptions<Q, S>) {
    const { clientId, correlationId, version, body, handsOver, onSettled } = options
    this.api = api
    this.correlationId = correlationId
    this.timeoutMs = options.timeoutMs
    this.expectsResponse = options.expectsResponse
    this.#version = version
    this.send = new NetworkSend('client', encodeRequest(api, version, { correlationId, clientId }, body))
    if (onSettled !== undefined)
      this.#parker = { parked: NEVER, unpark: () => onSettled(this.#failure, this.#response) }
    else this.#parker = handsOver ? completion() : runtime.threads.park(`NetworkClient.send ${api.name}`)
  }

  /** Takes the response. @throws CorrelationIdMismatchError, ProtocolError when it is not this request's */
  answer(frame: Buffer): void {
    if (frame.length < 4)
      throw new ProtocolError(`a response of ${frame.length} bytes, at least 4 are its correlation id`, 0)
    const correlationId = frame.readInt32BE(0)
    if (correlationId !== this.correlationId) throw new CorrelationIdMismatchError(this.correlationId, correlationId)
    this.#response = decodeResponse<S>(this.api as unknown as Api<Fields, S>, this.#version, frame).body
    this.#settle()
  }

  /** It was written and nothing more is to come. */
  finish(): void {
    this.#settle()
  }

  /** Ends it with an error, unless it has ended already. */
  fail(error: Error): void {
    if (!this.#settled) this.#failure = error
    this.#settle()
  }

  /** Waits for the end of the request; undefined when no response was expected. */
  async settled(): Promise<Message<S> | undefined> {
    if (!this.#settled) await this.#parker.parked
    if (this.#failure !== undefined) throw this.#failure
    return this.#response
  }

  #settle(): void {
    if (this.#settled) return
    this.#settled = true
    this.timer?.cancel()
    this.#parker.unpark()
  }
}

/** Settles in the turn in which the answer comes: no thread waits for it. */
function completion(): Parker {
  const { promise: parked, resolve: unpark } = Promise.withResolvers<void>()
  return { parked, unpark }
}
