export const CHURN_KINDS = ['create', 'expand', 'delete', 'reassign', 'configure', 'delete-records', 'write'] as const

/**
 * What an administrator does with a topic of his own, `churn-<topic>`, or an application with it. What is asked of one topic is
 * asked one thing after the other: each waits until the one before has ended.
 */
export type ChurnOperation = ChurnPlace &
  (
    | {
        readonly kind: 'create'
        readonly partitions: number
        /** At most as many as there are brokers. */
        readonly replicationFactor: number
      }
    /** `partitions`: in all, from then on. */
    | { readonly kind: 'expand'; readonly partitions: number }
    | { readonly kind: 'delete' }
    | {
        readonly kind: 'reassign'
        readonly partition: number
        /** Brokers by their places, the first that is to lead before the others; no two the same. */
        readonly replicas: readonly number[]
      }
    /** Sets a topic-level configuration, by Kafka's key. */
    | { readonly kind: 'configure'; readonly key: string; readonly value: string }
    /** Deletes the records of a partition before an offset; −1: all that are committed. */
    | { readonly kind: 'delete-records'; readonly partition: number; readonly offset: number }
    /** Sends records with acks=all, idempotent, and waits for all of them. */
    | { readonly kind: 'write'; readonly partition: number; readonly records: number }
  )

interface ChurnPlace {
  /** Not before this time, virtual ms after the start of chaos. */
  readonly atMs: number
  /** Number of the topic. */
  readonly topic: number
}

/** Whether the administrator asks for it; else the application that writes. */
export type AdminOperation = Exclude<ChurnOperation, { readonly kind: 'write' }>
export type WriteOperation = Extract<ChurnOperation, { readonly kind: 'write' }>

export const CHURN_PREFIX = 'churn-'

/** Name of a topic that is churned. */
export function churnTopic(topic: number): string {
  return `${CHURN_PREFIX}${topic}`
}

/** What is done, in words: `create churn-0 with 2 partitions of 3 replicas`. */
export function describeChurn(operation: ChurnOperation): string {
  const name = churnTopic(operation.topic)
  switch (operation.kind) {
    case 'create':
      return `create ${name} (partitions: ${operation.partitions}, replicas: ${operation.replicationFactor})`
    case 'expand':
      return `expand ${name} to ${operation.partitions} partitions`
    case 'delete':
      return `delete ${name}`
    case 'reassign':
      return `reassign ${name}-${operation.partition} to brokers ${operation.replicas.map(place => place + 1).join(', ')}`
    case 'configure':
      return `set ${operation.key}=${operation.value} of ${name}`
    case 'delete-records':
      return `delete records of ${name}-${operation.partition} ${operation.offset < 0 ? 'up to the high watermark' : `before offset ${operation.offset}`}`
    case 'write':
      return `write ${operation.records} to ${name}-${operation.partition}`
  }
}
