import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { AdminClientRunnable } from './admin-client-runnable.ts'

/** Of every call. */
export interface AdminCallOptions {
  /** How long the whole call may take; default `default.api.timeout.ms`. */
  readonly timeoutMs?: number
}

/** What the operations of an admin client work with. */
export interface AdminContext {
  readonly runnable: AdminClientRunnable
  /** Until when an operation that begins now may go on, on the monotonic clock. */
  deadlineMs(options: AdminCallOptions): number
  sleep(ms: number): Promise<void>
}

/** Partitions by topic, as most requests want them; topics and partitions in the order given. */
export function byTopic<P extends TopicPartition>(partitions: Iterable<P>): Map<string, P[]> {
  const topics = new Map<string, P[]>()
  for (const entry of partitions) {
    const entries = topics.get(entry.topic)
    if (entries === undefined) topics.set(entry.topic, [entry])
    else entries.push(entry)
  }
  return topics
}
