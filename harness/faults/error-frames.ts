import type { Answer } from '../../src/network/request-observer.ts'
import type { Api } from '../../src/protocol/api.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { OffsetCommit } from '../../src/protocol/apis/offset-commit.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { decodeResponse, encodeResponse } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { Fields, Message, MessageInput } from '../../src/protocol/schema.ts'

const NO_RECORDS = Buffer.alloc(0)
const NO_NODE = -1
const NO_OFFSET = -1

/** Makes of an answer one that tells an error; undefined where there is nothing in it that the error could stand for. */
export type ErrorFrame = (answer: Answer) => Buffer | undefined

/** `change` of the answer; undefined leaves it as it is. */
function rewritten<S extends Fields>(
  api: Api<Fields, S>,
  { request, payload }: Answer,
  change: (body: Message<S>) => MessageInput<S> | undefined,
): Buffer | undefined {
  const { correlationId, body } = decodeResponse(api, request.responseVersion, payload)
  const changed = change(body)
  return changed === undefined ? undefined : encodeResponse(api, request.responseVersion, correlationId, changed)
}

/** What was appended is told as an error, with its offset as Kafka leaves it (DelayedProduce changes the error only). */
export function appendedBut(errorCode: ErrorCode): ErrorFrame {
  return answer =>
    rewritten(Produce, answer, body => {
      let appended = false
      const responses = body.responses.map(topic => ({
        ...topic,
        partitionResponses: topic.partitionResponses.map(partition => {
          if (partition.errorCode !== ErrorCode.NONE) return partition
          appended = true
          return { ...partition, errorCode }
        }),
      }))
      return appended ? { ...body, responses } : undefined
    })
}

/** What was committed is told as an error. */
export function committedBut(errorCode: ErrorCode): ErrorFrame {
  return answer =>
    rewritten(OffsetCommit, answer, body => {
      let committed = false
      const topics = body.topics.map(topic => ({
        ...topic,
        partitions: topic.partitions.map(partition => {
          if (partition.errorCode !== ErrorCode.NONE) return partition
          committed = true
          return { ...partition, errorCode }
        }),
      }))
      return committed ? { ...body, topics } : undefined
    })
}

type ConcernsPartition = (answer: Answer) => (topic: string, index: number) => boolean

/** Partitions without their records, as ReplicaManager answers for one that it may not read. */
export function unreadable(errorCode: ErrorCode, concerns: ConcernsPartition = () => () => true): ErrorFrame {
  return answer => {
    const isConcerned = concerns(answer)
    return rewritten(Fetch, answer, body => {
      let concerned = false
      const responses = body.responses.map(topic => ({
        ...topic,
        partitions: topic.partitions.map(partition => {
          const { partitionIndex } = partition
          const name = topicKey(topic)
          if (partition.errorCode !== ErrorCode.NONE || !isConcerned(name, partitionIndex)) return partition
          concerned = true
          return {
            partitionIndex,
            errorCode,
            highWatermark: NO_OFFSET,
            lastStableOffset: NO_OFFSET,
            logStartOffset: NO_OFFSET,
            records: NO_RECORDS,
          }
        }),
      }))
      return concerned ? { ...body, responses } : undefined
    })
  }
}

/** Requests and answers name a topic either by its name or by its id, both in the same way. */
function topicKey({ topic, topicId }: { readonly topic: string; readonly topicId: string }): string {
  return `${topic}/${topicId}`
}

/** Which partitions the request names together with the epoch that the client knows. */
export function namedWithEpoch({ request }: Answer): (topic: string, index: number) => boolean {
  const named = new Set<string>()
  for (const topic of request.bodyOf(Fetch).topics) {
    for (const { partition, currentLeaderEpoch } of topic.partitions) {
      if (currentLeaderEpoch >= 0) named.add(`${topicKey(topic)}/${partition}`)
    }
  }
  return (topic, index) => named.has(`${topic}/${index}`)
}

/** Topics with partitions that have a leader, told as if it were not there. */
export function leaderless(answer: Answer): Buffer | undefined {
  return rewritten(Metadata, answer, body => {
    let concerned = false
    const topics = body.topics.map(topic => ({
      ...topic,
      partitions: topic.partitions.map(partition => {
        if (partition.errorCode !== ErrorCode.NONE) return partition
        concerned = true
        return { ...partition, errorCode: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: NO_NODE }
      }),
    }))
    return concerned ? { ...body, topics } : undefined
  })
}
