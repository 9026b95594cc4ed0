import type { ControllerChannel } from '../controller/controller-channel.ts'
import { validateTopicName } from '../controller/topic-name.ts'
import type { CreateTopicsRequest } from '../protocol/apis/create-topics.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'

export interface AutoTopicCreationDefaults {
  /** `num.partitions` */
  readonly numPartitions: number
  /** `default.replication.factor` */
  readonly replicationFactor: number
  /** `request.timeout.ms` */
  readonly requestTimeoutMs: number
  /** What Kafka's own topics are created with, by name. */
  readonly internalTopics: ReadonlyMap<string, InternalTopicSettings>
}

export interface InternalTopicSettings {
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, string>
}

/**
 * Has topics created that clients ask for and that do not exist (Kafka's AutoTopicCreationManager). The client is answered
 * at once and asks again. A topic is asked for once at a time.
 */
export class AutoTopicCreationManager {
  readonly #controller: Pick<ControllerChannel, 'createTopics'>
  readonly #defaults: AutoTopicCreationDefaults
  readonly #inflightTopics = new Set<string>()

  constructor(controller: Pick<ControllerChannel, 'createTopics'>, defaults: AutoTopicCreationDefaults) {
    this.#controller = controller
    this.#defaults = defaults
  }

  /** Begins to create the topics. Returns the error code that each is to be answered with. */
  createTopics(names: Iterable<string>): Map<string, ErrorCode> {
    const codes = new Map<string, ErrorCode>()
    const creatable: string[] = []
    for (const name of names) {
      codes.set(name, missingTopicError(name))
      if (codes.get(name) !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || this.#inflightTopics.has(name)) continue
      this.#inflightTopics.add(name)
      creatable.push(name)
    }
    if (creatable.length > 0) void this.#sendCreateTopicRequest(creatable)
    return codes
  }

  async #sendCreateTopicRequest(names: readonly string[]): Promise<void> {
    const request: CreateTopicsRequest = {
      topics: names.map(name => this.#creatableTopic(name)),
      timeoutMs: this.#defaults.requestTimeoutMs,
      validateOnly: false,
    }
    try {
      await this.#controller.createTopics(request)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error // whoever asked for the topic asks again
    } finally {
      for (const name of names) this.#inflightTopics.delete(name)
    }
  }

  #creatableTopic(name: string): CreateTopicsRequest['topics'][number] {
    const internal = this.#defaults.internalTopics.get(name)
    const { numPartitions, replicationFactor } = internal ?? this.#defaults
    const configs = [...(internal?.configs ?? [])].map(([key, value]) => ({ name: key, value }))
    return { name, numPartitions, replicationFactor, assignments: [], configs }
  }
}

/** What a topic that does not exist is answered with: UNKNOWN_TOPIC_OR_PARTITION, or that it cannot exist. */
export function missingTopicError(name: string): ErrorCode {
  try {
    validateTopicName(name)
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  } catch (error) {
    if (error instanceof ApiError) return ErrorCode.INVALID_TOPIC_EXCEPTION
    throw error
  }
}
