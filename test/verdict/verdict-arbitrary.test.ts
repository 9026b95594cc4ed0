import { describe, expect, it } from 'vitest'
import { respects } from '../../harness/explore/explore-options.ts'
import { parseScenario } from '../../harness/explore/parse-scenario.ts'
import type { Fault, Scenario } from '../../harness/trial/scenario.ts'
import { kindsOf } from '../../harness/verdict/fault-models.ts'
import { pinned, type VerdictPlan } from '../../harness/verdict/plan.ts'
import { isSmall, verdictScenario } from '../../harness/verdict/verdict-arbitrary.ts'
import { withinBounds } from '../../harness/verdict/verdict-faults.ts'
import { planFor } from './support.ts'

function scenarios(plan: VerdictPlan, count = 100): Scenario[] {
  return Array.from({ length: count }, (_, trial) => verdictScenario(plan, `5-${trial}`, trial))
}

function power(at: Fault['at'], nodes?: number): Fault {
  return { kind: 'power-loss', at, forMs: 100, ...(nodes === undefined ? {} : { nodes }) }
}

describe('scenarios of a verdict', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(scenarios(planFor(), 20)).toEqual(scenarios(planFor(), 20))
    expect(verdictScenario(planFor(), '5-1', 1)).not.toEqual(verdictScenario(planFor(), '5-2', 1))
  })

  it('have the configuration that was asked about, whatever else is drawn', () => {
    const plan = planFor({ acks: 1, minInsyncReplicas: 2, flushMessages: 7, client: 'kafkajs', retries: 2 })
    for (const scenario of scenarios(plan)) {
      expect(respects(pinned(plan, scenario.guarantees), scenario)).toBe(true)
      expect(scenario.cluster.topic.config['min.insync.replicas']).toBe('2')
      expect(scenario.cluster.config['log.flush.interval.messages']).toBe('7')
      expect(scenario.cluster.features).toEqual({ 'eligible.leader.replicas.version': 1 })
    }
  })

  it('can be written to a file and read again', () => {
    for (const scenario of scenarios(planFor()))
      expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)
  })

  it('have faults of the models only, few of them', () => {
    const plan = planFor({}, { models: ['maintenance'] })
    const kinds = new Set(scenarios(plan).flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    expect([...kinds].every(kind => kindsOf(['maintenance']).includes(kind))).toBe(true)
    expect(Math.max(...scenarios(plan).map(({ faults }) => faults.length))).toBeLessThanOrEqual(5)
  })

  it('begin small', () => {
    expect(isSmall(0)).toBe(true)
    expect(verdictScenario(planFor(), '5-0', 0).workload.producers).toHaveLength(1)
    expect(scenarios(planFor()).some(({ workload }) => workload.producers.length > 1)).toBe(true)
  })
})

describe('bounds', () => {
  it('let no more machines lose power than were allowed', () => {
    const plan = planFor({}, { models: ['power-loss'], powerLosses: 1 })
    for (const { faults } of scenarios(plan)) {
      const losses = faults.filter(({ kind }) => kind === 'power-loss').reduce((sum, { nodes = 1 }) => sum + nodes, 0)
      expect(losses).toBeLessThanOrEqual(1)
    }
    expect(withinBounds([power({ ms: 1 }, 3), power({ ms: 9000 })], { atOnce: 3, powerLosses: 2 })).toEqual([
      power({ ms: 1 }, 2),
    ])
  })

  it('let no more nodes be away at once than were allowed, and take triggers without a time for simultaneous', () => {
    const faults = [power({ ms: 0 }), power({ ms: 2000 }), power({ ms: 6000 }), power({ probe: 'isr-shrunk' })]
    expect(withinBounds(faults, { atOnce: 1, powerLosses: 9 })).toEqual([power({ ms: 0 }), power({ ms: 6000 })])
  })
})
