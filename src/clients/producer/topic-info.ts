import type { BuiltInPartitioner } from './built-in-partitioner.ts'
import type { ProducerBatch } from './producer-batch.ts'

/** What waits to be sent to one topic. */
export interface TopicInfo {
  readonly topic: string
  /** By partition number; oldest batch first. */
  readonly batches: Map<number, ProducerBatch[]>
  readonly builtInPartitioner: BuiltInPartitioner
}
