import type { Api } from '../../protocol/api.ts'
import type { Fields, Message, MessageInput } from '../../protocol/schema.ts'
import { Mutex } from '../../runtime/mutex.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ClientResponse } from '../client-response.ts'
import { DisconnectException, TimeoutException, WakeupException } from '../errors.ts'
import type { KafkaClient } from '../kafka-client.ts'
import type { Metadata } from '../metadata.ts'
import type { Node } from '../node.ts'
import { RequestFuture } from './request-future.ts'
import { Timer } from './timer.ts'

/** No poll waits longer, so that requests which wait to be sent are looked after. */
const MAX_POLL_TIMEOUT_MS = 5000

export interface ConsumerNetworkClientOptions {
  readonly client: KafkaClient
  readonly metadata: Metadata
  /** `retry.backoff.ms` */
  readonly retryBackoffMs: number
  /** `request.timeout.ms` */
  readonly requestTimeoutMs: number
  /** `heartbeat.interval.ms`: a poll does not wait longer. */
  readonly maxPollTimeoutMs: number
}

/** A request for `ConsumerNetworkClient.send`; see `ClientRequest`. */
export interface ConsumerRequest<Q extends Fields, S extends Fields> {
  readonly api: Api<Q, S>
  readonly body: MessageInput<Q> | ((version: number) => MessageInput<Q>)
  readonly oldestVersion?: number
  readonly latestVersion?: number
  readonly timeoutMs?: number
}

/** An answer, and how it came. */
export interface ConsumerResponse<S extends Fields> extends ClientResponse<S> {
  readonly body: Message<S>
  readonly latencyMs: number
}

interface UnsentRequest {
  readonly createdMs: number
  readonly timeoutMs: number
  send(nowMs: number): void
  fail(error: Error): void
}

/**
 * Requests of a consumer (Kafka's ConsumerNetworkClient): `send` only takes them, `poll` sends them when their node is ready,
 * and completes their futures. The thread of the consumer's caller and the heartbeat thread poll in turn. What is not sent
 * within its timeout fails; callers ask one thing at a time of a node, so that little waits here.
 */
export class ConsumerNetworkClient {
  readonly #runtime: Runtime
  readonly #client: KafkaClient
  readonly #metadata: Metadata
  readonly #options: ConsumerNetworkClientOptions
  readonly #lock: Mutex
  readonly #unsent = new Map<number, { readonly node: Node; readonly requests: UnsentRequest[] }>()
  readonly #pendingDisconnects: Node[] = []
  #pendingCompletion: (() => void)[] = []
  #wakeup = false
  #wakeupDisabled = false

  constructor(runtime: Runtime, options: ConsumerNetworkClientOptions) {
    this.#runtime = runtime
    this.#client = options.client
    this.#metadata = options.metadata
    this.#options = options
    this.#lock = new Mutex(runtime, 'ConsumerNetworkClient')
  }

  get requestTimeoutMs(): number {
    return this.#options.requestTimeoutMs
  }

  /** Takes a request for a node, which need not be connected. Its future fails with a `KafkaError`. */
  send<Q extends Fields, S extends Fields>(
    node: Node,
    request: ConsumerRequest<Q, S>,
  ): RequestFuture<ConsumerResponse<S>> {
    const future = new RequestFuture<ConsumerResponse<S>>()
    const timeoutMs = request.timeoutMs ?? this.#options.requestTimeoutMs
    const createdMs = this.#nowMs()
    const fail = (error: Error): void => {
      this.#pendingCompletion.push(() => future.raise(error))
    }
    const onComplete = (response: ClientResponse<S>): void => {
      this.#pendingCompletion.push(() => completeWith(response, future))
    }
    const queue = this.#unsent.get(node.id) ?? { node, requests: [] }
    this.#unsent.set(node.id, queue)
    queue.requests.push({
      createdMs,
      timeoutMs,
      send: nowMs => this.#client.send({ ...request, nodeId: node.id, timeoutMs, onComplete }, nowMs),
      fail,
    })
    this.#client.wakeup()
    return future
  }

