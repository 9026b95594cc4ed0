import { NetworkClient } from '../network/network-client.ts'
import type { Api } from '../protocol/api.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { QuorumVoterEndpoint, RaftTransport } from './raft-transport.ts'

/** A fetched piece is at most 8 MiB and a batch more, which is itself at most 8 MiB. */
const MAX_RESPONSE_BYTES = 20 * 1024 * 1024
/** Answers that nobody waits for any more may still be under way. */
const MAX_PENDING_REQUESTS = 20

export interface KafkaNetworkChannelOptions {
  readonly nodeId: number
  readonly requestTimeoutMs: number
}

interface Link {
  readonly client: NetworkClient
  /** Undefined once it is open. */
  opening: Promise<void> | undefined
}

/**
 * Connections to the voters, one each (Kafka's KafkaNetworkChannel): made when a request wants one, and closed with all
 * that is under way on it at the first failure.
 */
export class KafkaNetworkChannel implements RaftTransport {
  readonly #runtime: Runtime
  readonly #options: KafkaNetworkChannelOptions
  readonly #links = new Map<number, Link>()
  #closed = false

  constructor(runtime: Runtime, options: KafkaNetworkChannelOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  async send<Q extends Fields, S extends Fields>(
    voter: QuorumVoterEndpoint,
    api: Api<Q, S>,
    body: MessageInput<Q>,
  ): Promise<Message<S>> {
    const link = this.#links.get(voter.id) ?? this.#open(voter)
    try {
      if (link.opening !== undefined) await link.opening
      return await link.client.send(api, api.versions[1], body, { handsOver: true })
    } catch (error) {
      this.#drop(voter.id, link)
      throw error
    }
  }

  close(): void {
    this.#closed = true
    for (const [id, link] of this.#links) this.#drop(id, link)
  }

  #open({ id, host, port }: QuorumVoterEndpoint): Link {
    if (this.#closed) throw new Error('the channel to the voters is closed')
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
    const link: Link = { client, opening: undefined }
    this.#links.set(id, link)
    link.opening = client.connect().then(() => {
      link.opening = undefined
    })
    return link
  }

  #drop(id: number, link: Link): void {
    if (this.#links.get(id) === link) this.#links.delete(id)
    link.client.close()
  }
}
