import { NetworkClient } from '../network/network-client.ts'
import { DisconnectedError, TooManyPendingRequestsError } from '../network/network-client-errors.ts'
import { ReconnectBackoff } from '../network/reconnect-backoff.ts'
import type { Api } from '../protocol/api.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import type { RandomStream, Runtime, Timer } from '../runtime/runtime.ts'
import type { QuorumVoterEndpoint, RaftTransport } from './raft-transport.ts'

/** A fetched piece is at most 8 MiB and a batch more, which is itself at most 8 MiB. */
const MAX_RESPONSE_BYTES = 20 * 1024 * 1024
/** Answers that nobody waits for any more may still be under way. */
const MAX_PENDING_REQUESTS = 20
/** Kafka's KafkaRaftManager sets these without a configuration key. */
const RECONNECT_BACKOFF_MS = 50
const RECONNECT_BACKOFF_MAX_MS = 500

export interface KafkaNetworkChannelOptions {
  readonly nodeId: number
  readonly requestTimeoutMs: number
}

/** The way to a voter. */
interface Link {
  readonly backoff: ReconnectBackoff
  /** Undefined while there is no connection, nor one on its way. */
  client: NetworkClient | undefined
  /** Undefined once it is open. */
  opening: Promise<void> | undefined
}

interface Refusal {
  readonly timer: Timer
  readonly refuse: () => void
}

/**
 * Connections to the voters, one each (Kafka's KafkaNetworkChannel): made when a request wants one, and closed with all
 * that is under way on it at the first failure. A request that comes before a voter may be tried again waits for that time and
 * then fails, as one that Kafka's InterBrokerSendThread could not send.
 */
export class KafkaNetworkChannel implements RaftTransport {
  readonly #runtime: Runtime
  readonly #options: KafkaNetworkChannelOptions
  readonly #random: RandomStream
  readonly #links = new Map<number, Link>()
  readonly #refusals = new Set<Refusal>()
  #closed = false

  constructor(runtime: Runtime, options: KafkaNetworkChannelOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#random = runtime.random.stream(`raft-channel-${options.nodeId}`)
  }

  async send<Q extends Fields, S extends Fields>(
    voter: QuorumVoterEndpoint,
    api: Api<Q, S>,
    body: MessageInput<Q>,
  ): Promise<Message<S>> {
    if (this.#closed) throw new DisconnectedError(voter, 'the channel to the voters is closed')
    const link = this.#linkTo(voter)
    const isGone = link.client?.connected === false && link.opening === undefined
    if (isGone) link.client = undefined
    const waitMs = link.client === undefined ? link.backoff.remainingMs(this.#nowMs()) : 0
    if (waitMs > 0) return await this.#refuse(voter, waitMs)
    const client = link.client ?? this.#open(voter, link)
    try {
      if (link.opening !== undefined) await link.opening
      return await client.send(api, api.versions[1], body, { handsOver: true })
    } catch (error) {
      this.#drop(link, client)
      throw error
    }
  }

  close(): void {
    this.#closed = true
    for (const { client } of this.#links.values()) client?.close()
    for (const { timer, refuse } of [...this.#refusals]) {
      timer.cancel()
      refuse()
    }
  }

  #linkTo({ id }: QuorumVoterEndpoint): Link {
    const known = this.#links.get(id)
    if (known !== undefined) return known
    const options = { initialMs: RECONNECT_BACKOFF_MS, maxMs: RECONNECT_BACKOFF_MAX_MS, random: this.#random }
    const link: Link = { backoff: new ReconnectBackoff(options), client: undefined, opening: undefined }
    this.#links.set(id, link)
    return link
  }

  #open({ host, port }: QuorumVoterEndpoint, link: Link): NetworkClient {
    const { nodeId, requestTimeoutMs } = this.#options
    const client = new NetworkClient(this.#runtime, {
      host,
      port,
      clientId: `raft-client-${nodeId}`,
      requestTimeoutMs,
      connectionSetupTimeoutMs: requestTimeoutMs,
      maxPendingRequests: MAX_PENDING_REQUESTS,
      maxResponseBytes: MAX_RESPONSE_BYTES,
    })
    link.client = client
    link.opening = client.connect().then(() => {
      link.opening = undefined
      link.backoff.onConnected()
    })
    return client
  }

  #drop(link: Link, client: NetworkClient): void {
    client.close()
    if (link.client !== client) return
    link.client = undefined
    link.opening = undefined
    link.backoff.onDisconnected(this.#nowMs())
  }

  #refuse(voter: QuorumVoterEndpoint, waitMs: number): Promise<never> {
    if (this.#refusals.size >= MAX_PENDING_REQUESTS) throw new TooManyPendingRequestsError(voter, MAX_PENDING_REQUESTS)
    return new Promise((_, reject) => {
      const refuse = (): void => {
        this.#refusals.delete(refusal)
        reject(new DisconnectedError(voter, 'no connection may be tried yet'))
      }
      const refusal: Refusal = { timer: this.#runtime.timers.after(waitMs, refuse), refuse }
      this.#refusals.add(refusal)
    })
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs()
  }
}
