import { describe, expect, it } from 'vitest'
import { FAULT_MODEL_NAMES } from '../../harness/verdict/fault-models.ts'
import { JUDGED_NAMES } from '../../harness/verdict/guarantee-groups.ts'
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
    for (const name of JUDGED_NAMES) {
      const { text, source } = promiseFor(name, planFor({}, { models: [...FAULT_MODEL_NAMES] }))
      expect(text).toMatch(/\.$|\)\.$/)
      expect(source).toMatch(/documentation|KIP/)
    }
  })
})
