import type { Produce, ProduceResponse } from '../../protocol/apis/produce.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { partitionKey } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ClientResponse } from '../client-response.ts'
import { clientTimeMs } from '../client-time.ts'
import { IllegalStateException } from '../errors.ts'
import type { LeaderIdAndEpoch } from '../metadata.ts'
import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import type { BatchCompletion, PartitionResponse } from './batch-completion.ts'
import { TOPIC_IDS_SINCE } from './produce-request.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { SenderOptions } from './sender-options.ts'

type Answer = ClientResponse<(typeof Produce)['response']['fields']>

/** Gives each batch of a Produce request what was answered to it (Sender.handleProduceResponse). */
export class ProduceResponseHandler {
  readonly #runtime: Runtime
  readonly #options: Pick<SenderOptions, 'metadata' | 'metrics'>
  readonly #completion: BatchCompletion

  constructor(runtime: Runtime, options: Pick<SenderOptions, 'metadata' | 'metrics'>, completion: BatchCompletion) {
    this.#runtime = runtime
    this.#options = options
    this.#completion = completion
  }

  /** @param cluster what was known when the request was made: it names the topics of the answer */
  handle(answer: Answer, batches: readonly ProducerBatch[], cluster: MetadataSnapshot): void {
    const { nodeId } = answer
    const disconnected = `Disconnected from node ${nodeId}`
    if (answer.timedOut) {
      this.#completeAll(batches, ErrorCode.REQUEST_TIMED_OUT, `${disconnected} due to timeout`)
    } else if (answer.disconnected) {
      this.#completeAll(batches, ErrorCode.NETWORK_EXCEPTION, disconnected)
    } else if (answer.versionMismatch !== undefined) {
      this.#completeAll(batches, ErrorCode.UNSUPPORTED_VERSION, answer.versionMismatch.message)
    } else if (answer.body === undefined) {
      this.#completeAll(batches, ErrorCode.NONE, null)
    } else {
      this.#options.metrics.recordLatency(answer.receivedMs - answer.createdMs)
      this.#completeAnswered(answer.body, answer.version, batches, cluster)
    }
  }

  #completeAll(batches: readonly ProducerBatch[], errorCode: number, errorMessage: string | null): void {
    const nowMs = clientTimeMs(this.#runtime)
    for (const batch of batches) {
      const response = withoutAnswer(batch.topicPartition.partition, errorCode, errorMessage)
      this.#completion.complete(batch, response, nowMs, [])
    }
  }

  #completeAnswered(
    { responses, nodeEndpoints }: ProduceResponse,
    version: number,
    batches: readonly ProducerBatch[],
    cluster: MetadataSnapshot,
  ): void {
    const nowMs = clientTimeMs(this.#runtime)
    const unanswered = new Map(batches.map(batch => [partitionKey(batch.topicPartition), batch]))
    const newLeaders: LeaderIdAndEpoch[] = []
    for (const { name, topicId, partitionResponses } of responses) {
      const topic = version >= TOPIC_IDS_SINCE ? (cluster.topicName(topicId) ?? name) : name
      for (const response of partitionResponses) {
        const key = partitionKey({ topic, partition: response.index })
        const batch = unanswered.get(key)
        if (batch === undefined) throw new IllegalStateException(`an answer for ${key}, of which nothing was sent`)
        unanswered.delete(key)
        this.#completion.complete(batch, response, nowMs, newLeaders)
      }
    }
    if (newLeaders.length > 0) {
      const nodes = nodeEndpoints.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
      this.#options.metadata.updatePartitionLeadership(newLeaders, nodes)
    }
  }
}

function withoutAnswer(index: number, errorCode: number, errorMessage: string | null): PartitionResponse {
  return {
    index,
    errorCode,
    errorMessage,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
  }
}
