import { NetworkClient } from '../network/network-client.ts'
import { CorrelationIdMismatchError, DisconnectedError, RequestTimeoutError } from '../network/network-client-errors.ts'
import type { Api } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { holdsError } from '../protocol/response-errors.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import { Condition } from '../runtime/condition.ts'
import { NetworkError } from '../runtime/network.ts'
import type { Parker, Runtime, Thread } from '../runtime/runtime.ts'

/** While no controller is known, how often it is asked after. */
const NO_CONTROLLER_BACKOFF_MS = 100
/** Pause between two connections to the same controller (Kafka's reconnect backoff for this channel). */
const RECONNECT_BACKOFF_MS = 50
/** Requests that may wait. */
const MAX_QUEUED_REQUESTS = 1000

/** A controller and its listener for other nodes. */
export interface ControllerNode {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface NodeToControllerChannelOptions {
  /** For the thread's name: `heartbeat`, `alter-partition`, `forwarding`. */
  readonly channelName: string
  /** This node; it is also the client id that the controller sees. */
  readonly nodeId: number
  /** The active controller as far as this node knows (Kafka's ControllerNodeProvider). */
  readonly controllerNode: () => ControllerNode | undefined
  /** From when it was given here, how long a request is tried; Infinity: for ever. */
  readonly retryTimeoutMs: number
  /** `controller.socket.timeout.ms`: how long one attempt waits for its answer. */
  readonly requestTimeoutMs: number
  /** `socket.connection.setup.timeout.ms` */
  readonly connectionSetupTimeoutMs: number
}

interface QueueItem {
  readonly api: Api
  readonly version: number
  readonly body: MessageInput<Fields>
  readonly deadlineMs: number
  readonly parker: Parker
  response: object | undefined
  failure: Error | undefined
}

/**
 * A node's connection to the active controller (Kafka's NodeToControllerChannelManager): one thread sends one request
 * after the other, each as often as it takes, also to the next controller, until it is answered with anything but
 * NOT_CONTROLLER or its time is over. A request may so be handled more than once.
 */
export class NodeToControllerChannelManager {
  readonly #runtime: Runtime
  readonly #options: NodeToControllerChannelOptions
  readonly #requestTimeoutMs: number
  readonly #wake: Condition
  readonly #queue: QueueItem[] = []
  #client: NetworkClient | undefined
  /** The last controller that a connection to has failed or was given up, and when. */
  #failed: { readonly id: number; readonly atMs: number } | undefined
  #closed = false
  #thread: Thread | undefined

  constructor(runtime: Runtime, options: NodeToControllerChannelOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#requestTimeoutMs = Math.min(options.requestTimeoutMs, options.retryTimeoutMs)
    this.#wake = new Condition(runtime, `NodeToControllerChannelManager ${options.channelName}`)
  }

  start(): void {
    const { nodeId, channelName } = this.#options
    const name = `node-${nodeId}-to-controller-${channelName}-channel-manager`
    this.#thread = this.#runtime.threads.start(name, () => this.#run())
  }

  /** Requests that wait for their turn or their answer. */
  get queueSize(): number {
    return this.#queue.length
  }

