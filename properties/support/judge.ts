import fc from 'fast-check'
import {
  type ExploreOptions,
  runTrial,
  type Scenario,
  scenarioArbitrary,
  scenarioFromSeed,
  type TrialResult,
  trialSeed,
} from '../../harness/index.ts'

/** What a trial found, in words; nothing when all its guarantees hold. */
export function findings({ failure, violations }: TrialResult): string[] {
  const failed = failure === undefined ? [] : [`${failure.kind}: ${failure.message}`]
  return [...failed, ...violations.map(({ guarantee, kind, message }) => `${guarantee}/${kind}: ${message}`)]
}

/** Asserts that every scenario of a kind keeps its guarantees; fast-check shrinks one that does not. */
export async function holds(options: ExploreOptions, runs: number, seed: number): Promise<void> {
  const property = fc.asyncProperty(scenarioArbitrary(options, `${seed}`), async scenario => {
    const found = findings(await runTrial(scenario))
    if (found.length > 0) throw new Error(found.join('\n'))
  })
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: true })
}

/** The first scenario of a kind, in the order of seeds, that violates a guarantee; undefined when none of `trials` does. */
export async function firstViolation(
  options: ExploreOptions,
  guarantee: string,
  trials: number,
): Promise<Scenario | undefined> {
  for (let trial = 0; trial < trials; trial++) {
    const scenario = scenarioFromSeed(trialSeed('7', trial), options)
    const { violations } = await runTrial(scenario)
    if (violations.some(violation => violation.guarantee === guarantee)) return scenario
  }
  return undefined
}
