import type { MetadataResponse } from '../../protocol/apis/metadata.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Condition } from '../../runtime/condition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { clientTimeMs } from '../client-time.ts'
import { KafkaError, TimeoutException } from '../errors.ts'
import { Metadata, type MetadataOptions, type MetadataRequestBody } from '../metadata.ts'

export interface ProducerMetadataOptions extends MetadataOptions {
  /** `metadata.max.idle.ms`: a topic that nothing was sent to for so long is forgotten. */
  readonly metadataMaxIdleMs: number
}

/**
 * The metadata of a producer (Kafka's ProducerMetadata): of the topics it sends to. Topics are added by senders; there are as
 * many as the application names.
 */
export class ProducerMetadata extends Metadata {
  readonly #runtime: Runtime
  readonly #maxIdleMs: number
  readonly #changed: Condition
  /** When each topic is forgotten, unless it is used again. */
  readonly #topics = new Map<string, number>()
  /** Topics that no answer has told of yet. */
  readonly #newTopics = new Set<string>()
  #errors: ReadonlyMap<string, number> = new Map()

  constructor(runtime: Runtime, options: ProducerMetadataOptions) {
    super(options)
    this.#runtime = runtime
    this.#maxIdleMs = options.metadataMaxIdleMs
    this.#changed = new Condition(runtime, 'ProducerMetadata.awaitUpdate')
  }

  /** The topic is used now. */
  add(topic: string, nowMs: number): void {
    const isNew = !this.#topics.has(topic)
    this.#topics.set(topic, nowMs + this.#maxIdleMs)
    if (!isNew) return
    this.#newTopics.add(topic)
    this.requestUpdateForNewTopics()
  }

  containsTopic(topic: string): boolean {
    return this.#topics.has(topic)
  }

  requestUpdateForTopic(topic: string): number {
    return this.#newTopics.has(topic) ? this.requestUpdateForNewTopics() : this.requestUpdate(false)
  }

  /** The error with which the last answer told of the topic; NONE when it told of none. */
  getError(topic: string): number {
    return this.#errors.get(topic) ?? ErrorCode.NONE
  }

  /**
   * Waits until the version is above `lastVersion`.
   *
   * @throws TimeoutException after `timeoutMs`
   * @throws KafkaError when the producer is closed, and any fatal error of an update
   */
  async awaitUpdate(lastVersion: number, timeoutMs: number): Promise<void> {
    const deadlineMs = clientTimeMs(this.#runtime) + timeoutMs
    for (;;) {
      this.maybeThrowFatalException()
      if (this.closed) throw new KafkaError('Requested metadata update after close')
      if (this.updateVersion > lastVersion) return
      const remainingMs = deadlineMs - clientTimeMs(this.#runtime)
      if (remainingMs <= 0) throw new TimeoutException('condition not satisfied before deadline')
      await this.#changed.wait(remainingMs)
    }
  }

  override update(requestVersion: number, response: MetadataResponse, isPartialUpdate: boolean, nowMs: number): void {
    super.update(requestVersion, response, isPartialUpdate, nowMs)
    const errors = new Map<string, number>()
    for (const { name, errorCode } of response.topics) {
      if (name === null) continue
      this.#newTopics.delete(name)
      if (errorCode !== ErrorCode.NONE) errors.set(name, errorCode)
    }
    this.#errors = errors
    this.#changed.signalAll()
  }

  override fatalError(error: KafkaError): void {
    super.fatalError(error)
    this.#changed.signalAll()
  }

  override close(): void {
    super.close()
    this.#changed.signalAll()
  }

  protected override newMetadataRequest(): MetadataRequestBody {
    return requestFor(this.#topics.keys())
  }

  protected override newMetadataRequestForNewTopics(): MetadataRequestBody {
    return requestFor(this.#newTopics)
  }

  protected override retainTopic(topic: string, _isInternal: boolean, nowMs: number): boolean {
    const expiresMs = this.#topics.get(topic)
    if (expiresMs === undefined) return false
    if (this.#newTopics.has(topic) || expiresMs > nowMs) return true
    this.#topics.delete(topic)
    return false
  }
}

function requestFor(topics: Iterable<string>): MetadataRequestBody {
  return { topics: [...topics].map(name => ({ name })), allowAutoTopicCreation: true }
}
