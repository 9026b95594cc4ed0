import { describe, expect, it } from 'vitest'
import { generateScenario } from '../../harness/explore/arbitrary.ts'
import { type ExploreOptions, respects } from '../../harness/explore/explore-options.ts'
import { type ShrinkOptions, type ShrinkTrial, shrink } from '../../harness/explore/shrink.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'

const LOSS = 'no-loss/acked-record-missing'
const fails = {
  failure: undefined,
  violations: [{ guarantee: 'no-loss', kind: 'acked-record-missing', message: 'lost' }],
} as const
const holds = { failure: undefined, violations: [] } as const

/** A defect that needs a kill and two records of one send, and nothing else. */
function loses({ faults, workload }: Scenario): boolean {
  const killed = faults.some(({ kind, forMs }) => kind === 'kill' && forMs >= 40)
  return killed && workload.producers.some(({ sends }) => sends.some(({ records }) => records >= 2))
}

const run: ShrinkTrial = async scenario => (loses(scenario) ? fails : holds)

function options(change: Partial<ShrinkOptions> = {}): ShrinkOptions {
  return { run, nowMs: () => 0, maxTrials: 2000, ...change }
}

/** A large scenario that has the defect. */
function failing(given: ExploreOptions = {}): ReturnType<typeof generateScenario> {
  for (let trial = 0; trial < 500; trial++) {
    const generated = generateScenario(`8-${trial}`, given)
    const { faults, workload } = generated.value.value
    if (faults.length > 3 && workload.producers.length > 1 && loses(generated.value.value)) return generated
  }
  throw new Error('no seed gives a failing scenario')
}

function expectMinimal({ faults, workload, cluster, schedule }: Scenario): void {
  expect(faults).toEqual([{ kind: 'kill', at: { ms: 0 }, forMs: faults[0]?.forMs }])
  expect(faults[0]?.forMs).toBeGreaterThanOrEqual(40)
  expect(faults[0]?.forMs).toBeLessThan(80)
  expect(workload.producers.map(({ sends }) => sends)).toEqual([[{ atMs: 0, partition: 0, records: 2, bytes: 0 }]])
  expect(cluster).toEqual({
    brokers: 1,
    controllers: 1,
    roles: 'combined',
    config: {},
    topic: { name: 'records', partitions: 1, replicationFactor: 1, config: {} },
  })
  expect(schedule).toBe('fifo')
}

/** Triggers by request cannot become triggers by time, so the scenarios here have times only. */
function byTime(): ReturnType<typeof generateScenario> {
  for (let trial = 0; trial < 2000; trial++) {
    const generated = generateScenario(`8-${trial}`, { faults: ['kill', 'pause', 'slow-disk'] })
    const { faults } = generated.value.value
    const timed = faults.every(({ at }) => 'ms' in at)
    if (timed && faults.length > 2 && loses(generated.value.value)) return generated
  }
  throw new Error('no seed gives a failing scenario')
}

