import { type Meter, type Metrics, metricName } from '../network/metrics.ts'
import type { RandomStream, Runtime } from '../runtime/runtime.ts'
import { type CachedPartition, FetchSession, INVALID_SESSION_ID } from './fetch-session.ts'

const GROUP = 'kafka.server'
const TYPE = 'FetchSessionCache'
const MAX_SESSION_ID = 0x7fff_ffff

export interface FetchSessionCacheOptions {
  /** `max.incremental.fetch.session.cache.slots` */
  readonly maxEntries: number
  /** A session younger than this is not dropped for another, one unused for longer always may be. */
  readonly evictionMs: number
  readonly metrics: Metrics
}

/**
 * The fetch sessions of a broker, a bounded number (Kafka's FetchSessionCache, in one shard: shards only spare its locks).
 * When it is full a session that has not been used lately makes room, or one that is worth less; else there is no session,
 * which clients take as well.
 */
export class FetchSessionCache {
  readonly #options: FetchSessionCacheOptions
  readonly #random: RandomStream
  /** Least recently used first. */
  readonly #sessions = new Map<number, FetchSession>()
  readonly #evictions: Meter

  constructor(runtime: Runtime, options: FetchSessionCacheOptions) {
    this.#options = options
    this.#random = runtime.random.stream('fetch session ids')
    this.#evictions = options.metrics.meter(metricName(GROUP, TYPE, 'IncrementalFetchSessionEvictionsPerSec'))
    options.metrics.gauge(metricName(GROUP, TYPE, 'NumIncrementalFetchSessions'), () => this.#sessions.size)
    options.metrics.gauge(metricName(GROUP, TYPE, 'NumIncrementalFetchPartitionsCached'), () => {
      let partitions = 0
      for (const session of this.#sessions.values()) partitions += session.cachedSize
      return partitions
    })
  }

  get size(): number {
    return this.#sessions.size
  }

  get(id: number): FetchSession | undefined {
    return this.#sessions.get(id)
  }

  remove(id: number): void {
    this.#sessions.delete(id)
  }

  /** The session was used. */
  touch(session: FetchSession, nowMs: number): void {
    session.lastUsedMs = nowMs
    session.cachedSize = session.partitions.size
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
  }

  /** A new session's id, or `INVALID_SESSION_ID` when there is no room for one of this size. */
  maybeCreateSession(
    nowMs: number,
    privileged: boolean,
    usesTopicIds: boolean,
    partitions: Map<string, CachedPartition>,
  ): number {
    const full = this.#sessions.size >= this.#options.maxEntries
    if (full && !this.#tryEvict(nowMs, privileged, partitions.size)) return INVALID_SESSION_ID
    const id = this.#newSessionId()
    this.#sessions.set(id, new FetchSession({ id, privileged, usesTopicIds, creationMs: nowMs, partitions }))
    return id
  }

  #newSessionId(): number {
    while (true) {
      const id = this.#random.int(1, MAX_SESSION_ID)
      if (!this.#sessions.has(id)) return id
    }
  }

  #tryEvict(nowMs: number, privileged: boolean, size: number): boolean {
    const victim = this.#stale(nowMs) ?? this.#lessValuable(nowMs, privileged, size)
    if (victim === undefined) return false
    this.#sessions.delete(victim.id)
    this.#evictions.mark()
    return true
  }

  #stale(nowMs: number): FetchSession | undefined {
    for (const oldest of this.#sessions.values()) {
      return nowMs - oldest.lastUsedMs > this.#options.evictionMs ? oldest : undefined
    }
    return undefined
  }

  /** The least valuable session that may be dropped for one of this kind and size, if it is worth no more than that. */
  #lessValuable(nowMs: number, privileged: boolean, size: number): FetchSession | undefined {
    let least: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      const old = nowMs - session.creationMs > this.#options.evictionMs
      if (!old && (!privileged || session.privileged)) continue
      if (least === undefined || compareValue(session, least) < 0) least = session
    }
    if (least === undefined) return undefined
    const order = compareValue({ privileged, cachedSize: size, id: 0 }, least)
    return order < 0 ? undefined : least
  }
}

/** Followers' sessions are worth more than consumers', large ones more than small ones (EvictableKey). */
function compareValue(a: SessionValue, b: SessionValue): number {
  return Number(a.privileged) - Number(b.privileged) || a.cachedSize - b.cachedSize || a.id - b.id
}

type SessionValue = Pick<FetchSession, 'privileged' | 'cachedSize' | 'id'>
