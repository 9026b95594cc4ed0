import type { RunTrial } from '../../harness/explore/jobs.ts'
import type { TrialResult } from '../../harness/trial/result.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { World } from '../../harness/world/world.ts'

export type Verdict = Pick<TrialResult, 'violations' | 'failure'>

export const HOLDS: Verdict = { violations: [], failure: undefined }
export const LOSES: Verdict = {
  violations: [{ guarantee: 'no-loss', kind: 'acked-record-missing', message: 'Record p0-s0-r0 is gone.' }],
  failure: undefined,
}

/** A trial of a world in which nothing happens but a few waits, with the verdict that `judge` gives. */
export function fakeTrial(judge: (scenario: Scenario) => Verdict, sleeps: () => number = () => 3): RunTrial {
  return async (scenario, options = {}) => {
    const { trace = 'digest', explainIndex } = options
    const world = new World({
      seed: scenario.seed,
      trace,
      ...(explainIndex === undefined ? {} : { explainIndex }),
    })
    const count = sleeps()
    await world.run(async () => {
      for (let index = 0; index < count; index++) await world.sleep(10)
    })
    return {
      scenario,
      world,
      digest: world.trace.digest(),
      statistics: world.statistics,
      faults: new Map(scenario.faults.map(({ kind }) => [kind, 1])),
      probes: new Map([['send-acknowledged', 2]]),
      ...judge(scenario),
      story: [{ ms: 1, who: 'broker-1', text: 'is running' }],
      trace: world.trace.entries,
    }
  }
}
