import type { FetchResponse } from '../protocol/apis/fetch.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { TopicIdPartition } from '../protocol/topic-partition.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'

const NO_SESSION = 0
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
const MAX_EPOCH = 0x7fff_ffff

/** What is asked of one partition. Never changed: answers are judged by what was asked. */
export interface FetchTarget {
  /** The topic's id is `ZERO_UUID` when it is not known (brokers before 2.8). */
  readonly partition: TopicIdPartition
  /** A follower's end: everything below is in its log; a consumer's position. */
  readonly fetchOffset: number
  /** The follower's; -1 from a consumer. */
  readonly logStartOffset: number
  /** Of the leadership in which it follows, or reads; -1: not known. */
  readonly currentLeaderEpoch: number
  /** Leader epoch of the last record that a follower holds; -1: none, or a consumer. */
  readonly lastFetchedEpoch: number
}

export type FetchedData = FetchResponse['responses'][number]['partitions'][number]

/** The answer for one partition, beside what was asked. */
export interface FetchedPartition {
  readonly target: FetchTarget
  readonly data: FetchedData
}

/** The next request of a session. */
export interface SessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  /** New to the session, or other than it knows them. */
  readonly toSend: readonly FetchTarget[]
  readonly toForget: readonly TopicIdPartition[]
}

/**
 * The client's half of fetch sessions (KIP-227; Kafka's FetchSessionHandler): requests tell only what is new since the one
 * before. Memory: what the newest request asks for.
 */
export class FetchSessionHandler {
  #sessionId = NO_SESSION
  #epoch = INITIAL_EPOCH
  /** What the session fetches, by topic id (or name) and partition. */
  #targets = new Map<string, FetchTarget>()

  /** All partitions that the session fetches. */
  get partitions(): TopicIdPartition[] {
    return [...this.#targets.values()].map(({ partition }) => partition)
  }

  /** To be answered by `handleResponse` or `handleError` before the next one. */
  buildRequest(targets: readonly FetchTarget[]): SessionRequest {
    const sessionId = this.#sessionId
    const sessionEpoch = this.#epoch
    if (sessionEpoch === INITIAL_EPOCH) {
      this.#targets = new Map(targets.map(target => [keyOf(target.partition), target]))
      return { sessionId, sessionEpoch, toSend: targets, toForget: [] }
    }
    const toSend: FetchTarget[] = []
    let known = 0
    for (const target of targets) {
      const key = keyOf(target.partition)
      const before = this.#targets.get(key)
      if (before !== undefined) known++
      if (before !== undefined && isSame(before, target)) continue
      this.#targets.set(key, target)
      toSend.push(target)
    }
    const added = targets.length - known
    const toForget = this.#targets.size - added === known ? [] : this.#forgetOthers(targets)
    return { sessionId, sessionEpoch, toSend, toForget }
  }

  /** The last request: lets the broker drop the session. Undefined when there is none. */
  buildCloseRequest(): SessionRequest | undefined {
    if (this.#sessionId === NO_SESSION) return undefined
    return { sessionId: this.#sessionId, sessionEpoch: FINAL_EPOCH, toSend: [], toForget: [] }
  }

  /**
   * The answers with what each was asked. Empty when the session has failed, or the response does not belong to it: the next
   * request begins a new session.
   */
  handleResponse({ errorCode, sessionId, responses }: FetchResponse): readonly FetchedPartition[] {
    if (errorCode !== ErrorCode.NONE) {
      if (errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.#sessionId = NO_SESSION
      this.#epoch = INITIAL_EPOCH
      return []
    }
    const fetched: FetchedPartition[] = []
    for (const { topic, topicId, partitions } of responses) {
      for (const data of partitions) {
        const target = this.#targetOf(topic, topicId, data.partitionIndex)
        if (target === undefined) return this.#startAnew()
        fetched.push({ target, data })
      }
    }
    const isFull = this.#epoch === INITIAL_EPOCH
    if (isFull && fetched.length !== this.#targets.size) return this.#startAnew()
    if (sessionId === NO_SESSION) {
      this.#sessionId = NO_SESSION
      this.#epoch = INITIAL_EPOCH
    } else if (isFull) {
      this.#sessionId = sessionId
      this.#epoch = 1
    } else {
      this.#epoch = this.#epoch === MAX_EPOCH ? 1 : this.#epoch + 1
    }
    return fetched
  }

  /** The request failed: whether the session knows of it is open, so that the next one ends it and begins another. */
  handleError(): void {
    this.#epoch = INITIAL_EPOCH
  }

  #startAnew(): readonly FetchedPartition[] {
    this.handleError()
    return []
  }

  /** Responses before version 13 tell names, later ones ids. */
  #targetOf(topic: string, topicId: string, partition: number): FetchTarget | undefined {
    const found = this.#targets.get(keyOf({ topic, topicId, partition }))
    if (found !== undefined || topicId !== ZERO_UUID) return found
    for (const target of this.#targets.values()) {
      if (target.partition.topic === topic && target.partition.partition === partition) return target
    }
    return undefined
  }

  #forgetOthers(targets: readonly FetchTarget[]): TopicIdPartition[] {
    const wanted = new Set(targets.map(({ partition }) => keyOf(partition)))
    const forgotten: TopicIdPartition[] = []
    for (const [key, { partition }] of this.#targets) {
      if (wanted.has(key)) continue
      this.#targets.delete(key)
      forgotten.push(partition)
    }
    return forgotten
  }
}

function keyOf({ topic, topicId, partition }: TopicIdPartition): string {
  return `${topicId === ZERO_UUID ? topic : topicId}:${partition}`
}

function isSame(one: FetchTarget, other: FetchTarget): boolean {
  return (
    one === other ||
    (one.fetchOffset === other.fetchOffset &&
      one.currentLeaderEpoch === other.currentLeaderEpoch &&
      one.lastFetchedEpoch === other.lastFetchedEpoch &&
      one.logStartOffset === other.logStartOffset)
  )
}
