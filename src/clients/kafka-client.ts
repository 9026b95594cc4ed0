import { IdleExpiryManager } from '../network/idle-expiry-manager.ts'
import { ApiVersions } from '../protocol/apis/api-versions.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Fields } from '../protocol/schema.ts'
import { Condition } from '../runtime/condition.ts'
import type { RandomStream, Runtime } from '../runtime/runtime.ts'
import type { ClientRequest, ClientResponse } from './client-response.ts'
import { throttlesClient } from './client-throttle.ts'
import { clientTimeMs } from './client-time.ts'
import { ClusterConnectionStates } from './cluster-connection-states.ts'
import { DefaultMetadataUpdater } from './default-metadata-updater.ts'
import { DisconnectException, IllegalStateException, UnsupportedVersionException } from './errors.ts'
import { findLeastLoadedNode, type LeastLoadedNode } from './least-loaded-node.ts'
import {
  cancelInFlight,
  type InFlightRequest,
  isTimeout,
  type Link,
  type NetworkEvent,
  openLink,
  throttleTimeOf,
} from './link.ts'
import type { Metadata } from './metadata.ts'
import type { MetadataChannel, MetadataUpdater } from './metadata-updater.ts'
import type { Node } from './node.ts'
import { NodeApiVersions } from './node-api-versions.ts'

/** How brokers see this client's software (KIP-511). */
const CLIENT_SOFTWARE = { clientSoftwareName: 'kafka-trial', clientSoftwareVersion: '0.1.0' }

/** `metadata.recovery.strategy` (KIP-899). */
export type MetadataRecoveryStrategy = 'none' | 'rebootstrap'

/** The names of the configuration keys, in camel case; sizes of -1 leave the choice to the host. */
export interface KafkaClientOptions {
  readonly clientId: string
  /** Where nodes come from and what is kept fresh; a function for another way than Kafka's DefaultMetadataUpdater. */
  readonly metadata: Metadata | ((channel: MetadataChannel) => MetadataUpdater)
  readonly maxInFlightRequestsPerConnection: number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMaxMs: number
  readonly sendBufferBytes: number
  readonly receiveBufferBytes: number
  readonly requestTimeoutMs: number
  readonly socketConnectionSetupTimeoutMs: number
  readonly socketConnectionSetupTimeoutMaxMs: number
  /** Negative: connections are never closed for being idle. */
  readonly connectionsMaxIdleMs: number
  readonly metadataRecoveryStrategy: MetadataRecoveryStrategy
  readonly metadataRecoveryRebootstrapTriggerMs: number
}

/**
 * A client's connections to all the nodes it talks to (Kafka's NetworkClient): one connection a node, made when `ready` asks
 * for it, several requests in flight on each, all of them completed in `poll`. One thread calls it; only `wakeup` may be
 * called by others. Times are of the monotonic clock.
 *
 * Nothing waits in here: `send` takes a request only when the node is ready, and what is in flight is bounded by
 * `maxInFlightRequestsPerConnection`.
 */
export class KafkaClient implements MetadataChannel {
  readonly #runtime: Runtime
  readonly #options: KafkaClientOptions
  readonly #states: ClusterConnectionStates
  readonly #updater: MetadataUpdater
  readonly #random: RandomStream
  readonly #idle: IdleExpiryManager
  readonly #links = new Map<number, Link>()
  readonly #versions = new Map<number, NodeApiVersions>()
  /** Nodes to ask for their versions, and in which version to ask. */
  readonly #needVersions = new Map<number, number>()
  readonly #condition: Condition
  #events: NetworkEvent[] = []
  /** Completions of requests that ended without the network, for the next `poll`. */
  #aborted: (() => void)[] = []
  #wakeup = false
  #state: 'active' | 'closing' | 'closed' = 'active'

