/**
 * The same entries, ascending by key (strings by code unit). Images keep their maps so, because the order must follow
 * from the records alone and not from where a batch of them happened to end.
 */
export function sortedMap<K extends number | string, V>(entries: Iterable<readonly [K, V]>): Map<K, V> {
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
