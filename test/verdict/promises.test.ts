import { describe, expect, it } from 'vitest'
import { FAULT_MODEL_NAMES } from '../../harness/verdict/fault-models.ts'
import { judgedBy } from '../../harness/verdict/guarantee-groups.ts'
import { promiseFor } from '../../harness/verdict/promises.ts'
import type { Question } from '../../harness/verdict/question.ts'
import { planFor } from './support.ts'

const POWER = ['power-loss', 'partition'] as const

function loss(question: Question, models: Parameters<typeof planFor>[1] = {}): boolean {
  return promiseFor('loss', planFor(question, models)).promised
}

describe('what Kafka promises', () => {
  it.each([
    [{ acks: 0 }, {}, false],
    [{ acks: 1 }, {}, false],
    [{}, {}, true],
    [{ minInsyncReplicas: 2 }, {}, true],
    [{ uncleanLeaderElection: true, minInsyncReplicas: 2 }, {}, false],
    [{ uncleanLeaderElection: true, minInsyncReplicas: 3 }, {}, true],
    [{ minInsyncReplicas: 1 }, { models: POWER }, false],
    [{ minInsyncReplicas: 2 }, { models: POWER }, true],
    [{ minInsyncReplicas: 2 }, { models: POWER, powerLosses: 2 }, false],
    [{ minInsyncReplicas: 3 }, { models: POWER, powerLosses: 2 }, true],
    [{ minInsyncReplicas: 2, eligibleLeaderReplicas: false }, { models: POWER }, false],
    [{ minInsyncReplicas: 1, flushMessages: 1 }, { models: POWER }, true],
    [{ minInsyncReplicas: 2 }, { models: ['power-loss', 'process-crash'] }, false],
  ] as const)('of records with %j under %j: %s', (question, change, promised) => {
    expect(loss(question, change)).toBe(promised)
  })

  it('of duplicates and order depends on the producer alone', () => {
    expect(promiseFor('duplicates', planFor()).promised).toBe(true)
    expect(promiseFor('duplicates', planFor({ idempotence: false })).promised).toBe(false)
    expect(promiseFor('duplicates', planFor({ retries: 0 })).promised).toBe(true)
    expect(promiseFor('order', planFor({ idempotence: false })).promised).toBe(false)
    expect(promiseFor('order', planFor({ idempotence: false, maxInFlight: 1 })).promised).toBe(true)
  })

  it('always comes with a source', () => {
    for (const question of [{}, { commit: 'before' }, { commit: 'after' }, { consumer: 'platformatic' }] as const) {
      const plan = planFor(question, { models: [...FAULT_MODEL_NAMES] })
      for (const { name } of judgedBy(plan.configuration)) {
        const { text, source } = promiseFor(name, plan)
        expect(text).toMatch(/\.$|\)\.$/)
        expect(source).toMatch(/documentation|KIP|platformatic/)
      }
    }
  })
})

describe('what is promised of delivery from end to end', () => {
  /** The names of what is promised. */
  function promised(question: Question, change: Parameters<typeof planFor>[1] = {}): string[] {
    const plan = planFor(question, change)
    return judgedBy(plan.configuration).flatMap(({ name }) => (promiseFor(name, plan).promised ? [name] : []))
  }

  const JAVA = { client: 'java-semantics' } as const
  const KAFKAJS = { client: 'kafkajs' } as const
  const PLATFORMATIC = { client: 'platformatic' } as const
  const ALWAYS = ['order', 'availability', 'commits']

  it.each([
    [{ ...JAVA, commit: 'before' }, {}, ['at-most-once', ...ALWAYS]],
    [{ ...JAVA, commit: 'after' }, {}, ['at-least-once', ...ALWAYS]],
    [{ ...JAVA, commit: 'after', sink: 'idempotent' }, {}, ['at-least-once', 'effectively-once', ...ALWAYS]],
    [{ ...JAVA, enableAutoCommit: true }, {}, ['at-least-once', ...ALWAYS]],
    [{ ...KAFKAJS, commit: 'before' }, {}, ALWAYS],
    [{ ...KAFKAJS, commit: 'after' }, {}, ['at-least-once', ...ALWAYS]],
    [{ ...KAFKAJS, commit: 'after' }, { models: ['client'] }, ['at-least-once', 'order', 'availability']],
    [{ ...KAFKAJS, enableAutoCommit: true }, { models: ['client'] }, ['at-least-once', ...ALWAYS]],
    [{ ...PLATFORMATIC, enableAutoCommit: true, sink: 'idempotent' }, {}, ['availability']],
    [{ ...PLATFORMATIC, commit: 'after' }, {}, ['at-least-once', 'availability']],
    [{ ...PLATFORMATIC, commit: 'before' }, {}, ['availability']],
  ] as const)('with %j under %j', (question, change, names) => {
    expect(promised(question, change)).toEqual(names)
  })

  it('ends where what producers write is not kept', () => {
    expect(promised({ ...JAVA, commit: 'after', sink: 'idempotent', acks: 1 })).toEqual(['availability', 'commits'])
    expect(promised({ ...JAVA, commit: 'before', idempotence: false })).not.toContain('at-most-once')
  })

  it('ends where commits are not kept, which coordinators write as others do', () => {
    const question = { ...JAVA, commit: 'before' } as const
    expect(promised(question, { models: POWER })).toEqual(['availability'])
    expect(promised({ ...question, minInsyncReplicas: 2 }, { models: POWER })).toEqual(['at-most-once', ...ALWAYS])
    const { text } = promiseFor('commits', planFor(question, { models: POWER }))
    expect(text).toMatch(/^Commits are records of __consumer_offsets\. Kafka does not flush/)
  })

  it('is not said of records that nobody reads', () => {
    expect(() => promiseFor('at-least-once', planFor())).toThrow('nobody reads')
  })
})
