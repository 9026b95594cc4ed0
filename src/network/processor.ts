import { decodeRequestBody, parseRequestHeader } from '../protocol/codec.ts'
import { ProtocolError, UnsupportedVersionError } from '../protocol/protocol-error.ts'
import { BoundedQueue } from '../runtime/bounded-queue.ts'
import type { Connection } from '../runtime/network.ts'
import type { Runtime, Thread } from '../runtime/runtime.ts'
import type { ConnectionQuotas } from './connection-quotas.ts'
import type { IdleRatio } from './idle-ratio.ts'
import type { MemoryPool } from './memory-pool.ts'
import { type Meter, type Metrics, metricName } from './metrics.ts'
import type { NetworkReceive } from './network-receive.ts'
import { NetworkSend } from './network-send.ts'
import { Request, type Response } from './request.ts'
import type { RequestChannel, ResponseSink } from './request-channel.ts'
import { parseCostUs } from './request-cost.ts'
import { Selector } from './selector.ts'

/** Accepted connections that a processor has not taken over yet (Processor.ConnectionQueueSize). */
const CONNECTION_QUEUE_SIZE = 20
/** APIs whose requests hold on to their bytes until they are handled: Produce. */
const DELAYED_ALLOCATION_API_KEYS: ReadonlySet<number> = new Set([0])

export interface ProcessorOptions {
  /** Unique within the broker. */
  readonly id: number
  readonly threadName: string
  readonly listenerName: string
  readonly maxRequestSize: number
  readonly connectionsMaxIdleMs: number
  readonly memoryPool: MemoryPool
  readonly requestChannel: RequestChannel
  readonly connectionQuotas: ConnectionQuotas
  readonly metrics: Metrics
}

/**
 * A network thread: reads requests from its connections, hands them to the request channel and sends the responses
 * (Kafka's Processor). A connection is muted from the arrival of a request until its response is sent, hence one
 * request at a time and answers in order.
 */
export class Processor implements ResponseSink {
  readonly id: number
  readonly #runtime: Runtime
  readonly #options: ProcessorOptions
  readonly #selector: Selector
  readonly #newConnections: BoundedQueue<Connection>
  /** Never longer than there are connections: each has one request in flight. */
  #responseQueue: Response[] = []
  readonly #inflightResponses = new Map<string, Response>()
  /** Peer address of each connection that counts in the quotas. */
  readonly #clientAddresses = new Map<string, string>()
  readonly #invalidRequests: Meter
  #nextConnectionIndex = 0
  #running = true
  #thread: Thread | undefined

