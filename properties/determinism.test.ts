import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { runTrial, scenarioFromSeed, trialSeed } from '../harness/index.ts'

const SEEDS = Array.from({ length: 12 }, (_, trial) => trialSeed('determinism', trial))

describe('the same scenario', () => {
  it.each(SEEDS)('gives the same digest twice, with both drains and in strict mode (%s)', async seed => {
    const scenario = scenarioFromSeed(seed)
    const first = await runTrial(scenario, { drain: 'tick' })
    expect((await runTrial(scenario, { drain: 'tick' })).digest).toBe(first.digest)
    expect((await runTrial(scenario, { drain: 'immediate' })).digest).toBe(first.digest)
    const strict = await runTrial(scenario, { strict: true })
    expect(strict.failure).toBeUndefined()
    expect(strict.digest).toBe(first.digest)
  })

  it('gives the same digest in another process', async () => {
    const program = `
      const { runTrial, scenarioFromSeed } = await import('./harness/index.ts')
      for (const seed of ${JSON.stringify(SEEDS)}) console.log((await runTrial(scenarioFromSeed(seed))).digest)`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })

    const here: string[] = []
    for (const seed of SEEDS) here.push((await runTrial(scenarioFromSeed(seed))).digest)

    expect(output.trim().split('\n')).toEqual(here)
  })

  it('gives another digest under another seed', async () => {
    const scenario = scenarioFromSeed(SEEDS[0] as string)
    const other = { ...scenario, seed: 'another' }
    expect((await runTrial(other)).digest).not.toBe((await runTrial(scenario)).digest)
  })
})