  /** Undefined: none can be asked now. */
  leastLoadedNode(): Node | undefined {
    return this.#client.leastLoadedNode(this.#nowMs()).node
  }

  hasReadyNodes(): boolean {
    return this.#client.hasReadyNodes(this.#nowMs())
  }

  /** Whether the connection to a node was lost, and may not be tried again yet. */
  isUnavailable(node: Node): boolean {
    return this.#client.connectionFailed(node) && this.#client.connectionDelay(node, this.#nowMs()) > 0
  }

  tryConnect(node: Node): void {
    this.#client.ready(node, this.#nowMs())
  }

  /** Whether a node's versions are known: it was connected. */
  apiVersions(nodeId: number): ReturnType<KafkaClient['apiVersions']> {
    return this.#client.apiVersions(nodeId)
  }

  /** Asks for new metadata and polls until it is there; false when time ran out. */
  async awaitMetadataUpdate(timer: Timer): Promise<boolean> {
    const version = this.#metadata.requestUpdate(false)
    do {
      await this.poll(timer)
    } while (this.#metadata.updateVersion === version && timer.notExpired)
    return this.#metadata.updateVersion > version
  }

  /** As `awaitMetadataUpdate`, when an update is due or asked for. */
  async ensureFreshMetadata(timer: Timer): Promise<boolean> {
    if (!this.#metadata.updateRequested && this.#metadata.timeToNextUpdate(this.#nowMs()) > 0) return true
    return this.awaitMetadataUpdate(timer)
  }

  /** Lets a poll that waits, or the next one, throw `WakeupException`. Any thread may call it. */
  wakeup(): void {
    this.#wakeup = true
    this.#client.wakeup()
  }

  /** `wakeup` has no effect from now on. */
  disableWakeups(): void {
    this.#wakeupDisabled = true
  }

  /** @throws WakeupException when `wakeup` was called */
  maybeTriggerWakeup(): void {
    if (this.#wakeupDisabled || !this.#wakeup) return
    this.#wakeup = false
    throw new WakeupException()
  }

  /** Polls until a future is done; false when time ran out. */
  async pollUntilDone(future: RequestFuture<unknown>, timer: Timer, disableWakeup = false): Promise<boolean> {
    do {
      await this.poll(timer, () => !future.isDone, disableWakeup)
    } while (!future.isDone && timer.notExpired)
    return future.isDone
  }

  /**
   * Sends what can be sent, waits for something to come, and completes futures.
   *
   * @param shouldBlock asked when it is this thread's turn: whether there is anything to wait for still
   * @throws WakeupException when `wakeup` was called, KafkaError when metadata has one; what listeners throw
   */
  async poll(timer: Timer, shouldBlock: () => boolean = () => true, disableWakeup = false): Promise<void> {
    this.#firePendingCompletions()
    await this.#lock.runExclusive(async () => {
      this.#handlePendingDisconnects()
      const pollDelayMs = this.#trySend()
      if (this.#pendingCompletion.length === 0 && shouldBlock()) {
        let timeoutMs = Math.min(timer.remainingMs, pollDelayMs)
        if (this.#client.inFlightRequestCount() === 0) timeoutMs = Math.min(timeoutMs, this.#options.retryBackoffMs)
        await this.#client.poll(timeoutMs)
      } else {
        await this.#client.poll(0)
      }
      this.#checkDisconnects()
      if (!disableWakeup) this.maybeTriggerWakeup()
      this.#trySend()
      this.#failExpiredRequests()
    })
    this.#firePendingCompletions()
    this.#metadata.maybeThrowAnyException()
  }

  /** Sends and takes what is there, without waiting. */
  pollNoWakeup(timer: Timer): Promise<void> {
    return this.poll(timer, () => false, true)
  }

  /** As `pollNoWakeup`, but nothing while another thread polls: that one does the work. */
  async pollIfFree(): Promise<void> {
    if (!this.#lock.locked) await this.pollNoWakeup(new Timer(this.#runtime, 0))
  }

  /** Sends what can be sent; waits for nothing and completes nothing. */
  transmitSends(): void {
    this.#trySend()
  }

  /** Polls until no request to a node is under way; false when time ran out. */
  async awaitPendingRequests(node: Node, timer: Timer): Promise<boolean> {
    while (this.hasPendingRequests(node) && timer.notExpired) await this.poll(timer)
    return !this.hasPendingRequests(node)
  }

  /** To a node, or to any. */
  hasPendingRequests(node?: Node): boolean {
    if (node !== undefined) {
      return (this.#unsent.get(node.id)?.requests.length ?? 0) > 0 || this.#client.hasInFlightRequests(node.id)
    }
    return [...this.#unsent.values()].some(({ requests }) => requests.length > 0) || this.#client.hasInFlightRequests()
  }

  /** Ends the connection to a node in the next poll; its requests fail. */
  disconnectAsync(node: Node): void {
    this.#pendingDisconnects.push(node)
    this.#client.wakeup()
  }

  close(): void {
    this.#client.close()
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs()
  }

  #firePendingCompletions(): void {
    let hasFired = false
    for (let fire = this.#pendingCompletion.shift(); fire !== undefined; fire = this.#pendingCompletion.shift()) {
      fire()
      hasFired = true
    }
    // The other thread may wait in a poll for what these completed.
    if (hasFired) this.#client.wakeup()
  }

  #handlePendingDisconnects(): void {
    for (const node of this.#pendingDisconnects.splice(0)) {
      this.#failUnsent(node.id, () => new DisconnectException())
      this.#client.disconnect(node.id)
    }
  }

  /** Returns for how long a poll may wait before there is something to send again. */
  #trySend(): number {
    const nowMs = this.#nowMs()
    let pollDelayMs = Math.min(this.#options.maxPollTimeoutMs, MAX_POLL_TIMEOUT_MS)
    for (const { node, requests } of this.#unsent.values()) {
      if (requests.length > 0) pollDelayMs = Math.min(pollDelayMs, this.#client.pollDelayMs(node, nowMs))
      for (let request = requests[0]; request !== undefined; request = requests[0]) {
        if (!this.#client.ready(node, nowMs)) break
        requests.shift()
        try {
          request.send(nowMs)
        } catch (error) {
          request.fail(error instanceof Error ? error : new Error(String(error)))
        }
      }
    }
    return pollDelayMs
  }

  #checkDisconnects(): void {
    for (const { node } of [...this.#unsent.values()]) {
      if (this.#client.connectionFailed(node)) this.#failUnsent(node.id, () => new DisconnectException())
    }
  }

  #failExpiredRequests(): void {
    const nowMs = this.#nowMs()
    for (const [nodeId, { requests }] of this.#unsent) {
      while (requests[0] !== undefined && nowMs - requests[0].createdMs > requests[0].timeoutMs) {
        const request = requests.shift()
        request?.fail(new TimeoutException(`failed to send the request after ${request.timeoutMs} ms`))
      }
      if (requests.length === 0) this.#unsent.delete(nodeId)
    }
  }

  #failUnsent(nodeId: number, error: () => Error): void {
    for (const request of this.#unsent.get(nodeId)?.requests.splice(0) ?? []) request.fail(error())
  }
}

function completeWith<S extends Fields>(response: ClientResponse<S>, future: RequestFuture<ConsumerResponse<S>>): void {
  const { body, versionMismatch, createdMs, receivedMs } = response
  if (body !== undefined) future.complete({ ...response, body, latencyMs: receivedMs - createdMs })
  else future.raise(versionMismatch ?? new DisconnectException())
}
