import { Metadata } from '../../protocol/apis/metadata.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Fields } from '../../protocol/schema.ts'
import type { Runtime, Thread } from '../../runtime/runtime.ts'
import { parseBootstrapServers } from '../bootstrap-servers.ts'
import { kafkaClientOptions } from '../client-options.ts'
import type { ClientResponse } from '../client-response.ts'
import { DisconnectException, IllegalStateException, KafkaError, TimeoutException } from '../errors.ts'
import { ExponentialBackoff } from '../exponential-backoff.ts'
import { KafkaClient } from '../kafka-client.ts'
import type { Node } from '../node.ts'
import { type AdminAnswer, type AdminCall, PendingCall } from './admin-call.ts'
import type { AdminClientConfig } from './admin-client-config.ts'
import { AdminMetadataManager } from './admin-metadata-manager.ts'

/** The longest that the thread sleeps when nothing is to be done (Kafka's constant). */
const MAX_POLL_MS = 1_200_000
/** Calls that may wait or be under way; one more is refused. */
const MAX_CALLS = 10_000
const BACKOFF_MULTIPLIER = 2
const BACKOFF_JITTER = 0.2

type AnyCall = PendingCall<Fields, Fields>

/**
 * The thread of an admin client (Kafka's AdminClientRunnable): finds a broker for each call, sends them, one at a time to
 * each broker, and repeats what failed for a passing reason, until the call's time is up.
 */
export class AdminClientRunnable {
  readonly #runtime: Runtime
  readonly #config: AdminClientConfig
  readonly #client: KafkaClient
  readonly #metadata: AdminMetadataManager
  readonly #backoff: ExponentialBackoff
  readonly #thread: Thread
  /** Without a broker yet. */
  #pending: AnyCall[] = []
  /** By the broker that they are to be sent to. */
  readonly #toSend = new Map<Node, AnyCall[]>()
  readonly #inFlight = new Set<AnyCall>()
  /** When the thread ends, whatever is under way; undefined: it goes on. */
  #closeDeadlineMs: number | undefined

