/**
 * Finds connections on which nothing happened for `connections.max.idle.ms`, oldest first, one a call
 * (Selector.IdleExpiryManager).
 */
export class IdleExpiryManager {
  readonly #maxIdleMs: number
  /** Connection id to the time of its last activity, least recently active first. */
  readonly #lruConnections = new Map<string, number>()
  #latest: string | undefined
  /** No connection expires before: activity only puts that off. */
  #noneBeforeMs = Number.NEGATIVE_INFINITY

  /** @param maxIdleMs negative: connections never expire */
  constructor(maxIdleMs: number) {
    this.#maxIdleMs = maxIdleMs
  }

  /** Something happened on the connection. */
  update(connectionId: string, nowMs: number): void {
    // Often the same one twice in a row: then it is the last already.
    if (connectionId !== this.#latest) this.#lruConnections.delete(connectionId)
    this.#lruConnections.set(connectionId, nowMs)
    this.#latest = connectionId
  }

  remove(connectionId: string): void {
    this.#lruConnections.delete(connectionId)
    if (this.#latest === connectionId) this.#latest = undefined
  }

  /** The connection that has been idle longest. */
  get leastRecentlyUsed(): string | undefined {
    for (const id of this.#lruConnections.keys()) return id
    return undefined
  }

  /** When the next connection expires if nothing happens until then; undefined when none ever does. */
  get nextExpiryMs(): number | undefined {
    if (this.#maxIdleMs < 0) return undefined
    for (const lastActiveMs of this.#lruConnections.values()) return lastActiveMs + this.#maxIdleMs
    return undefined
  }

  /** The oldest connection if it has expired. */
  pollExpiredConnection(nowMs: number): string | undefined {
    if (nowMs < this.#noneBeforeMs) return undefined
    const expiryMs = this.nextExpiryMs
    if (expiryMs === undefined) return undefined
    this.#noneBeforeMs = expiryMs
    return expiryMs <= nowMs ? this.leastRecentlyUsed : undefined
  }
}
