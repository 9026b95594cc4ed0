import type { Api } from '../protocol/api.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'

/** A voter of the quorum and where its controller listener is. */
export interface QuorumVoterEndpoint {
  readonly id: number
  readonly host: string
  readonly port: number
}

/** How a node of the quorum reaches the voters. */
export interface RaftTransport {
  /**
   * Sends a request, in the API's newest version, and gives the answer: on no particular thread, so it has to be handed over to
   * the one that takes it. Rejects when none comes.
   */
  send<Q extends Fields, S extends Fields>(
    voter: QuorumVoterEndpoint,
    api: Api<Q, S>,
    body: MessageInput<Q>,
  ): Promise<Message<S>>
  close(): void
}
