import type { FetchResponse } from '../protocol/apis/fetch.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'

/** What one partition is fetched with. −1 stands for "not given" in epochs and the log start offset. */
export interface FetchPartitionData {
  readonly topicId: string
  readonly fetchOffset: number
  /** The follower's; −1 from consumers. */
  readonly logStartOffset: number
  readonly maxBytes: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
}

/** A partition of a fetch. `topic` is null when the request gave an id that is not known here. */
export interface TopicIdPartition {
  readonly topicId: string
  readonly topic: string | null
  readonly partition: number
}

export type FetchResponsePartition = FetchResponse['responses'][number]['partitions'][number]

/** A partition in a session: named by its id when the session uses ids, else by its name. */
export function fetchPartitionKey({ topicId, topic, partition }: TopicIdPartition): string {
  return topicId === ZERO_UUID ? `${topic}:${partition}` : `${topicId}:${partition}`
}

/** What a session remembers of a partition, so that requests and responses need only say what is new (KIP-227). */
export class CachedPartition {
  readonly topicId: string
  readonly partition: number
  topic: string | null
  data: FetchPartitionData
  /** What the client was told last; −1: nothing yet, or an error. */
  #highWatermark = -1
  #localLogStartOffset = -1

  constructor(id: TopicIdPartition, data: FetchPartitionData) {
    this.topicId = id.topicId
    this.topic = id.topic
    this.partition = id.partition
    this.data = data
  }

  /** Whether an incremental response must contain the partition, and remembers what it will say. */
  maybeUpdateResponseData(response: FetchResponsePartition): boolean {
    let mustRespond = (response.records?.length ?? 0) > 0
    if (this.#highWatermark !== response.highWatermark) {
      this.#highWatermark = response.highWatermark
      mustRespond = true
    }
    if (this.#localLogStartOffset !== response.logStartOffset) {
      this.#localLogStartOffset = response.logStartOffset
      mustRespond = true
    }
    if (response.preferredReadReplica !== -1 || response.divergingEpoch.epoch !== -1) mustRespond = true
    if (response.errorCode !== ErrorCode.NONE) {
      // So that the partition is sent again when the error has gone.
      this.#highWatermark = -1
      mustRespond = true
    }
    return mustRespond
  }
}

/** First epoch of a session, in the request that creates it. */
export const INITIAL_EPOCH = 0
/** The epoch of requests that want no session. */
export const FINAL_EPOCH = -1
/** The session id of no session. */
export const INVALID_SESSION_ID = 0
const MAX_EPOCH = 0x7fff_ffff

/** The epoch that must follow. */
export function nextEpoch(epoch: number): number {
  if (epoch < 0) return FINAL_EPOCH
  return epoch === MAX_EPOCH ? 1 : epoch + 1
}

/** A session: the partitions that a client fetches again and again, in the order in which they are read. */
export class FetchSession {
  readonly id: number
  /** A follower's session is dropped only for another follower's. */
  readonly privileged: boolean
  readonly usesTopicIds: boolean
  readonly creationMs: number
  readonly partitions: Map<string, CachedPartition>
  lastUsedMs: number
  /** The epoch that the next request must have. */
  epoch: number
  /** Partitions in the session when it was used last. */
  cachedSize: number

  constructor(init: FetchSessionInit) {
    this.id = init.id
    this.privileged = init.privileged
    this.usesTopicIds = init.usesTopicIds
    this.creationMs = init.creationMs
    this.lastUsedMs = init.creationMs
    this.partitions = init.partitions
    this.cachedSize = init.partitions.size
    this.epoch = nextEpoch(INITIAL_EPOCH)
  }

  /** Takes over what an incremental request says is new or no longer wanted. */
  update(added: readonly FetchPartitionEntry[], forgotten: readonly TopicIdPartition[]): void {
    for (const { id, data } of added) {
      const key = fetchPartitionKey(id)
      const cached = this.partitions.get(key)
      if (cached === undefined) this.partitions.set(key, new CachedPartition(id, data))
      else cached.data = data
    }
    for (const id of forgotten) this.partitions.delete(fetchPartitionKey(id))
  }

  /** Puts a partition behind all others, so that each gets its turn when the response is full before the end. */
  moveToEnd(key: string): void {
    const cached = this.partitions.get(key)
    if (cached === undefined) return
    this.partitions.delete(key)
    this.partitions.set(key, cached)
  }
}

export interface FetchSessionInit {
  readonly id: number
  readonly privileged: boolean
  readonly usesTopicIds: boolean
  readonly creationMs: number
  readonly partitions: Map<string, CachedPartition>
}

export interface FetchPartitionEntry {
  readonly id: TopicIdPartition
  readonly data: FetchPartitionData
}
