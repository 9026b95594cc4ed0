/** The partition of `__consumer_offsets` that a group belongs to: the hash of its id as Java has it, modulo `numPartitions`. */
export function partitionForGroup(groupId: string, numPartitions: number): number {
  const hash = javaHashCode(groupId)
  // As Kafka's Utils.abs: the lowest integer has no positive counterpart.
  return (hash === -2_147_483_648 ? 0 : Math.abs(hash)) % numPartitions
}

/** Java's `String.hashCode`: over UTF-16 code units, in 32 bits. */
function javaHashCode(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}
