/** The metadata log's name, which no topic may have. It lies in a log directory too, but the quorum manages it. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata'

/** Topics that belong to Kafka itself (Topic.INTERNAL_TOPICS). Clients may read them and not write. */
const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
])

export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name)
}
