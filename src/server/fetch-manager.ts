import type { FetchRequest, FetchResponse } from '../protocol/apis/fetch.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Runtime } from '../runtime/runtime.ts'
import {
  CachedPartition,
  type FetchPartitionEntry,
  type FetchResponsePartition,
  type FetchSession,
  FINAL_EPOCH,
  fetchPartitionKey,
  INITIAL_EPOCH,
  INVALID_SESSION_ID,
  nextEpoch,
  type TopicIdPartition,
} from './fetch-session.ts'
import type { FetchSessionCache } from './fetch-session-cache.ts'

/** Topics begin to be given by id in this version. */
const FIRST_VERSION_WITH_TOPIC_IDS = 13

export interface FetchResult {
  readonly id: TopicIdPartition
  readonly data: FetchResponsePartition
}

/** One fetch request in the light of its session: what is to be read, and which part of the result is sent. */
export interface FetchContext {
  /** What to read, in this order. */
  readonly partitions: readonly FetchPartitionEntry[]
  /** The response to what was read. May be asked for once. */
  response(results: readonly FetchResult[]): FetchSessionResponse
}

/** The part of a fetch response that sessions decide on. */
export type FetchSessionResponse = Pick<FetchResponse, 'errorCode' | 'sessionId' | 'responses'>

/** Finds or makes the session of each fetch request (Kafka's FetchManager, KIP-227). */
export class FetchManager {
  readonly #runtime: Runtime
  readonly #cache: FetchSessionCache

  constructor(runtime: Runtime, cache: FetchSessionCache) {
    this.#runtime = runtime
    this.#cache = cache
  }

