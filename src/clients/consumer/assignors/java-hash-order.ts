const MIN_CAPACITY = 16
const LOAD_FACTOR = 0.75

/**
 * Keys in the order in which a Java HashMap gives them that they were put into one after the other. Kafka's sticky assignors
 * go through the members of a group so, and it decides who keeps one partition more. A leader of another kind must not
 * decide otherwise, or partitions would move whenever the leader changes.
 *
 * Not true to Java from 8 keys in one bucket on, which Java then orders as a tree.
 */
export function javaHashOrder(keys: Iterable<string>): string[] {
  const all = [...keys]
  let capacity = MIN_CAPACITY
  while (all.length > capacity * LOAD_FACTOR) capacity *= 2
  const bucketOf = (key: string) => spread(javaHashCode(key)) & (capacity - 1)
  return all
    .map(key => ({ key, bucket: bucketOf(key) }))
    .sort((one, other) => one.bucket - other.bucket)
    .map(({ key }) => key)
}

/** Java's `String.hashCode`. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0
  return hash
}

/** HashMap mixes the upper bits in, since only the lower ones choose the bucket. */
function spread(hash: number): number {
  return hash ^ (hash >>> 16)
}
