import { describe, expect, it } from 'vitest'
import type { ChurnDirectory, ChurnEvidence, ChurnedTopic } from '../../harness/checkers/churn-evidence.ts'
import { churnedRecordsStay } from '../../harness/checkers/churned-records-stay.ts'
import { deletedIsGone } from '../../harness/checkers/deleted-is-gone.ts'
import { everyAdminCallSettles } from '../../harness/checkers/every-admin-call-settles.ts'
import type { Checker, Evidence } from '../../harness/checkers/evidence.ts'
import { topicsAsTold } from '../../harness/checkers/topics-as-told.ts'
import { ChurnHistory, type ChurnOutcome, churnedId } from '../../harness/trial/churn-history.ts'
import type { ChurnOperation } from '../../harness/trial/churn-spec.ts'
import { healthy, kinds, log, PRODUCER, scenarioOf } from './support.ts'

type Done = Partial<Extract<ChurnOutcome, { readonly kind: 'ok' }>>
type Unplaced<O> = O extends unknown ? Omit<O, 'atMs' | 'topic'> : never
type Step = Unplaced<ChurnOperation>

const CREATE: Step = { kind: 'create', partitions: 2, replicationFactor: 1 }
const DELETE: Step = { kind: 'delete' }
const WRITE: Step = { kind: 'write', partition: 0, records: 2 }

/** What is asked of churn-0, one thing after the other. */
class Script {
  readonly #history = new ChurnHistory()
  #ms = 0

  done(step: Step, result: Done = {}): this {
    return this.#add(step, { kind: 'ok', atMs: ++this.#ms, ...result })
  }

  refused(step: Step, type: string): this {
    return this.#add(step, { kind: 'refused', atMs: ++this.#ms, error: { name: 'ApiException', message: 'no', type } })
  }

  lost(step: Step): this {
    return this.#add(step, { kind: 'indeterminate', atMs: ++this.#ms, error: { name: 'Timeout', message: 'late' } })
  }

  open(step: Step): this {
    this.#history.invoke({ index: this.#history.calls.length, operation: this.#place(step), invokedMs: ++this.#ms })
    return this
  }

  evidence(topics: readonly ChurnedTopic[], change: Partial<ChurnEvidence> = {}): Evidence {
    const scenario = scenarioOf([PRODUCER])
    const churn = this.#history.calls.map(({ operation }) => operation)
    return healthy({
      scenario: {
        ...scenario,
        cluster: { ...scenario.cluster, brokers: 3, config: { 'auto.create.topics.enable': 'false' } },
        workload: { ...scenario.workload, churn },
      },
      churn: { calls: this.#history.calls, topics, directories: [], missing: [], ...change },
    })
  }

  #add(step: Step, outcome: ChurnOutcome): this {
    const index = this.#history.calls.length
    const call = this.#history.invoke({ index, operation: this.#place(step), invokedMs: ++this.#ms })
    this.#history.settle(call, outcome)
    return this
  }

  #place(step: Step): ChurnOperation {
    return { ...step, atMs: 0, topic: 0 } as ChurnOperation
  }
}

function topic(change: Partial<ChurnedTopic> = {}): ChurnedTopic {
  return { topic: 0, topicId: 'A', replicas: [[1], [2]], configs: {}, logs: [], ...change }
}

function kindsOf(checker: Checker, script: Script, topics: readonly ChurnedTopic[] = []): string[] {
  return kinds(checker(script.evidence(topics)))
}