  /** @param nameOf the name of a topic id, null when it is not known */
  newContext(
    version: number,
    request: FetchRequest,
    isFromFollower: boolean,
    nameOf: (topicId: string) => string | null,
  ): FetchContext {
    const usesTopicIds = version >= FIRST_VERSION_WITH_TOPIC_IDS
    const fetched = requestedPartitions(request, usesTopicIds, nameOf)
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (sessionId !== INVALID_SESSION_ID) this.#cache.remove(sessionId)
      if (sessionEpoch === FINAL_EPOCH) return new SessionlessFetchContext(fetched)
      return new FullFetchContext(this.#runtime, this.#cache, fetched, usesTopicIds, isFromFollower)
    }
    const session = this.#cache.get(sessionId)
    if (session === undefined) return new SessionErrorContext(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== sessionEpoch) return new SessionErrorContext(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    if (session.usesTopicIds !== usesTopicIds) return new SessionErrorContext(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    session.update(fetched, forgottenPartitions(request, usesTopicIds, nameOf))
    if (session.partitions.size === 0) {
      this.#cache.remove(session.id)
      return new SessionlessFetchContext(fetched)
    }
    this.#cache.touch(session, this.#runtime.clock.monotonicMs())
    session.epoch = nextEpoch(session.epoch)
    return new IncrementalFetchContext(session, nameOf)
  }
}

/** The session that the request names is not there, or not as the request thinks. */
class SessionErrorContext implements FetchContext {
  readonly partitions: readonly FetchPartitionEntry[] = []
  readonly #errorCode: number

  constructor(errorCode: number) {
    this.#errorCode = errorCode
  }

  response(): FetchSessionResponse {
    return { errorCode: this.#errorCode, sessionId: INVALID_SESSION_ID, responses: [] }
  }
}

/** No session: everything asked for is answered. */
class SessionlessFetchContext implements FetchContext {
  readonly partitions: readonly FetchPartitionEntry[]

  constructor(partitions: readonly FetchPartitionEntry[]) {
    this.partitions = partitions
  }

  response(results: readonly FetchResult[]): FetchSessionResponse {
    return { errorCode: ErrorCode.NONE, sessionId: INVALID_SESSION_ID, responses: groupByTopic(results) }
  }
}

/** Everything asked for is answered, and a session is begun if there is room. */
class FullFetchContext implements FetchContext {
  readonly partitions: readonly FetchPartitionEntry[]
  readonly #runtime: Runtime
  readonly #cache: FetchSessionCache
  readonly #usesTopicIds: boolean
  readonly #isFromFollower: boolean

  constructor(
    runtime: Runtime,
    cache: FetchSessionCache,
    partitions: readonly FetchPartitionEntry[],
    usesTopicIds: boolean,
    isFromFollower: boolean,
  ) {
    this.#runtime = runtime
    this.#cache = cache
    this.partitions = partitions
    this.#usesTopicIds = usesTopicIds
    this.#isFromFollower = isFromFollower
  }

  response(results: readonly FetchResult[]): FetchSessionResponse {
    const requested = new Map(this.partitions.map(entry => [fetchPartitionKey(entry.id), entry]))
    const cached = new Map<string, CachedPartition>()
    for (const { id, data } of results) {
      const key = fetchPartitionKey(id)
      const entry = requested.get(key)
      if (entry === undefined) continue
      const partition = new CachedPartition(entry.id, entry.data) // what is answered names an unknown topic with nothing
      partition.maybeUpdateResponseData(data)
      cached.set(key, partition)
    }
    const nowMs = this.#runtime.clock.monotonicMs()
    const sessionId = this.#cache.maybeCreateSession(nowMs, this.#isFromFollower, this.#usesTopicIds, cached)
    return { errorCode: ErrorCode.NONE, sessionId, responses: groupByTopic(results) }
  }
}

/** A request of a session: all of its partitions are read, those with something new are answered. */
class IncrementalFetchContext implements FetchContext {
  readonly partitions: readonly FetchPartitionEntry[]
  readonly #session: FetchSession
  /** The session's epoch while this request is the newest. */
  readonly #epoch: number

  constructor(session: FetchSession, nameOf: (topicId: string) => string | null) {
    this.#session = session
    this.#epoch = session.epoch
    this.partitions = [...session.partitions.values()].map(cached => {
      // A topic id may have become known since.
      if (session.usesTopicIds) cached.topic ??= nameOf(cached.topicId)
      const { topicId, topic, partition } = cached
      return { id: { topicId, topic, partition }, data: cached.data }
    })
  }

  response(results: readonly FetchResult[]): FetchSessionResponse {
    const session = this.#session
    if (session.epoch !== this.#epoch) {
      // Another request of the session came while this one waited for data.
      return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: session.id, responses: [] }
    }
    const news = results.filter(({ id, data }) => {
      const key = fetchPartitionKey(id)
      if (session.partitions.get(key)?.maybeUpdateResponseData(data) !== true) return false
      if ((data.records?.length ?? 0) > 0) session.moveToEnd(key)
      return true
    })
    return { errorCode: ErrorCode.NONE, sessionId: session.id, responses: groupByTopic(news) }
  }
}

function requestedPartitions(
  request: FetchRequest,
  usesTopicIds: boolean,
  nameOf: (topicId: string) => string | null,
): FetchPartitionEntry[] {
  const entries = new Map<string, FetchPartitionEntry>()
  for (const { topicId, topic, partitions } of request.topics) {
    const name = usesTopicIds ? nameOf(topicId) : topic
    for (const { partition, fetchOffset, logStartOffset, partitionMaxBytes, ...epochs } of partitions) {
      const id = { topicId, topic: name, partition }
      const { currentLeaderEpoch, lastFetchedEpoch } = epochs
      const data = {
        topicId,
        fetchOffset,
        logStartOffset,
        maxBytes: partitionMaxBytes,
        currentLeaderEpoch,
        lastFetchedEpoch,
      }
      entries.set(fetchPartitionKey(id), { id, data })
    }
  }
  return [...entries.values()]
}

function forgottenPartitions(
  request: FetchRequest,
  usesTopicIds: boolean,
  nameOf: (topicId: string) => string | null,
): TopicIdPartition[] {
  return request.forgottenTopicsData.flatMap(({ topicId, topic, partitions }) => {
    const name = usesTopicIds ? nameOf(topicId) : topic
    return partitions.map(partition => ({ topicId, topic: name, partition }))
  })
}

/** One entry for each run of partitions of the same topic, as Kafka does: order matters more than compactness. */
function groupByTopic(results: readonly FetchResult[]): FetchResponse['responses'] {
  const topics: { topic: string; topicId: string; partitions: FetchResponsePartition[] }[] = []
  for (const { id, data } of results) {
    const last = topics.at(-1)
    if (last !== undefined && last.topicId === id.topicId && last.topic === (id.topic ?? '')) last.partitions.push(data)
    else topics.push({ topic: id.topic ?? '', topicId: id.topicId, partitions: [data] })
  }
  return topics
}
