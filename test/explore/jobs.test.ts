import { describe, expect, it } from 'vitest'
import { scenarioFromSeed } from '../../harness/explore/arbitrary.ts'
import { replayScenario, runChecked, shrinkFinding } from '../../harness/explore/jobs.ts'
import { fakeTrial, HOLDS, LOSES, type Verdict } from './fake-trial.ts'

const SOURCE = { seed: '3-4', options: {} }

describe('runChecked', () => {
  it('runs a quiet trial once and sums it up', async () => {
    const report = await runChecked(
      fakeTrial(() => HOLDS),
      SOURCE,
      false,
    )
    expect(report).toMatchObject({
      seed: '3-4',
      runs: 1,
      findings: [],
      virtualMs: 30,
      probes: { 'send-acknowledged': 2 },
    })
    expect(report.events).toBeGreaterThan(3)
    expect(report.divergence).toBeUndefined()
  })

  it('runs a trial twice when asked to, and one that finds something three times', async () => {
    expect(
      (
        await runChecked(
          fakeTrial(() => HOLDS),
          SOURCE,
          true,
        )
      ).runs,
    ).toBe(2)
    expect(
      (
        await runChecked(
          fakeTrial(() => LOSES),
          SOURCE,
          false,
        )
      ).runs,
    ).toBe(3)
  })

  it('runs a trial that finds something only once when that is asked for', async () => {
    const report = await runChecked(
      fakeTrial(() => LOSES),
      { ...SOURCE, once: true },
      false,
    )
    expect(report.runs).toBe(1)
    expect(report.findings).toHaveLength(1)
  })

  it('names each guarantee and kind once, and a failure as a finding of the trial', async () => {
    const [violation] = LOSES.violations
    if (violation === undefined) throw new Error('no violation')
    const verdict: Verdict = {
      violations: [violation, { ...violation, message: 'another record' }],
      failure: { kind: 'liveness', message: 'stuck' },
    }
    const { findings } = await runChecked(
      fakeTrial(() => verdict),
      SOURCE,
      false,
    )
    expect(findings).toEqual([
      { guarantee: 'trial', kind: 'liveness', message: 'stuck' },
      { guarantee: 'no-loss', kind: 'acked-record-missing', message: 'Record p0-s0-r0 is gone.' },
    ])
  })

  it('reports the first differing event of a trial that does not repeat itself', async () => {
    let run = 0
    const diverging = fakeTrial(
      () => HOLDS,
      () => 3 + (run++ % 2),
    )
    const { divergence } = await runChecked(diverging, SOURCE, true)
    expect(divergence?.index).toBeGreaterThan(0)
    expect(divergence?.first).not.toBe(divergence?.second)
  })

  it('says so when digests differed but two further runs were the same', async () => {
    let run = 0
    const once = fakeTrial(
      () => HOLDS,
      () => (run++ === 0 ? 9 : 3),
    )
    const { divergence } = await runChecked(once, SOURCE, true)
    expect(divergence).toMatchObject({ index: -1, stack: 'two further runs were the same' })
  })

  it('takes other findings with the same digest for a divergence', async () => {
    let run = 0
    const fickle = fakeTrial(() => (run++ === 0 ? LOSES : HOLDS))
    const { divergence } = await runChecked(fickle, SOURCE, false)
    expect(divergence?.stack).toBe('the digests are the same, the findings are not')
  })
})

describe('shrinkFinding', () => {
  const finding = { guarantee: 'no-loss', kind: 'acked-record-missing', message: 'before shrinking' } as const

  it('gives the smallest scenario with its own digest, story and message', async () => {
    const run = fakeTrial(({ faults }) => (faults.length > 0 ? LOSES : HOLDS))
    const seed = ['3-1', '3-2', '3-3', '3-4'].find(candidate => scenarioFromSeed(candidate).faults.length > 2) ?? ''
    const shrunk = await shrinkFinding(run, { seed, options: {} }, finding, { nowMs: () => 0 })

    expect(shrunk.scenario.faults).toHaveLength(1)
    expect(shrunk.finding.message).toBe('Record p0-s0-r0 is gone.')
    expect(shrunk.digest).toBe((await run(shrunk.scenario)).digest)
    expect(shrunk.story).toHaveLength(1)
  })

  it('works from a given scenario', async () => {
    const run = fakeTrial(() => LOSES)
    const scenario = scenarioFromSeed('3-4')
    const shrunk = await shrinkFinding(run, { scenario, options: {} }, finding, { nowMs: () => 0 })
    expect(shrunk.scenario.faults).toEqual([])
    expect(shrunk.scenario.workload.producers).toHaveLength(1)
  })
})

describe('replayScenario', () => {
  it('gives the digest of the same trial, and every event when somebody listens', async () => {
    const run = fakeTrial(() => LOSES)
    const traces: number[] = []
    const replay = await replayScenario(run, SOURCE, { onTrace: trace => traces.push(trace.length) })

    const { digest } = await runChecked(run, SOURCE, false)
    expect(replay.digest).toBe(digest)
    expect(replay.findings).toHaveLength(1)
    expect(traces[0]).toBeGreaterThan(3)
  })
})