  /**
   * Resolves with the controller's answer, whatever errors are in it.
   *
   * @throws ApiError REQUEST_TIMED_OUT after `retryTimeoutMs`, when too many requests wait, and at shutdown
   * @throws ApiError UNKNOWN_SERVER_ERROR for an answer that makes no sense
   * @throws EncodeError for what cannot be written
   */
  async sendRequest<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: MessageInput<Q>,
  ): Promise<Message<S>> {
    const { channelName, retryTimeoutMs } = this.#options
    if (this.#closed) throw timedOut(`channel ${channelName} is closed`)
    if (this.#queue.length >= MAX_QUEUED_REQUESTS) throw timedOut(`${MAX_QUEUED_REQUESTS} requests wait already`)
    const item: QueueItem = {
      api: api as unknown as Api,
      version,
      body: body as unknown as MessageInput<Fields>,
      deadlineMs: this.#runtime.clock.monotonicMs() + retryTimeoutMs,
      parker: this.#runtime.threads.park(`NodeToControllerChannelManager ${channelName} ${api.name}`),
      response: undefined,
      failure: undefined,
    }
    this.#queue.push(item)
    if (this.#queue.length === 1) this.#wake.signal()
    await item.parker.parked
    if (item.failure !== undefined) throw item.failure
    return item.response as Message<S>
  }

  /** Ends the thread; what waits fails with REQUEST_TIMED_OUT. */
  async shutdown(): Promise<void> {
    this.#closed = true
    this.#client?.close()
    this.#wake.signalAll()
    for (const item of this.#queue.splice(0)) finish(item, timedOut('the node is shutting down'))
    await this.#thread?.done
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#expire()
      const item = this.#queue[0]
      if (item === undefined) await this.#wake.wait()
      else await this.#attempt(item)
    }
    this.#client?.close()
  }

  #expire(): void {
    if (this.#queue.length === 0) return
    const nowMs = this.#runtime.clock.monotonicMs()
    for (let index = 0; index < this.#queue.length; ) {
      const item = this.#queue[index]
      if (item === undefined || nowMs < item.deadlineMs) {
        index++
      } else {
        this.#queue.splice(index, 1)
        finish(item, timedOut(`no controller has answered ${item.api.name} in time`))
      }
    }
  }

  /** Sends the request once. It stays at the head of the queue unless it was answered. */
  async #attempt(item: QueueItem): Promise<void> {
    const client = this.#client?.connected === true ? this.#client : await this.#connect()
    if (client === undefined || this.#closed) return
    try {
      const response = await client.send(item.api, item.version, item.body, { timeoutMs: this.#requestTimeoutMs })
      if (this.#closed) return
      if (holdsError(response, ErrorCode.NOT_CONTROLLER)) {
        this.#disconnect()
        return
      }
      this.#queue.shift()
      item.response = response
      finish(item, undefined)
    } catch (error) {
      if (this.#closed) return
      if (isConnectionFailure(error)) {
        this.#disconnect()
        return
      }
      this.#queue.shift()
      finish(item, asFailure(error))
    }
  }

  /** Connects to the controller as it is now; undefined, after a pause, when there is none or it cannot be reached. */
  async #connect(): Promise<NetworkClient | undefined> {
    const node = this.#options.controllerNode()
    if (node === undefined) {
      await this.#wake.wait(NO_CONTROLLER_BACKOFF_MS)
      return undefined
    }
    if (this.#failed?.id === node.id) {
      const leftMs = this.#failed.atMs + RECONNECT_BACKOFF_MS - this.#runtime.clock.monotonicMs()
      if (leftMs > 0) {
        await this.#wake.wait(leftMs)
        return undefined
      }
    }
    const { nodeId, connectionSetupTimeoutMs } = this.#options
    const client = new NetworkClient(this.#runtime, {
      host: node.host,
      port: node.port,
      clientId: `${nodeId}`,
      requestTimeoutMs: this.#requestTimeoutMs,
      connectionSetupTimeoutMs,
      maxInFlightRequests: 1,
    })
    this.#client = client
    this.#failed = { id: node.id, atMs: Number.NEGATIVE_INFINITY }
    try {
      await client.connect()
      return client
    } catch (error) {
      if (!isConnectionFailure(error)) throw error
      this.#disconnect()
      return undefined
    }
  }

  #disconnect(): void {
    this.#client?.close()
    this.#client = undefined
    if (this.#failed !== undefined) this.#failed = { ...this.#failed, atMs: this.#runtime.clock.monotonicMs() }
  }
}

function finish(item: QueueItem, failure: Error | undefined): void {
  item.failure = failure
  item.parker.unpark()
}

/** An answer that makes no sense has closed the connection. */
function asFailure(error: unknown): Error {
  if (error instanceof ProtocolError || error instanceof CorrelationIdMismatchError) {
    return new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, error.message, { cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}

function isConnectionFailure(error: unknown): boolean {
  return error instanceof DisconnectedError || error instanceof RequestTimeoutError || error instanceof NetworkError
}

function timedOut(message: string): ApiError {
  return new ApiError(ErrorCode.REQUEST_TIMED_OUT, message)
}
