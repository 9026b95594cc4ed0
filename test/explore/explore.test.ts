import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scenarioFromSeed } from '../../harness/explore/arbitrary.ts'
import { readScenarioFile } from '../../harness/explore/counterexample-file.ts'
import { campaignExitCode, exitCodeOf } from '../../harness/explore/exit-code.ts'
import { type CampaignOptions, type CampaignResult, explore } from '../../harness/explore/explore.ts'
import type { RunTrial } from '../../harness/explore/jobs.ts'
import { WorkerError } from '../../harness/explore/worker-pool.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { LocalWorkforce } from '../support/local-workforce.ts'
import { fakeTrial, HOLDS, LOSES, type Verdict } from './fake-trial.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'explore-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function campaign(
  judge: (scenario: Scenario) => Verdict,
  change: Partial<CampaignOptions> = {},
  size = 2,
): Promise<CampaignResult> {
  const workforce = new LocalWorkforce(fakeTrial(judge), size)
  return explore(workforce, { explore: {}, runSeed: '11', trials: 60, directory, ...change })
}

function killed({ faults }: Scenario): boolean {
  return faults.some(({ kind }) => kind === 'kill')
}

describe('explore', () => {
  it('runs the trials it was asked for and adds them up', async () => {
    const result = await campaign(() => HOLDS)

    expect(result.totals.trials).toBe(60)
    expect(result.totals.virtualMs).toBe(60 * 30)
    expect(result.totals.repeated).toBeGreaterThan(0)
    expect(result.totals.probes.get('send-acknowledged')).toBe(120)
    const faults = Array.from({ length: 60 }, (_, trial) => scenarioFromSeed(`11-${trial}`).faults)
    const kinds = faults.map(plan => plan.some(({ kind }) => kind === 'pause'))
    expect(result.totals.faults.get('pause')).toBe(kinds.filter(Boolean).length)
    expect(campaignExitCode(result)).toBe(0)
    expect(readdirSync(directory)).toEqual([])
  })

  it('goes on after a violation, counts it, and names its first trial whatever the number of workers', async () => {
    const judge = (scenario: Scenario): Verdict => (killed(scenario) ? LOSES : HOLDS)
    const one = await campaign(judge, {}, 1)
    const four = await campaign(judge, {}, 4)

    const first = Array.from({ length: 60 }, (_, trial) => trial).find(trial => killed(scenarioFromSeed(`11-${trial}`)))
    expect(one.totals.trials).toBe(60)
    expect(one.totals.findings).toHaveLength(1)
    expect(one.totals.findings[0]).toMatchObject({ firstTrial: first, firstSeed: `11-${first}` })
    expect(one.totals.findings[0]?.count).toBeGreaterThan(1)
    expect(four.totals.findings).toEqual(one.totals.findings)
    expect(campaignExitCode(one)).toBe(1)
  })

  it('shrinks the first of each guarantee and kind, at most three, and writes files that can be read back', async () => {
    const kinds = ['a', 'b', 'c', 'd'].map(kind => ({ guarantee: 'order' as const, kind, message: `kind ${kind}` }))
    const result = await campaign(scenario => (killed(scenario) ? { ...HOLDS, violations: kinds } : HOLDS))

    expect(result.counterexamples.map(({ counterexample }) => counterexample.finding.kind)).toEqual(['a', 'b', 'c'])
    expect(readdirSync(directory)).toHaveLength(3)
    const [found] = result.counterexamples
    const read = readScenarioFile(found?.file ?? '')
    expect(read.scenario).toEqual(found?.counterexample.scenario)
    expect(read.scenario.faults).toHaveLength(1)
    expect(read.file?.expect).toEqual({ guarantee: 'order', kind: 'a', digest: found?.counterexample.digest })
    expect(read.file?.versions).toHaveProperty('kafka-trial')
  })

  it('stops when its time is over', async () => {
    const result = await campaign(() => HOLDS, { trials: 1_000_000, timeMs: 0 })
    expect(result.totals.trials).toBe(0)
  })

  it('stops when it is told to, with what it has', async () => {
    const stop = new AbortController()
    const onProgress = (): void => stop.abort()
    const result = await campaign(() => LOSES, { onProgress, signal: stop.signal }, 1)
    expect(result).toMatchObject({ interrupted: true, counterexamples: [] })
    expect(result.totals.trials).toBe(1)
  })

  it('survives a worker that does not, and says which trial it was', async () => {
    const crashing: RunTrial = async (scenario, options) => {
      if (scenario.seed === '11-7') throw new WorkerError('ended with code 134')
      return await fakeTrial(() => HOLDS)(scenario, options)
    }
    const result = await explore(new LocalWorkforce(crashing), { explore: {}, runSeed: '11', trials: 20 })
    expect(result.totals.trials).toBe(20)
    expect(result.totals.workerErrors).toEqual([{ seed: '11-7', message: 'ended with code 134' }])
    expect(campaignExitCode(result)).toBe(4)
  })

  it('gives up when every trial takes its worker with it', async () => {
    const crashing: RunTrial = () => Promise.reject(new WorkerError('ended'))
    const result = await explore(new LocalWorkforce(crashing, 1), { explore: {}, runSeed: '11', trials: 500 })
    expect(result.totals.workerErrorCount).toBe(20)
    expect(result.totals.workerErrors).toHaveLength(10)
  })

  it('counts a divergence as a defect of the harness', async () => {
    let run = 0
    const diverging = fakeTrial(
      () => HOLDS,
      () => run++,
    )
    const result = await explore(new LocalWorkforce(diverging, 1), { explore: {}, runSeed: '11', trials: 60 })
    expect(result.totals.divergences[0]?.divergence.index).toBeGreaterThanOrEqual(0)
    expect(campaignExitCode(result)).toBe(4)
  })
})

describe('exitCodeOf', () => {
  it.each([
    [[], 0],
    [['no-loss/x'], 1],
    [['trial/crash'], 1],
    [['trial/liveness'], 3],
    [['trial/deadlock', 'order/x'], 1],
    [['trial/internal', 'order/x'], 4],
    [['trial/escape'], 4],
  ])('of %o is %i', (keys, code) => {
    const findings = keys.map(key => {
      const [guarantee, kind = ''] = key.split('/')
      return { guarantee: guarantee as 'trial', kind }
    })
    expect(exitCodeOf(findings)).toBe(code)
  })
})