  constructor(runtime: Runtime, options: KafkaClientOptions) {
    this.#runtime = runtime
    this.#options = options
    const { clientId, metadata } = options
    this.#condition = new Condition(runtime, `KafkaClient.poll ${clientId}`)
    this.#random = runtime.random.stream(`KafkaClient ${clientId} least loaded node`)
    this.#idle = new IdleExpiryManager(options.connectionsMaxIdleMs)
    this.#states = new ClusterConnectionStates({
      reconnectBackoffMs: options.reconnectBackoffMs,
      reconnectBackoffMaxMs: options.reconnectBackoffMaxMs,
      connectionSetupTimeoutMs: options.socketConnectionSetupTimeoutMs,
      connectionSetupTimeoutMaxMs: options.socketConnectionSetupTimeoutMaxMs,
      random: runtime.random.stream(`KafkaClient ${clientId} backoff`),
    })
    this.#updater =
      typeof metadata === 'function' ? metadata(this) : new DefaultMetadataUpdater(metadata, this, options)
  }

  /** Whether requests can be sent to the node now; begins to connect to it when that may be done. */
  ready(node: Node, nowMs: number): boolean {
    if (this.isReady(node, nowMs)) return true
    if (this.#states.canConnect(node.id, nowMs)) this.initiateConnect(node, nowMs)
    return false
  }

  /** Whether requests can be sent to the node now, and no metadata update should be sent first. */
  isReady(node: Node, nowMs: number): boolean {
    return !this.#updater.isUpdateDue(nowMs) && this.canSendRequest(node.id, nowMs)
  }

  /** Milliseconds until it makes sense to try the node again; Infinity while there is a connection. */
  connectionDelay(node: Node, nowMs: number): number {
    return this.#states.connectionDelay(node.id, nowMs)
  }

  /** As `connectionDelay`, and for throttled nodes until they may be sent to. */
  pollDelayMs(node: Node, nowMs: number): number {
    return this.#states.pollDelayMs(node.id, nowMs)
  }

  throttleDelayMs(node: Node, nowMs: number): number {
    return this.#states.throttleDelayMs(node.id, nowMs)
  }

  /** Whether the last connection to the node has ended or was not made, and there is no newer one. */
  connectionFailed(node: Node): boolean {
    return this.#states.isDisconnected(node.id)
  }

  /** The versions of a node that is connected; undefined before its handshake. */
  apiVersions(nodeId: number): NodeApiVersions | undefined {
    return this.#versions.get(nodeId)
  }

  canConnect(node: Node, nowMs: number): boolean {
    return this.#states.canConnect(node.id, nowMs)
  }

  canSendRequest(nodeId: number, nowMs: number): boolean {
    return this.#states.isReady(nodeId, nowMs) && this.#canSendMore(this.#links.get(nodeId))
  }

  /**
   * Sends a request to a node that is ready.
   *
   * @throws IllegalStateException when it is not
   * @throws DisconnectException after `close`
   * @throws EncodeError for a body that cannot be written
   */
  send<Q extends Fields, S extends Fields>(request: ClientRequest<Q, S>, nowMs: number): void {
    this.#ensureActive()
    if (!this.canSendRequest(request.nodeId, nowMs)) {
      throw new IllegalStateException(`${request.api.name} to node ${request.nodeId}, which is not ready`)
    }
    this.#doSend(request, nowMs, false)
  }

  /** As `send`, for the client's own requests, which are completed before all others. */
  sendInternal<Q extends Fields, S extends Fields>(request: ClientRequest<Q, S>, nowMs: number): void {
    this.#doSend(request, nowMs, true)
  }

  /**
   * Waits until something comes from the network, somebody calls `wakeup`, metadata is due or `timeoutMs` is over; then
   * takes what has come and runs the completions of requests that have ended, in order.
   *
   * @throws DisconnectException after `close`
   */
  async poll(timeoutMs: number): Promise<void> {
    this.#ensureActive()
    if (this.#aborted.length > 0) {
      runAll(this.#aborted.splice(0))
      return
    }
    const metadataTimeoutMs = this.#updater.maybeUpdate(this.#nowMs())
    if (this.#events.length === 0 && !this.#wakeup) {
      // Whole milliseconds: the rest of a fraction could be less than the clock can tell.
      const waitMs = Math.ceil(Math.min(timeoutMs, metadataTimeoutMs, this.#options.requestTimeoutMs))
      await this.#condition.wait(Math.max(0, waitMs))
    }
    this.#wakeup = false
    if (this.#state !== 'active') return
    const nowMs = this.#nowMs()
    const completions: (() => void)[] = []
    for (const event of this.#events.splice(0)) this.#handle(event, nowMs, completions)
    this.#initiateApiVersionRequests(nowMs)
    this.#closeIdleConnection(nowMs, completions)
    this.#handleRebootstrap(nowMs, completions)
    runAll(completions)
  }

  /** Ends the `poll` that waits now, or the next one. May be called by any thread. */
  wakeup(): void {
    this.#wakeup = true
    this.#condition.signal()
  }

  /** Requests that have not been completed, on one node or on all. */
  inFlightRequestCount(nodeId?: number): number {
    if (nodeId !== undefined) return this.#links.get(nodeId)?.inFlight.length ?? 0
    let count = 0
    for (const { inFlight } of this.#links.values()) count += inFlight.length
    return count
  }

  hasInFlightRequests(nodeId?: number): boolean {
    return this.inFlightRequestCount(nodeId) > 0
  }

  hasReadyNodes(nowMs: number): boolean {
    return this.#states.hasReadyNodes(nowMs)
  }

  /** The node that a request for any node should go to. @throws IllegalStateException when no node is known at all */
  leastLoadedNode(nowMs: number): LeastLoadedNode {
    return findLeastLoadedNode(this.#updater.fetchNodes(), this.#random, {
      isConnectionReady: id => this.#states.isReady(id, nowMs) && this.#links.get(id)?.client.connected === true,
      canSendRequest: id => this.canSendRequest(id, nowMs),
      inFlight: id => this.inFlightRequestCount(id),
      isPreparing: id => this.#states.isPreparingConnection(id),
      canConnect: id => this.#states.canConnect(id, nowMs),
      lastConnectAttemptMs: id => this.#states.lastConnectAttemptMs(id),
    })
  }

  isAnyNodeConnecting(): boolean {
    return this.#updater.fetchNodes().some(({ id }) => this.#states.isConnecting(id))
  }

  /** Ends the connection to a node; its requests are completed as disconnected in the next `poll`. */
  disconnect(nodeId: number): void {
    const link = this.#links.get(nodeId)
    if (link === undefined) return
    const nowMs = this.#nowMs()
    this.#drop(link)
    cancelInFlight(link, this.#aborted, false)
    this.#states.disconnected(nodeId, nowMs)
  }

  /** Ends the connection to a node and forgets it; its requests are never completed. */
  closeNode(nodeId: number): void {
    const link = this.#links.get(nodeId)
    if (link !== undefined) this.#drop(link)
    this.#states.remove(nodeId)
  }

  /** Lets no more requests in; a `poll` that waits returns. May be called by any thread. */
  initiateClose(): void {
    if (this.#state !== 'active') return
    this.#state = 'closing'
    this.wakeup()
  }

  get active(): boolean {
    return this.#state === 'active'
  }

  /** Ends all connections; requests in flight are never completed. Idempotent. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    for (const link of this.#links.values()) this.#drop(link)
    this.#events = []
    this.#aborted = []
    this.#updater.close()
    this.#condition.signalAll()
  }

  initiateConnect(node: Node, nowMs: number): void {
    this.#states.connecting(node.id, nowMs, node.host)
    const setupTimeoutMs = this.#states.connectionSetupTimeoutMs(node.id)
    const link = openLink(this.#runtime, this.#options, node, setupTimeoutMs, {
      put: event => this.#put(event),
      wakeup: () => this.wakeup(),
    })
    this.#links.set(node.id, link)
  }

  #canSendMore(link: Link | undefined): boolean {
    if (link === undefined || !link.client.connected) return false
    const count = link.inFlight.length
    return count === 0 || (link.client.allWritten && count < this.#options.maxInFlightRequestsPerConnection)
  }

  #doSend<Q extends Fields, S extends Fields>(request: ClientRequest<Q, S>, nowMs: number, internal: boolean): void {
    const { nodeId, api, onComplete } = request
    const link = this.#links.get(nodeId)
    if (link === undefined) throw new IllegalStateException(`there is no connection to node ${nodeId}`)
    const respond = (version: number, how: Partial<ClientResponse<S>>): void =>
      onComplete?.({
        nodeId,
        version,
        body: undefined,
        disconnected: false,
        timedOut: false,
        versionMismatch: undefined,
        createdMs: nowMs,
        receivedMs: this.#nowMs(),
        ...how,
      })
    let version = request.latestVersion ?? api.versions[1]
    try {
      const known = this.#versions.get(nodeId)
      if (known !== undefined) version = known.latestUsableVersion(api, request.oldestVersion, version)
    } catch (error) {
      if (!(error instanceof UnsupportedVersionException)) throw error
      if (internal) respond(version, { versionMismatch: error })
      else this.#aborted.push(() => respond(version, { versionMismatch: error }))
      return
    }
    const body = typeof request.body === 'function' ? request.body(version) : request.body
    const inFlight: InFlightRequest = {
      internal,
      disconnected: timedOut => respond(version, { disconnected: true, timedOut }),
    }
    const expectsResponse = request.expectsResponse ?? true
    const timeoutMs = request.timeoutMs ?? this.#options.requestTimeoutMs
    // A request without an answer may be complete before `submit` returns.
    link.inFlight.push(inFlight)
    try {
      link.client.submit(api, version, body, { timeoutMs, expectsResponse }, (error, response) => {
        if (error !== undefined) {
          this.#put({ kind: 'disconnected', link, timedOut: isTimeout(error) })
          return
        }
        const throttleMs = response === undefined ? 0 : throttleTimeOf(response)
        const throttleTimeMs = throttlesClient(api.key, version) ? throttleMs : 0
        this.#put({
          kind: 'completed',
          link,
          inFlight,
          throttleTimeMs,
          run: () => respond(version, { body: response }),
        })
      })
      this.#idle.update(String(nodeId), nowMs)
    } catch (error) {
      link.inFlight.splice(link.inFlight.indexOf(inFlight), 1)
      throw error
    }
  }

  #put(event: NetworkEvent): void {
    if (this.#links.get(event.link.nodeId) !== event.link) return
    this.#events.push(event)
    this.#condition.signal()
  }

  #handle(event: NetworkEvent, nowMs: number, completions: (() => void)[]): void {
    const { link } = event
    // What comes late from a connection that was given up means nothing.
    if (this.#links.get(link.nodeId) !== link) return
    if (event.kind === 'disconnected') {
      this.#processDisconnection(link, nowMs, completions, event.timedOut)
      return
    }
    this.#idle.update(String(link.nodeId), nowMs)
    if (event.kind === 'connected') {
      this.#needVersions.set(link.nodeId, ApiVersions.versions[1])
      return
    }
    link.inFlight.splice(link.inFlight.indexOf(event.inFlight), 1)
    if (event.throttleTimeMs > 0) this.#states.throttle(link.nodeId, nowMs + event.throttleTimeMs)
    if (event.inFlight.internal) event.run()
    else completions.push(event.run)
  }

  #processDisconnection(link: Link, nowMs: number, completions: (() => void)[], timedOut: boolean): void {
    this.#states.disconnected(link.nodeId, nowMs)
    this.#drop(link)
    cancelInFlight(link, completions, timedOut)
    this.#updater.handleServerDisconnect(nowMs, link.nodeId)
  }

  #drop(link: Link): void {
    this.#links.delete(link.nodeId)
    this.#versions.delete(link.nodeId)
    this.#needVersions.delete(link.nodeId)
    this.#idle.remove(String(link.nodeId))
    link.client.close()
  }

  #initiateApiVersionRequests(nowMs: number): void {
    for (const [nodeId, version] of this.#needVersions) {
      if (!this.#canSendMore(this.#links.get(nodeId))) continue
      this.#needVersions.delete(nodeId)
      this.#states.checkingApiVersions(nodeId)
      const request = { nodeId, api: ApiVersions, latestVersion: version, body: version < 3 ? {} : CLIENT_SOFTWARE }
      const onComplete = (response: ApiVersionsAnswer) => this.#handleApiVersions(response)
      this.#doSend({ ...request, onComplete }, nowMs, true)
    }
  }

  #handleApiVersions({ nodeId, version, body }: ApiVersionsAnswer): void {
    const link = this.#links.get(nodeId)
    if (body === undefined || link === undefined) return
    if (body.errorCode === ErrorCode.NONE) {
      this.#versions.set(nodeId, new NodeApiVersions(body))
      this.#states.ready(nodeId)
    } else if (body.errorCode === ErrorCode.UNSUPPORTED_VERSION && version > 0) {
      // KIP-511: the answer is of version 0 and tells the versions of this API that the node does know.
      const served = body.apiKeys.find(({ apiKey }) => apiKey === ApiVersions.key)
      this.#needVersions.set(nodeId, Math.min(served?.maxVersion ?? 0, version - 1))
    } else {
      this.#put({ kind: 'disconnected', link, timedOut: false })
    }
  }

  #closeIdleConnection(nowMs: number, completions: (() => void)[]): void {
    const expired = this.#idle.pollExpiredConnection(nowMs)
    const link = expired === undefined ? undefined : this.#links.get(Number(expired))
    if (link !== undefined) this.#processDisconnection(link, nowMs, completions, false)
  }

  #handleRebootstrap(nowMs: number, completions: (() => void)[]): void {
    if (this.#options.metadataRecoveryStrategy !== 'rebootstrap' || !this.#updater.needsRebootstrap(nowMs)) return
    for (const { id } of this.#updater.fetchNodes()) {
      const link = this.#links.get(id)
      if (link !== undefined) this.#processDisconnection(link, nowMs, completions, false)
    }
    this.#updater.rebootstrap(nowMs)
  }

  #ensureActive(): void {
    if (this.#state !== 'active')
      throw new DisconnectException(`the client is no longer active, its state is ${this.#state}`)
  }

  #nowMs(): number {
    return clientTimeMs(this.#runtime)
  }
}

type ApiVersionsAnswer = ClientResponse<(typeof ApiVersions)['response']['fields']>

function runAll(completions: readonly (() => void)[]): void {
  for (const complete of completions) complete()
}