describe('topics-as-told', () => {
  const created = (): Script => new Script().done(CREATE, { topicId: 'A' })

  it('tells of a created topic that is not there, and of a deleted one that is', () => {
    expect(topicsAsTold(created().evidence([]))).toEqual([
      {
        guarantee: 'topics-as-told',
        kind: 'created-topic-missing',
        message:
          '"create churn-0 (partitions: 2, replicas: 1)" was acknowledged at 1 ms, and nobody has deleted it, but churn-0 does not exist.',
      },
    ])
    expect(kindsOf(topicsAsTold, created().done(DELETE), [topic()])).toEqual(['deleted-topic-exists'])
    expect(kindsOf(topicsAsTold, created(), [topic()])).toEqual([])
    expect(kindsOf(topicsAsTold, created().done(DELETE))).toEqual([])
  })

  it('tells of a topic that is not the one that was created', () => {
    expect(kindsOf(topicsAsTold, created(), [topic({ topicId: 'B' })])).toEqual(['topic-is-another'])
    const again = created().done(DELETE).done(CREATE, { topicId: 'B' })
    expect(kindsOf(topicsAsTold, again, [topic()])).toEqual(['topic-is-another'])
  })

  it('knows nothing of a topic for whose deletion nobody answered, whatever was answered afterwards', () => {
    const lost = created().lost(DELETE)
    expect(kindsOf(topicsAsTold, lost)).toEqual([])
    expect(kindsOf(topicsAsTold, lost, [topic()])).toEqual([])
    expect(kindsOf(topicsAsTold, lost.done(CREATE, { topicId: 'B' }))).toEqual([])
  })

  it('knows nothing of a deleted topic whose creation may still come', () => {
    expect(kindsOf(topicsAsTold, new Script().lost(CREATE).done(DELETE), [topic()])).toEqual([])
    expect(kindsOf(topicsAsTold, created().done(DELETE).lost(CREATE), [topic()])).toEqual([])
  })

  it('takes a creation that is refused because the topic is there for one that may have made it', () => {
    const refused = new Script().refused(CREATE, 'TOPIC_ALREADY_EXISTS')
    expect(kindsOf(topicsAsTold, refused)).toEqual(['created-topic-missing'])
    expect(kindsOf(topicsAsTold, refused, [topic({ replicas: [[1], [1], [1], [1]] })])).toEqual([])
  })

  it('tells of partitions that are missing, and of some that nobody asked for', () => {
    const expanded = created().done({ kind: 'expand', partitions: 3 })
    expect(kindsOf(topicsAsTold, expanded, [topic()])).toEqual(['partitions-missing'])
    expect(kindsOf(topicsAsTold, created(), [topic({ replicas: [[1], [2], [3]] })])).toEqual(['partitions-too-many'])
    const lost = created().lost({ kind: 'expand', partitions: 3 })
    expect(kindsOf(topicsAsTold, lost, [topic({ replicas: [[1], [2], [3]] })])).toEqual([])
    expect(kindsOf(topicsAsTold, lost, [topic({ replicas: [[1]] })])).toEqual(['partitions-missing'])
  })

  it('tells of an answer that a topic does not exist, after one that it does', () => {
    const refused = created().refused({ kind: 'expand', partitions: 3 }, 'UNKNOWN_TOPIC_OR_PARTITION')
    expect(kindsOf(topicsAsTold, refused, [topic()])).toEqual(['created-topic-missing'])
  })

  it('tells of a configuration that is not what was set last', () => {
    const set = (value: string): Step => ({ kind: 'configure', key: 'segment.bytes', value })
    const configured = (): Script => created().done(set('1')).done(set('2'))
    expect(kindsOf(topicsAsTold, configured(), [topic({ configs: { 'segment.bytes': '1' } })])).toEqual([
      'configuration-lost',
    ])
    expect(kindsOf(topicsAsTold, configured(), [topic({ configs: { 'segment.bytes': '2' } })])).toEqual([])
    expect(kindsOf(topicsAsTold, configured().lost(set('3')), [topic()])).toEqual([])
  })

  it('tells of replicas that are not where they were moved to', () => {
    const move = (...replicas: number[]): Step => ({ kind: 'reassign', partition: 0, replicas })
    const moved = (): Script => created().done(move(2, 0))
    expect(kindsOf(topicsAsTold, moved(), [topic({ replicas: [[1], [2]] })])).toEqual(['replicas-not-as-reassigned'])
    expect(kindsOf(topicsAsTold, moved(), [topic({ replicas: [[1, 3], [2]] })])).toEqual(['replicas-not-as-reassigned'])
    expect(kindsOf(topicsAsTold, moved(), [topic({ replicas: [[3, 1], [2]] })])).toEqual([])
    expect(kindsOf(topicsAsTold, moved().lost(move(1)), [topic({ replicas: [[2], [2]] })])).toEqual([])
  })

  it('allows a replica less where one move came before the other was over, and no replica that was not asked for', () => {
    const move = (...replicas: number[]): Step => ({ kind: 'reassign', partition: 0, replicas })
    const twice = created().done(move(1)).done(move(0, 2))
    expect(kindsOf(topicsAsTold, twice, [topic({ replicas: [[3], [2]] })])).toEqual([])
    expect(kindsOf(topicsAsTold, twice, [topic({ replicas: [[2], [2]] })])).toEqual(['replicas-not-as-reassigned'])
  })

  it('tells of topics that do not come to rest', () => {
    const missing = ['churn-0-0 has no leader']
    expect(kinds(topicsAsTold(created().evidence([topic()], { missing })))).toEqual(['topics-do-not-settle'])
  })
})

