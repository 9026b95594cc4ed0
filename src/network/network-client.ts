import type { Api } from '../protocol/api.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import type { Address, Connection, ConnectOptions } from '../runtime/network.ts'
import type { Parker, Runtime } from '../runtime/runtime.ts'
import { ClientRequest } from './client-request.ts'
import { UNLIMITED_MEMORY } from './memory-pool.ts'
import { DisconnectedError, RequestTimeoutError, TooManyPendingRequestsError } from './network-client-errors.ts'
import { NetworkReceive } from './network-receive.ts'

const MAX_CORRELATION_ID = 2_147_483_647
const DEFAULT_MAX_RESPONSE_BYTES = 104_857_600

export interface NetworkClientOptions extends Address {
  /** What brokers see and log. */
  readonly clientId: string | null
  /** `request.timeout.ms`, from when a request may be written; default 30,000. */
  readonly requestTimeoutMs?: number
  /** `socket.connection.setup.timeout.ms`; default 10,000. */
  readonly connectionSetupTimeoutMs?: number
  /** `max.in.flight.requests.per.connection`: further requests wait; default 5. */
  readonly maxInFlightRequests?: number
  /** Requests that may wait for their turn; one more is refused; default 1,000. */
  readonly maxPendingRequests?: number
  /** Largest response that is taken; default 100 MiB. */
  readonly maxResponseBytes?: number
  readonly sendBufferBytes?: number
  readonly receiveBufferBytes?: number
  /** Called once when a connection that was made has ended, after all its requests have. Must only hand over. */
  readonly onDisconnected?: (error: DisconnectedError) => void
  /** Called when requests that the socket took only in part are written. Must only hand over. */
  readonly onWritten?: () => void
}

/** How a submitted request ended: an error (as `send` throws), or the response, which is undefined when none is expected. */
export type Completion<S extends Fields> = (error: Error | undefined, response: Message<S> | undefined) => void

export interface SubmitOptions {
  /** Instead of the client's `requestTimeoutMs`. */
  readonly timeoutMs?: number
  /** False for a request that is never answered. */
  readonly expectsResponse: boolean
}

export interface SendOptions {
  /** Instead of the client's `requestTimeoutMs`, for requests that the broker may hold back. */
  readonly timeoutMs?: number
  /**
   * No thread waits for the result: it settles where the answer is read, and who gets it there must only hand it over to
   * another thread (Kafka's RequestCompletionHandler). Default false: the calling thread waits, and is woken.
   */
  readonly handsOver?: boolean
}

/**
 * The client's end of one connection (Kafka's NetworkClient, for one node and one connection): sends requests in the
 * order in which they are given, several at a time, and matches the responses, which come in the same order.
 *
 * It connects once. After any failure it stays closed, every request that was not answered ends with an error, and whoever
 * wants to go on makes a new client.
 */
export class NetworkClient {
  readonly #runtime: Runtime
  readonly #options: NetworkClientOptions
  readonly #requestTimeoutMs: number
  readonly #maxInFlight: number
  readonly #maxPending: number
  /** Not started: waiting for one of those in flight to end. */
  readonly #pending: ClientRequest[] = []
  /** Started and not written completely, oldest first. */
  readonly #writing: ClientRequest[] = []
  /** Started and not answered, oldest first. */
  readonly #inFlight: ClientRequest[] = []
  #connection: Connection | undefined
  #connecting: Parker | undefined
  #receive: NetworkReceive
  #nextCorrelationId = 0
  #closed: DisconnectedError | undefined

