interface Item<K, V> {
  readonly key: K
  readonly promise: Promise<V>
  readonly resolve: (value: V) => void
  readonly reject: (error: Error) => void
  settled: boolean
}

/**
 * What becomes of each item of a call (the `values()` of Kafka's results): one promise an item, each settled once. A promise
 * that nobody looks at does not count as an unhandled rejection.
 */
export class AdminResult<K, V> {
  readonly #items = new Map<string, Item<K, V>>()
  readonly #idOf: (key: K) => string

  /** @param idOf equal for equal keys */
  constructor(keys: Iterable<K>, idOf: (key: K) => string) {
    this.#idOf = idOf
    for (const key of keys) {
      const { promise, resolve, reject } = Promise.withResolvers<V>()
      promise.catch(() => undefined)
      this.#items.set(idOf(key), { key, promise, resolve, reject, settled: false })
    }
  }

  /** The items that were asked for, each once, in their order. */
  get keys(): readonly K[] {
    return [...this.#items.values()].map(({ key }) => key)
  }

  /** What becomes of one item. @throws RangeError for one that was not asked for */
  get(key: K): Promise<V> {
    return this.#itemOf(key).promise
  }

  /** All items with their values; rejects with the first error of any. */
  async all(): Promise<readonly (readonly [K, V])[]> {
    return await Promise.all([...this.#items.values()].map(async ({ key, promise }) => [key, await promise] as const))
  }

  /** For the client: the item is done. The first end counts. */
  complete(key: K, value: V): void {
    const item = this.#itemOf(key)
    item.settled = true
    item.resolve(value)
  }

  /** For the client: the item has failed. The first end counts. */
  fail(key: K, error: Error): void {
    const item = this.#itemOf(key)
    item.settled = true
    item.reject(error)
  }

  /** For the client: every item that has not ended has failed. */
  failRest(error: Error): void {
    for (const { key, settled } of this.#items.values()) if (!settled) this.fail(key, error)
  }

  #itemOf(key: K): Item<K, V> {
    const item = this.#items.get(this.#idOf(key))
    if (item === undefined) throw new RangeError(`${this.#idOf(key)} was not asked for`)
    return item
  }
}