describe('shrink', () => {
  it('finds the few events that matter, along the tree of a generated scenario', async () => {
    const generated = byTime()
    const { scenario, complete } = await shrink({ scenario: generated.value.value, generated }, LOSS, options())
    expectMinimal(scenario)
    expect(complete).toBe(true)
  })

  it('finds them in a scenario from a file too', async () => {
    const { value } = byTime().value
    const { scenario, trials, steps } = await shrink({ scenario: value }, LOSS, options())
    expectMinimal(scenario)
    expect(trials).toBeGreaterThan(steps)
    expect(steps).toBeGreaterThan(3)
  })

  it('takes nodes, copies and what a fault says of nodes away as far as the finding allows', async () => {
    const { value } = byTime().value
    const start: Scenario = {
      ...value,
      cluster: {
        ...value.cluster,
        brokers: 5,
        controllers: 3,
        roles: 'separate',
        features: { 'eligible.leader.replicas.version': 1 },
        topic: { ...value.cluster.topic, replicationFactor: 4 },
      },
      faults: [{ kind: 'kill', at: { ms: 5 }, forMs: 40, on: 'leader', nodes: 3, pick: 2 }],
    }
    const needsTwo: ShrinkTrial = async scenario => {
      const { brokers, topic } = scenario.cluster
      const enough = brokers >= 3 && topic.replicationFactor >= 2 && (scenario.faults[0]?.nodes ?? 1) >= 2
      return enough
        ? { ...holds, violations: [{ guarantee: 'no-loss', kind: 'acked-record-missing', message: '' }] }
        : holds
    }
    const { scenario } = await shrink({ scenario: start }, LOSS, options({ run: needsTwo }))

    expect(scenario.cluster).toMatchObject({ brokers: 3, controllers: 1, roles: 'combined' })
    expect(scenario.cluster.features).toBeUndefined()
    expect(scenario.cluster.topic.replicationFactor).toBe(2)
    expect(scenario.faults).toEqual([{ kind: 'kill', at: { ms: 0 }, forMs: 0, nodes: 2 }])
  })

  it('only follows scenarios that give the same guarantee and kind', async () => {
    const { value } = failing().value
    const other: ShrinkTrial = async () => ({
      failure: { kind: 'liveness', message: 'stuck' },
      violations: [{ guarantee: 'no-loss', kind: 'another', message: 'something else' }],
    })
    const result = await shrink({ scenario: value }, LOSS, options({ run: other }))
    expect(result.scenario).toBe(value)
    expect(result.steps).toBe(0)
  })

  it('shrinks failures by their kind', async () => {
    const { value } = failing().value
    const stuck: ShrinkTrial = async scenario =>
      loses(scenario) ? { failure: { kind: 'deadlock', message: 'stuck' }, violations: [] } : holds
    const { scenario } = await shrink({ scenario: value }, 'trial/deadlock', options({ run: stuck }))
    expect(scenario.faults).toHaveLength(1)
  })

  it('stops at its bound of trials with the best so far', async () => {
    const generated = failing()
    let runs = 0
    const counting: ShrinkTrial = scenario => {
      runs++
      return run(scenario)
    }
    const start = { scenario: generated.value.value, generated }
    const result = await shrink(start, LOSS, options({ run: counting, maxTrials: 20 }))
    expect(runs).toBe(20)
    expect(result).toMatchObject({ trials: 20, complete: false })
    expect(loses(result.scenario)).toBe(true)
  })

  it('stops at its bound of time', async () => {
    const generated = failing()
    let now = 0
    const slow: ShrinkTrial = scenario => {
      now += 10
      return run(scenario)
    }
    const start = { scenario: generated.value.value, generated }
    const result = await shrink(start, LOSS, options({ run: slow, nowMs: () => now, maxMs: 100 }))
    expect(result.trials).toBeLessThanOrEqual(10)
    expect(result.complete).toBe(false)
  })

  it('never runs a scenario twice', async () => {
    const generated = failing()
    const seen = new Set<string>()
    const once: ShrinkTrial = scenario => {
      const text = JSON.stringify(scenario)
      expect(seen.has(text)).toBe(false)
      seen.add(text)
      return run(scenario)
    }
    await shrink({ scenario: generated.value.value, generated }, LOSS, options({ run: once }))
    expect(seen.size).toBeGreaterThan(10)
  })

  it('keeps what the options ask for, also when the finding would survive without it', async () => {
    const given: ExploreOptions = { set: { 'log.flush.interval.messages': '1' }, sequential: false, maxInFlight: 3 }
    const generated = failing(given)
    const { scenario } = await shrink(
      { scenario: generated.value.value },
      LOSS,
      options({ allows: candidate => respects(given, candidate) }),
    )
    expect(scenario.cluster.config).toEqual({ 'log.flush.interval.messages': '1' })
    expect(scenario.workload.producers).toMatchObject([{ sequential: false, maxInFlight: 3 }])
  })
})