  constructor(runtime: Runtime, options: NetworkClientOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000
    this.#maxInFlight = options.maxInFlightRequests ?? 5
    this.#maxPending = options.maxPendingRequests ?? 1000
    if (this.#maxInFlight < 1) throw new RangeError(`maxInFlightRequests must be at least 1, not ${this.#maxInFlight}`)
    this.#receive = this.#newReceive()
  }

  get remote(): Address {
    return { host: this.#options.host, port: this.#options.port }
  }

  /** Whether requests can be sent now. */
  get connected(): boolean {
    return this.#connection !== undefined && this.#closed === undefined
  }

  /** Requests that were started and have no answer yet. */
  get inFlightRequests(): number {
    return this.#inFlight.length
  }

  /** Whether all requests that were started are written (Kafka's InFlightRequests.canSendMore asks for that). */
  get allWritten(): boolean {
    return this.#writing.length === 0
  }

  /**
   * Opens the connection; to be called once, before anything is sent.
   *
   * @throws NetworkError when the host refuses or is not there
   * @throws RequestTimeoutError after `connectionSetupTimeoutMs`
   * @throws DisconnectedError when the client is closed meanwhile
   */
  async connect(): Promise<void> {
    const { host, port, connectionSetupTimeoutMs = 10_000 } = this.#options
    const parker = this.#runtime.threads.park(`NetworkClient.connect ${host}:${port}`)
    this.#connecting = parker
    const timer = this.#runtime.timers.after(connectionSetupTimeoutMs, () => {
      this.#giveUp(new RequestTimeoutError(this.remote, 'connecting', connectionSetupTimeoutMs))
    })
    this.#runtime.network.connect(this.#connectOptions()).then(
      connection => {
        if (this.#closed === undefined) this.#connection = connection
        else connection.close()
        parker.unpark()
      },
      error => this.#giveUp(error),
    )
    await parker.parked
    timer.cancel()
    this.#connecting = undefined
    if (this.#closed !== undefined) throw this.#closed.cause ?? this.#closed
    this.#connection?.onReady(() => this.#pump())
  }

  /**
   * Sends a request and waits for its response.
   *
   * @throws DisconnectedError, RequestTimeoutError: the request may have been handled or not
   * @throws ProtocolError, CorrelationIdMismatchError for a response that cannot be right; the connection is closed
   * @throws TooManyPendingRequestsError, EncodeError, UnsupportedVersionError: nothing was sent
   */
  async send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: MessageInput<Q>,
    options: SendOptions = {},
  ): Promise<Message<S>> {
    const response = await this.#submit(api, version, body, true, options).settled()
    if (response === undefined) throw new Error(`${api.name} was settled without a response`)
    return response
  }