  constructor(runtime: Runtime, options: ProcessorOptions) {
    this.#runtime = runtime
    this.#options = options
    this.id = options.id
    this.#newConnections = new BoundedQueue(runtime, `${options.threadName} newConnections`, CONNECTION_QUEUE_SIZE)
    this.#selector = new Selector(runtime, {
      name: options.threadName,
      maxReceiveSize: options.maxRequestSize,
      connectionsMaxIdleMs: options.connectionsMaxIdleMs,
      memoryPool: options.memoryPool,
    })
    const tags = { networkProcessor: `${options.id}` }
    options.metrics.gauge(metricName('kafka.network', 'Processor', 'IdlePercent', tags), () => this.idleRatio.value)
    this.#invalidRequests = options.metrics.meter(
      metricName('kafka.network', 'Processor', 'InvalidRequestsPerSec', tags),
    )
  }

  get idleRatio(): IdleRatio {
    return this.#selector.idleRatio
  }

  get responseQueueSize(): number {
    return this.#responseQueue.length
  }

  get connectionCount(): number {
    return this.#selector.connectionCount
  }

  get expiredConnectionsKilledCount(): number {
    return this.#selector.expiredConnectionsKilledCount
  }

  start(): void {
    this.#thread = this.#runtime.threads.start(this.#options.threadName, () => this.#run())
  }

  /** Takes over an accepted connection if there is room in its queue. */
  offer(connection: Connection): boolean {
    if (!this.#newConnections.offer(connection)) return false
    this.#selector.wakeup()
    return true
  }

  /** Takes over an accepted connection; waits for room in its queue. */
  async accept(connection: Connection): Promise<void> {
    await this.#newConnections.put(connection)
    this.#selector.wakeup()
  }

  enqueueResponse(response: Response): void {
    this.#responseQueue.push(response)
    this.#selector.wakeup()
  }

  wakeup(): void {
    this.#selector.wakeup()
  }

  /** Ends the thread and closes all connections; resolves when that is done. */
  async close(): Promise<void> {
    this.#running = false
    this.#selector.wakeup()
    await this.#thread?.done
    this.#closeAll() // also what the acceptor has handed over since
    this.#options.metrics.remove(
      metricName('kafka.network', 'Processor', 'IdlePercent', { networkProcessor: `${this.id}` }),
    )
  }

  async #run(): Promise<void> {
    while (this.#running) {
      this.#configureNewConnections()
      this.#processNewResponses()
      const polled = this.#selector.poll()
      if (polled !== undefined) await polled
      const received = this.#processCompletedReceives()
      if (received !== undefined) await received
      this.#processCompletedSends()
      this.#processDisconnected()
      this.#closeExcessConnections()
    }
    this.#closeAll()
  }

  #configureNewConnections(): void {
    for (let processed = 0; processed < CONNECTION_QUEUE_SIZE; processed++) {
      const connection = this.#newConnections.poll()
      if (connection === undefined) return
      const id = this.#connectionId(connection)
      this.#clientAddresses.set(id, connection.remote.host)
      this.#selector.register(id, connection)
    }
    if (this.#newConnections.size > 0) this.#selector.wakeup()
  }

  #processNewResponses(): void {
    if (this.#responseQueue.length === 0) return
    const responses = this.#responseQueue
    this.#responseQueue = []
    const nowMs = this.#runtime.clock.monotonicMs()
    for (const response of responses) {
      const { request } = response
      const { connectionId } = request.context
      switch (response.kind) {
        case 'send':
          request.responseDequeueTimeMs = nowMs
          this.#send(response, connectionId)
          break
        case 'no-op':
          this.#updateRequestMetrics(request)
          this.#selector.openOrClosingChannel(connectionId)?.handleChannelMuteEvent('RESPONSE_SENT')
          this.#selector.unmute(connectionId)
          break
        case 'close-connection':
          this.#updateRequestMetrics(request)
          this.#close(connectionId)
          break
        case 'start-throttling':
          this.#selector.openOrClosingChannel(connectionId)?.handleChannelMuteEvent('THROTTLE_STARTED')
          break
        case 'end-throttling':
          this.#selector.openOrClosingChannel(connectionId)?.handleChannelMuteEvent('THROTTLE_ENDED')
          this.#selector.unmute(connectionId)
          break
      }
    }
  }

  #send(response: Response & { readonly kind: 'send' }, connectionId: string): void {
    if (this.#selector.openOrClosingChannel(connectionId) === undefined) {
      this.#updateRequestMetrics(response.request) // the connection is gone, and with it the answer
      return
    }
    this.#inflightResponses.set(connectionId, response)
    this.#selector.send(new NetworkSend(connectionId, response.payload))
  }

  /** Undefined, with nothing to await, when nothing came. */
  #processCompletedReceives(): Promise<void> | undefined {
    return this.#selector.completedReceives.size === 0 ? undefined : this.#processReceives()
  }

  async #processReceives(): Promise<void> {
    for (const receive of this.#selector.completedReceives.values()) {
      await this.#runtime.threads.spend(parseCostUs(receive.payload.length))
      const request = this.#parse(receive)
      if (request === undefined) {
        receive.release()
        this.#invalidRequests.mark()
        this.#close(receive.source)
        continue
      }
      this.#options.requestChannel.observation?.received(request)
      const room = this.#options.requestChannel.sendRequest(request)
      if (room !== undefined) await room
      this.#selector.mute(receive.source)
      this.#selector.openOrClosingChannel(receive.source)?.handleChannelMuteEvent('REQUEST_RECEIVED')
    }
    this.#selector.clearCompletedReceives()
  }

  /** The request in a frame; undefined when there is none that can be answered, so that the connection must be closed. */
  #parse(receive: NetworkReceive): Request | undefined {
    const frame = receive.payload
    try {
      const { api, header, bodyOffset } = parseRequestHeader(frame)
      // Only ApiVersions gets this far in an unknown version: it is answered in version 0, its body is not looked at.
      const known = api.accepts(header.apiVersion)
      const body = known ? decodeRequestBody(api, header.apiVersion, frame, bodyOffset) : undefined
      if (!DELAYED_ALLOCATION_API_KEYS.has(header.apiKey)) receive.release()
      return new Request({
        processor: this.id,
        context: {
          header,
          connectionId: receive.source,
          clientAddress: this.#clientAddresses.get(receive.source) ?? '',
          listenerName: this.#options.listenerName,
        },
        api,
        body,
        responseVersion: known ? header.apiVersion : 0,
        sizeInBytes: frame.length,
        startTimeMs: this.#runtime.clock.monotonicMs(),
        releaseMemory: () => receive.release(),
      })
    } catch (error) {
      if (error instanceof ProtocolError || error instanceof UnsupportedVersionError) return undefined
      throw error
    }
  }

  #processCompletedSends(): void {
    for (const send of this.#selector.completedSends) {
      const id = send.destinationId
      const response = this.#inflightResponses.get(id)
      if (response === undefined) throw new Error(`send for ${id} completed, but no response is in flight`)
      this.#inflightResponses.delete(id)
      this.#updateRequestMetrics(response.request)
      this.#selector.openOrClosingChannel(id)?.handleChannelMuteEvent('RESPONSE_SENT')
      this.#selector.unmute(id)
    }
    this.#selector.clearCompletedSends()
  }

  #processDisconnected(): void {
    if (this.#selector.disconnected.size === 0) return
    for (const id of this.#selector.disconnected.keys()) this.#forget(id)
    this.#selector.clearDisconnected()
  }

  #closeExcessConnections(): void {
    const { connectionQuotas, listenerName } = this.#options
    if (!connectionQuotas.maxConnectionsExceeded(listenerName)) return
    const channel = this.#selector.lowestPriorityChannel
    if (channel === undefined) return
    this.#close(channel.id)
    if (connectionQuotas.maxConnectionsExceeded(listenerName)) this.#selector.wakeup() // one a poll
  }

  /** Closes a connection that is open; does nothing for one that is gone. */
  #close(connectionId: string): void {
    if (this.#selector.openOrClosingChannel(connectionId) === undefined) return
    this.#selector.close(connectionId)
    this.#forget(connectionId)
  }

  #forget(connectionId: string): void {
    const inflight = this.#inflightResponses.get(connectionId)
    this.#inflightResponses.delete(connectionId)
    if (inflight !== undefined) this.#updateRequestMetrics(inflight.request)
    const address = this.#clientAddresses.get(connectionId)
    if (address === undefined) return
    this.#clientAddresses.delete(connectionId)
    this.#options.connectionQuotas.dec(this.#options.listenerName, address)
  }

  #closeAll(): void {
    for (
      let connection = this.#newConnections.poll();
      connection !== undefined;
      connection = this.#newConnections.poll()
    ) {
      this.#options.connectionQuotas.dec(this.#options.listenerName, connection.remote.host)
      connection.close()
    }
    this.#selector.closeAll()
    for (const id of [...this.#clientAddresses.keys()]) this.#forget(id)
  }

  #updateRequestMetrics(request: Request): void {
    this.#options.requestChannel.metricsOf(request.api.name).update(request, this.#runtime.clock.monotonicMs())
  }

  /** As Kafka's ConnectionId: local and remote address, processor, and a number against a port that is used again. */
  #connectionId({ local, remote }: Connection): string {
    const index = this.#nextConnectionIndex
    this.#nextConnectionIndex = index === Number.MAX_SAFE_INTEGER ? 0 : index + 1
    return `${local.host}:${local.port}-${remote.host}:${remote.port}-${this.id}-${index}`
  }
}