describe('every-admin-call-settles', () => {
  it('tells of a call that is open in the end', () => {
    expect(kindsOf(everyAdminCallSettles, new Script().done(CREATE).open(DELETE))).toEqual(['admin-call-never-settles'])
    expect(kindsOf(everyAdminCallSettles, new Script().lost(CREATE).refused(DELETE, 'INVALID_REQUEST'))).toEqual([])
  })
})

describe('deleted-is-gone', () => {
  const directory = (change: Partial<ChurnDirectory> = {}): ChurnDirectory => {
    return { node: 1, name: 'churn-0-0', topic: 0, partition: 0, topicId: 'A', ...change }
  }
  const found = (topics: readonly ChurnedTopic[], change: Partial<ChurnDirectory>): string[] =>
    kinds(deletedIsGone(new Script().evidence(topics, { directories: [directory(change)] })))

  it('tells of what is left of deleted topics, also under the name of the one that came after it', () => {
    expect(found([], {})).toEqual(['deleted-data-left'])
    expect(found([topic({ topicId: 'B' })], {})).toEqual(['deleted-data-left'])
    expect(found([topic()], { name: 'churn-0-0.0a-delete' })).toEqual(['deleted-data-left'])
  })

  it('tells of what is left of a replica that is elsewhere', () => {
    expect(found([topic()], { node: 3 })).toEqual(['moved-data-left'])
  })

  it('allows what belongs there, and strays, which Kafka keeps', () => {
    expect(found([topic()], {})).toEqual([])
    expect(found([], { name: 'churn-0-0.0a-stray' })).toEqual([])
  })
})

describe('churned-records-stay', () => {
  const written = (): Script => new Script().done(CREATE, { topicId: 'A' }).done(WRITE, { offsets: [0, 1] })
  const records = [churnedId(1, 0), churnedId(1, 1)]

  it('tells of an acknowledged record that is not where it was', () => {
    const evidence = written().evidence([topic({ logs: [log(records.slice(0, 1))] })])
    expect(churnedRecordsStay(evidence).map(({ message }) => message)).toEqual([
      'Record c1-r1 was acknowledged at 3 ms at offset 1 of churn-0-0, but the partition has offsets 0 up to 1 without it.',
    ])
    expect(kindsOf(churnedRecordsStay, written(), [topic({ logs: [log(records)] })])).toEqual([])
  })

  it('tells of a record that is there twice', () => {
    const again = [...records, churnedId(1, 0)]
    expect(kindsOf(churnedRecordsStay, written(), [topic({ logs: [log(again)] })])).toEqual(['churned-record-twice'])
  })

  it('misses none that was deleted, and tells of deleted ones that are back', () => {
    const deletion: Step = { kind: 'delete-records', partition: 0, offset: 1 }
    const deleted = (): Script => written().done(deletion, { lowWatermark: 1 })
    const rest = log(records.slice(1), { start: 1 })
    expect(kindsOf(churnedRecordsStay, deleted(), [topic({ logs: [rest] })])).toEqual([])
    expect(kindsOf(churnedRecordsStay, deleted(), [topic({ logs: [log(records)] })])).toEqual(['deleted-records-back'])
    expect(kindsOf(churnedRecordsStay, written().lost(deletion), [topic({ logs: [rest] })])).toEqual([])
    expect(kindsOf(churnedRecordsStay, written(), [topic({ logs: [rest] })])).toEqual(['churned-record-missing'])
  })

  it('tells of records of a deleted topic in the one that came after it', () => {
    const again = (): Script => written().done(DELETE).done(CREATE, { topicId: 'B' })
    const successor = (...logs: ChurnedTopic['logs']): ChurnedTopic => topic({ topicId: 'B', logs })
    expect(kindsOf(churnedRecordsStay, again(), [successor(log(records))])).toEqual(['record-of-deleted-topic'])
    expect(kindsOf(churnedRecordsStay, again(), [successor(log([]))])).toEqual([])
  })

  it('misses no record of a topic that may have been deleted', () => {
    expect(kindsOf(churnedRecordsStay, written().lost(DELETE), [topic({ logs: [log([])] })])).toEqual([])
  })
})