  /** Sends a request that is never answered (Produce with acks 0); waits until it is written. Errors as for `send`. */
  async sendOneWay<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: MessageInput<Q>,
    options: SendOptions = {},
  ): Promise<void> {
    await this.#submit(api, version, body, false, options).settled()
  }

  /**
   * Sends a request that nobody waits for: `onComplete` is called once, inside whatever reads the answer or finds the
   * connection broken, in the order in which requests end; it must only hand over to a thread.
   *
   * @throws DisconnectedError, TooManyPendingRequestsError, EncodeError, UnsupportedVersionError: nothing was sent, and
   * `onComplete` is not called
   */
  submit<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: MessageInput<Q>,
    { timeoutMs, expectsResponse }: SubmitOptions,
    onComplete: Completion<S>,
  ): void {
    const options = timeoutMs === undefined ? {} : { timeoutMs }
    this.#submit(api, version, body, expectsResponse, options, onComplete)
  }

  /** Closes the connection; requests without an answer end with `DisconnectedError`. Idempotent. */
  close(): void {
    this.#fail(new DisconnectedError(this.remote, 'the client was closed'))
  }

  #submit<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: MessageInput<Q>,
    expectsResponse: boolean,
    { timeoutMs = this.#requestTimeoutMs, handsOver = false }: SendOptions,
    onComplete?: Completion<S>,
  ): ClientRequest<Q, S> {
    if (this.#closed !== undefined) {
      throw new DisconnectedError(this.remote, 'the connection is closed', { cause: this.#closed })
    }
    if (this.#connection === undefined) throw new DisconnectedError(this.remote, 'not connected yet')
    if (this.#pending.length >= this.#maxPending) throw new TooManyPendingRequestsError(this.remote, this.#maxPending)
    const { clientId } = this.#options
    const correlationId = this.#nextCorrelationId
    const request = new ClientRequest(this.#runtime, api, {
      clientId,
      correlationId,
      version,
      body,
      timeoutMs,
      expectsResponse,
      handsOver,
      ...(onComplete === undefined ? {} : { onSettled: onComplete }),
    })
    this.#nextCorrelationId = correlationId === MAX_CORRELATION_ID ? 0 : correlationId + 1
    this.#pending.push(request as unknown as ClientRequest)
    this.#guarded(() => this.#write())
    return request
  }

  #connectOptions(): ConnectOptions {
    const { host, port, sendBufferBytes, receiveBufferBytes } = this.#options
    return {
      host,
      port,
      ...(sendBufferBytes === undefined ? {} : { sendBufferBytes }),
      ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }),
    }
  }

  #giveUp(cause: unknown): void {
    this.#fail(new DisconnectedError(this.remote, 'no connection was made', { cause }))
  }

  #pump(): void {
    this.#guarded(() => {
      this.#read()
      const wasWriting = !this.allWritten
      this.#write()
      if (wasWriting && this.allWritten) this.#options.onWritten?.()
    })
  }

  /** Runs a step; an error that leaves it ends the connection. */
  #guarded(step: () => void): void {
    if (this.#closed !== undefined) return
    try {
      step()
    } catch (error) {
      this.#fail(error instanceof DisconnectedError ? error : this.#disconnected(error))
    }
  }

  #write(): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#start()
    for (let request = this.#writing[0]; request !== undefined; request = this.#writing[0]) {
      request.send.writeTo(connection)
      if (!request.send.completed) return
      this.#writing.shift()
      if (!request.expectsResponse) request.finish()
      this.#start()
    }
  }

  /** Lets waiting requests begin as far as there is room for them in flight. */
  #start(): void {
    while (this.#pending.length > 0 && this.#active() < this.#maxInFlight) {
      const request = this.#pending.shift()
      if (request === undefined) return
      request.timer = this.#runtime.timers.after(request.timeoutMs, () => this.#expire(request))
      this.#writing.push(request)
      if (request.expectsResponse) this.#inFlight.push(request)
    }
  }

  #active(): number {
    let oneWay = 0
    for (const request of this.#writing) if (!request.expectsResponse) oneWay++
    return this.#inFlight.length + oneWay
  }

  #read(): void {
    const connection = this.#connection
    if (connection === undefined) return
    for (;;) {
      const bytes = this.#receive.readFrom(connection, Number.MAX_SAFE_INTEGER)
      if (this.#receive.complete) {
        const frame = this.#receive.payload
        this.#receive = this.#newReceive()
        this.#answer(frame)
      } else if (bytes < 0) {
        throw new DisconnectedError(this.remote, 'the peer closed the connection')
      } else if (bytes === 0) {
        return
      }
    }
  }

  #answer(frame: Buffer): void {
    const request = this.#inFlight.shift()
    if (request === undefined)
      throw new DisconnectedError(this.remote, `a response of ${frame.length} bytes to no request`)
    try {
      request.answer(frame)
    } catch (error) {
      if (error instanceof Error) request.fail(error)
      throw error
    }
  }

  #expire(request: ClientRequest): void {
    if (this.#closed !== undefined) return
    const error = new RequestTimeoutError(
      this.remote,
      `${request.api.name} request ${request.correlationId}`,
      request.timeoutMs,
    )
    request.fail(error)
    this.#fail(this.#disconnected(error))
  }

  #disconnected(cause: unknown): DisconnectedError {
    return new DisconnectedError(this.remote, cause instanceof Error ? cause.message : String(cause), { cause })
  }

  #fail(error: DisconnectedError): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    this.#connecting?.unpark()
    this.#connection?.close()
    this.#receive.release()
    // A request may stand in two of these; the first failure is the one that counts.
    for (const requests of [this.#inFlight, this.#writing, this.#pending]) {
      for (const request of requests) request.fail(error)
      requests.length = 0
    }
    if (this.#connection !== undefined) this.#options.onDisconnected?.(error)
  }

  #newReceive(): NetworkReceive {
    return new NetworkReceive('client', this.#options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES, UNLIMITED_MEMORY)
  }
}
