import type { ChurnCall } from '../trial/churn-history.ts'
import type { PartitionLog } from './evidence.ts'

/** A topic that was churned, as the newest metadata of the healed cluster has it. */
export interface ChurnedTopic {
  /** Its number in the scenario. */
  readonly topic: number
  readonly topicId: string
  /** Replicas by partition, in order. */
  readonly replicas: readonly (readonly number[])[]
  /** What was set on it. */
  readonly configs: Readonly<Record<string, string>>
  /** As its leaders have them, by partition; empty when it has not become whole. */
  readonly logs: readonly PartitionLog[]
}

/** A directory of a churned topic's partition on a broker's disk. */
export interface ChurnDirectory {
  /** Node id. */
  readonly node: number
  /** `churn-0-1`, or what a log that is on its way out is called. */
  readonly name: string
  readonly topic: number
  readonly partition: number
  /** Of `partition.metadata`; undefined when there is none. */
  readonly topicId: string | undefined
}

/** What administration asked for, and what it came to. */
export interface ChurnEvidence {
  readonly calls: readonly ChurnCall[]
  readonly topics: readonly ChurnedTopic[]
  /** Of all brokers, when everything had come to rest. */
  readonly directories: readonly ChurnDirectory[]
  /** What the topics lacked to be whole when nobody waited any more, a sentence each. */
  readonly missing: readonly string[]
}