  /** @throws ConfigError when `bootstrap.servers` names no servers */
  constructor(runtime: Runtime, config: AdminClientConfig, clientId: string) {
    this.#runtime = runtime
    this.#config = config
    this.#metadata = new AdminMetadataManager({
      bootstrap: parseBootstrapServers(config.getList('bootstrap.servers')),
      refreshBackoffMs: config.getNumber('retry.backoff.ms'),
      metadataMaxAgeMs: config.getNumber('metadata.max.age.ms'),
      rebootstrapTriggerMs: config.getNumber('metadata.recovery.rebootstrap.trigger.ms'),
    })
    this.#client = new KafkaClient(runtime, {
      ...kafkaClientOptions(config),
      clientId,
      metadata: () => this.#metadata,
      maxInFlightRequestsPerConnection: 1,
    })
    this.#backoff = new ExponentialBackoff({
      initialIntervalMs: config.getNumber('retry.backoff.ms'),
      maxIntervalMs: config.getNumber('retry.backoff.max.ms'),
      multiplier: BACKOFF_MULTIPLIER,
      jitter: BACKOFF_JITTER,
      random: runtime.random.stream(`AdminClient ${clientId} backoff`),
    })
    this.#thread = runtime.threads.start(`kafka-admin-client-thread | ${clientId}`, () => this.#run())
  }

  /** Monotonic milliseconds. */
  get nowMs(): number {
    return this.#runtime.clock.monotonicMs()
  }

  /** How long to wait before an operation is tried again that has failed `attempts` times, ms. */
  backoffMs(attempts: number): number {
    return this.#backoff.backoff(attempts)
  }

  /** The brokers that are known now; none before the first call was answered. */
  get brokers(): readonly Node[] {
    return this.#metadata.isReady ? this.#metadata.fetchNodes() : []
  }

  /** Asks for the brokers anew, soon. */
  requestMetadataUpdate(): void {
    this.#metadata.requestUpdate()
  }

  /**
   * Sends a request, again and again if need be, until `deadlineMs`.
   *
   * @throws TimeoutException, UnsupportedVersionException, what `check` throws; IllegalStateException after `close`
   */
  async call<Q extends Fields, S extends Fields>(call: AdminCall<Q, S>, deadlineMs: number): Promise<AdminAnswer<S>> {
    if (this.#closeDeadlineMs !== undefined) {
      throw new IllegalStateException(`${call.name}: the admin client is closing and takes no more calls`)
    }
    if (this.#size >= MAX_CALLS) throw new TimeoutException(`${call.name}: ${MAX_CALLS} calls wait already`)
    const pending = new PendingCall(call, deadlineMs, false)
    this.#pending.push(pending as unknown as AnyCall)
    this.#client.wakeup()
    return await pending.answer
  }

  /** Waits for calls that are under way, at most `timeoutMs`; then ends them, and the thread. Idempotent. */
  async close(timeoutMs: number): Promise<void> {
    this.#closeDeadlineMs = Math.min(this.#closeDeadlineMs ?? Number.POSITIVE_INFINITY, this.nowMs + timeoutMs)
    this.#client.wakeup()
    await this.#thread.done
  }

  get #size(): number {
    let toSend = 0
    for (const calls of this.#toSend.values()) toSend += calls.length
    return this.#pending.length + toSend + this.#inFlight.size
  }

  async #run(): Promise<void> {
    while (!this.#mayEnd()) {
      let pollMs = Math.min(MAX_POLL_MS, (this.#closeDeadlineMs ?? Number.POSITIVE_INFINITY) - this.nowMs)
      this.#expireCalls(this.nowMs)
      pollMs = Math.min(pollMs, this.#chooseNodes(this.nowMs))
      if (this.#metadata.metadataFetchDelayMs(this.nowMs) <= 0) this.#requestMetadata(this.nowMs)
      pollMs = Math.min(pollMs, this.#metadata.metadataFetchDelayMs(this.nowMs), this.#sendEligible(this.nowMs))
      pollMs = Math.min(pollMs, this.#nextDeadlineMs() - this.nowMs)
      await this.#client.poll(Math.max(0, pollMs))
      this.#leaveFailedNodes()
    }
    this.#client.close()
    const error = new TimeoutException('the admin client was closed')
    for (const call of [...this.#pending, ...[...this.#toSend.values()].flat(), ...this.#inFlight]) call.fail(error)
    this.#pending = []
    this.#inFlight.clear()
  }

  #mayEnd(): boolean {
    if (this.#closeDeadlineMs === undefined) return false
    if (this.nowMs >= this.#closeDeadlineMs) return true
    const own = (calls: Iterable<AnyCall>) => [...calls].some(({ internal }) => !internal)
    return !own(this.#pending) && !own(this.#inFlight) && ![...this.#toSend.values()].some(own)
  }

  get #retryBackoffMs(): number {
    return this.#config.getNumber('retry.backoff.ms')
  }

  #nextDeadlineMs(): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#pending) nextMs = Math.min(nextMs, deadlineMs)
    for (const calls of this.#toSend.values()) {
      for (const { deadlineMs } of calls) nextMs = Math.min(nextMs, deadlineMs)
    }
    return nextMs
  }

  #expireCalls(nowMs: number): void {
    const isOver = ({ deadlineMs }: AnyCall) => deadlineMs <= nowMs
    for (const call of this.#pending.filter(isOver)) this.#expire(call, 'no broker could be chosen for it')
    this.#pending = this.#pending.filter(call => !isOver(call))
    for (const [node, calls] of this.#toSend) {
      for (const call of calls.filter(isOver)) this.#expire(call, `there was no connection to node ${node.id}`)
      this.#toSend.set(
        node,
        calls.filter(call => !isOver(call)),
      )
    }
  }

  #expire(call: AnyCall, why: string): void {
    if (call.internal) this.#metadata.updateFailed()
    call.expire(why)
  }

  /** Gives calls that wait a broker each, as far as one can be chosen; returns when to look again at the latest, ms. */
  #chooseNodes(nowMs: number): number {
    let waitMs = Number.POSITIVE_INFINITY
    const left: AnyCall[] = []
    for (const call of this.#pending) {
      const node = call.nextAllowedTryMs <= nowMs ? this.#nodeFor(call, nowMs) : undefined
      if (node === undefined) {
        left.push(call)
        waitMs = Math.min(waitMs, Math.max(call.nextAllowedTryMs - nowMs, this.#retryBackoffMs))
      } else {
        this.#assign(node, call)
      }
    }
    this.#pending = left
    return waitMs
  }

  #nodeFor({ call: { node }, internal }: AnyCall, nowMs: number): Node | undefined {
    if (!this.#metadata.isReady && !internal) {
      this.#metadata.requestUpdate()
      return undefined
    }
    let found: Node | undefined
    if (node === 'least-loaded') found = this.#leastLoadedNode(nowMs)
    else if (node === 'controller') found = this.#metadata.controller
    else found = this.#metadata.nodeById(node.id)
    if (found === undefined) this.#metadata.requestUpdate()
    return found
  }

  #leastLoadedNode(nowMs: number): Node | undefined {
    const { node, hasNodeAvailableOrConnectionReady } = this.#client.leastLoadedNode(nowMs)
    const rebootstraps = this.#config.getString('metadata.recovery.strategy') === 'rebootstrap'
    if (rebootstraps && !hasNodeAvailableOrConnectionReady && this.#metadata.isReady) this.#metadata.rebootstrap(nowMs)
    return node
  }

  #assign(node: Node, call: AnyCall): void {
    const calls = this.#toSend.get(node)
    if (calls === undefined) this.#toSend.set(node, [call])
    else calls.push(call)
  }

  /** Calls to brokers that cannot be reached look for another one, and those that want just this one fail. */
  #leaveFailedNodes(): void {
    for (const [node, calls] of this.#toSend) {
      if (calls.length > 0 && !this.#client.connectionFailed(node)) continue
      this.#toSend.delete(node)
      for (const call of calls) {
        if (call.call.once) this.#failed(call, new DisconnectException(`node ${node.id} cannot be reached`))
        else this.#pending.push(call)
      }
    }
  }

  #requestMetadata(nowMs: number): void {
    this.#metadata.transitionToUpdatePending(nowMs)
    const call: AdminCall<typeof Metadata.request.fields, typeof Metadata.response.fields> = {
      name: 'fetchMetadata',
      node: 'least-loaded',
      api: Metadata,
      body: () => ({ topics: [], allowAutoTopicCreation: true }),
    }
    const pending = new PendingCall(call, nowMs + this.#config.getNumber('request.timeout.ms'), true)
    pending.answer.then(
      ({ body }) => this.#metadata.update(body, this.nowMs),
      () => this.#metadata.updateFailed(),
    )
    const node = this.#leastLoadedNode(nowMs)
    if (node === undefined) this.#pending.push(pending as unknown as AnyCall)
    else this.#assign(node, pending as unknown as AnyCall)
  }

  /** Sends what can be sent; returns when more may be, ms. */
  #sendEligible(nowMs: number): number {
    let waitMs = Number.POSITIVE_INFINITY
    for (const [node, calls] of this.#toSend) {
      while (calls.length > 0) {
        if (!this.#client.ready(node, nowMs)) {
          waitMs = Math.min(waitMs, this.#client.pollDelayMs(node, nowMs))
          break
        }
        const call = calls.shift()
        if (call !== undefined) this.#send(node, call, nowMs)
      }
    }
    return waitMs
  }

  #send(node: Node, pending: AnyCall, nowMs: number): void {
    const { call, deadlineMs } = pending
    const timeoutMs = Math.max(1, Math.min(this.#config.getNumber('request.timeout.ms'), deadlineMs - nowMs))
    this.#inFlight.add(pending)
    this.#client.send(
      {
        nodeId: node.id,
        api: call.api,
        ...(call.oldestVersion === undefined ? {} : { oldestVersion: call.oldestVersion }),
        ...(call.latestVersion === undefined ? {} : { latestVersion: call.latestVersion }),
        body: version => call.body(version, Math.floor(timeoutMs)),
        timeoutMs,
        onComplete: response => this.#completed(pending, response),
      },
      nowMs,
    )
  }

  #completed(pending: AnyCall, response: ClientResponse<Fields>): void {
    this.#inFlight.delete(pending)
    const { nodeId, version, body, versionMismatch, timedOut } = response
    if (body === undefined) {
      const why = timedOut ? `node ${nodeId} did not answer in time` : `the connection to node ${nodeId} ended`
      this.#failed(pending, versionMismatch ?? (timedOut ? new TimeoutException(why) : new DisconnectException(why)))
      return
    }
    try {
      pending.call.check?.(body)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#failed(pending, error)
      return
    }
    pending.complete({ nodeId, version, body })
  }

  #failed(pending: AnyCall, error: KafkaError): void {
    const nowMs = this.nowMs
    if (error.code === ErrorCode.NOT_CONTROLLER) this.#metadata.clearController()
    if (error.retriable) this.#metadata.requestUpdate()
    pending.nextAllowedTryMs = nowMs + this.#backoff.backoff(pending.tries)
    pending.tries++
    if (pending.deadlineMs <= nowMs) pending.expire(error.message, error)
    else if (!error.retriable || pending.call.once || pending.tries > this.#config.getNumber('retries'))
      pending.fail(error)
    else this.#pending.push(pending)
  }
}
