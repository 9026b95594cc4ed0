import type { Request } from '../../network/request.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { ApiContext } from '../api-handler.ts'
import { type Node, nodeOf } from './nodes.ts'

/** Who leads a partition, for answers to whoever asked the wrong broker (KIP-951). */
export interface LeaderIdAndEpoch {
  readonly leaderId: number
  readonly leaderEpoch: number
}

/** Collects the leaders that one answer names, and their addresses on the listener that the request came by. */
export class LeaderHints {
  readonly #context: ApiContext
  readonly #listenerName: string
  readonly #nodes = new Map<number, Node>()

  constructor(context: ApiContext, request: Request) {
    this.#context = context
    this.#listenerName = request.context.listenerName
  }

  /** The leader as the metadata has it now; −1 when it has none. */
  leaderOf({
    topic,
    topicId,
    partition,
  }: {
    topic: string | null
    topicId: string
    partition: number
  }): LeaderIdAndEpoch {
    const { image } = this.#context.metadataCache
    const found = topicId === ZERO_UUID ? image.topics.getTopic(topic ?? '') : image.topics.getTopicById(topicId)
    const registration = found?.partitions.get(partition)
    if (registration === undefined) return { leaderId: -1, leaderEpoch: -1 }
    const node = nodeOf(image, registration.leader, this.#listenerName)
    if (node !== undefined) this.#nodes.set(node.id, node)
    return { leaderId: registration.leader, leaderEpoch: registration.leaderEpoch }
  }

  /** The addresses of all leaders named so far. */
  get nodeEndpoints(): { nodeId: number; host: string; port: number; rack: string | null }[] {
    return [...this.#nodes.values()].map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }))
  }
}
