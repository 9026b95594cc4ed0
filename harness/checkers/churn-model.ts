import type { ChurnCall } from '../trial/churn-history.ts'
import { replicaIds } from '../workloads/administrator.ts'

/** The replicas that a partition was given last. */
export interface Target {
  readonly replicas: readonly number[]
  /**
   * It had been given others before. A move that comes before the one before it is over may end with a replica less: one that was
   * still to be removed is removed, though it was asked for again.
   */
  readonly overlaps: boolean
}

/** A write of which every record was acknowledged. */
export interface KnownWrite {
  readonly call: ChurnCall
  readonly partition: number
  readonly offsets: readonly number[]
}

/** What must be of a topic, as far as what was answered tells. */
export interface ExpectedTopic {
  readonly topic: number
  /** Undefined: nobody can know. */
  readonly exists: boolean | undefined
  /** The last answer that says so. */
  readonly since: ChurnCall | undefined
  readonly topicId: string | undefined
  readonly partitions: number
  /** It may have more partitions. */
  readonly mayHaveMore: boolean
  /** What was set last; undefined where nobody knows. */
  readonly configs: ReadonlyMap<string, string | undefined>
  /** By partition; undefined where nobody knows. */
  readonly targets: ReadonlyMap<number, Target | undefined>
  /** Of this incarnation of the topic. */
  readonly writes: readonly KnownWrite[]
  /** Of incarnations that are certainly gone. */
  readonly buried: readonly KnownWrite[]
  /** By partition: what was acknowledged to be the first offset. */
  readonly lowWatermarks: ReadonlyMap<number, number>
  /** Partitions of which more may have been deleted than was acknowledged. */
  readonly mayBeDeleted: ReadonlySet<number>
}

/** Answers that contradict what was answered before. */
export interface Contradiction {
  readonly topic: number
  readonly call: ChurnCall
  readonly since: ChurnCall
}

/**
 * Goes through what was asked of each topic, which is one thing after the other. What ended without an answer may be done at any
 * later time: from then on nothing is known of what it could change.
 */
export function expectedTopics(calls: readonly ChurnCall[]): {
  readonly topics: readonly ExpectedTopic[]
  readonly contradictions: readonly Contradiction[]
} {
  const models = new Map<number, TopicModel>()
  for (const call of calls) {
    const { topic } = call.operation
    const model = models.get(topic) ?? new TopicModel(topic)
    models.set(topic, model)
    model.see(call)
  }
  const topics = [...models.values()]
  return { topics, contradictions: topics.flatMap(({ contradictions }) => contradictions) }
}

class TopicModel implements ExpectedTopic {
  readonly topic: number
  exists: boolean | undefined = false
  since: ChurnCall | undefined
  topicId: string | undefined
  partitions = 0
  mayHaveMore = false
  readonly configs = new Map<string, string | undefined>()
  readonly targets = new Map<number, Target | undefined>()
  writes: KnownWrite[] = []
  readonly buried: KnownWrite[] = []
  readonly lowWatermarks = new Map<number, number>()
  readonly mayBeDeleted = new Set<number>()
  readonly contradictions: Contradiction[] = []
  /** Kinds of what ended without an answer. */
  readonly #open = new Set<ChurnCall['operation']['kind']>()

  constructor(topic: number) {
    this.topic = topic
  }

  see(call: ChurnCall): void {
    const { outcome } = call
    if (outcome.kind === 'ok') this.#done(call, outcome)
    else if (outcome.kind === 'refused') this.#refused(call, outcome.error.type ?? '')
    else this.#unknown(call)
  }

  #done(call: ChurnCall, outcome: Extract<ChurnCall['outcome'], { readonly kind: 'ok' }>): void {
    const { operation } = call
    switch (operation.kind) {
      case 'create':
        this.#born(call, operation.partitions, outcome.topicId)
        return
      case 'delete':
        this.#gone(call)
        return
      case 'expand':
        this.partitions = operation.partitions
        return
      case 'reassign': {
        const { partition, replicas } = operation
        const target = { replicas, overlaps: this.targets.has(partition) }
        this.targets.set(partition, this.#open.has('reassign') ? undefined : target)
        return
      }
      case 'configure':
        this.configs.set(operation.key, this.#open.has('configure') ? undefined : operation.value)
        return
      case 'delete-records':
        this.lowWatermarks.set(operation.partition, outcome.lowWatermark ?? 0)
        if (this.#open.has('delete-records')) this.mayBeDeleted.add(operation.partition)
        return
      case 'write':
        this.writes.push({ call, partition: operation.partition, offsets: outcome.offsets ?? [] })
    }
  }

  /** A request that is refused because it is done already may itself have done it: brokers repeat it on its way. */
  #refused(call: ChurnCall, error: string): void {
    const { operation } = call
    const isUnknown = error === 'UNKNOWN_TOPIC_OR_PARTITION'
    if (operation.kind === 'create' && error === 'TOPIC_ALREADY_EXISTS' && this.exists !== true) {
      this.#born(call, operation.partitions, undefined)
      this.mayHaveMore = true
      this.partitions = 1
    } else if (operation.kind === 'delete' && isUnknown) this.#gone(call)
    else if (operation.kind === 'expand' && error === 'INVALID_PARTITIONS') this.mayHaveMore = true
    else if (operation.kind === 'expand' && isUnknown && this.exists === true && this.since !== undefined) {
      this.contradictions.push({ topic: this.topic, call, since: this.since })
    }
  }

  #unknown({ operation }: ChurnCall): void {
    this.#open.add(operation.kind)
    switch (operation.kind) {
      case 'create':
        if (this.exists === false) this.#nobodyKnows()
        return
      case 'delete':
        this.#nobodyKnows()
        return
      case 'expand':
        this.mayHaveMore = true
        return
      case 'reassign':
        this.targets.set(operation.partition, undefined)
        return
      case 'configure':
        for (const key of [...this.configs.keys(), operation.key]) this.configs.set(key, undefined)
        return
      case 'delete-records':
        this.mayBeDeleted.add(operation.partition)
        return
      case 'write':
    }
  }

  #born(call: ChurnCall, partitions: number, topicId: string | undefined): void {
    this.#forget()
    this.exists = this.#open.has('delete') ? undefined : true
    this.since = call
    this.topicId = topicId
    this.partitions = partitions
    this.mayHaveMore = this.#open.has('expand')
  }

  #gone(call: ChurnCall): void {
    this.buried.push(...this.writes)
    this.#forget()
    this.exists = this.#open.has('create') ? undefined : false
    this.since = call
  }

  #nobodyKnows(): void {
    this.exists = undefined
    this.topicId = undefined
  }

  /** What was asked for without an answer can still come, to a topic of the same name. */
  #forget(): void {
    this.topicId = undefined
    this.partitions = 0
    this.mayHaveMore = false
    this.configs.clear()
    this.targets.clear()
    this.writes = []
    this.lowWatermarks.clear()
    this.mayBeDeleted.clear()
  }
}

/** Whether a partition has what it was given: in the order asked for, or, where moves overlap, some of it. */
export function isAsTold(
  actual: readonly number[],
  { replicas: places, overlaps }: Target,
  brokers: number,
): { readonly asTold: boolean; readonly wanted: readonly number[] } {
  const wanted = replicaIds(places, brokers)
  const same = actual.length === wanted.length && actual.every((id, index) => id === wanted[index])
  const some = actual.length > 0 && actual.every(id => wanted.includes(id))
  return { asTold: same || (overlaps && some), wanted }
}
