import type { TrialResult } from '../trial/result.ts'
import type { Scenario } from '../trial/scenario.ts'
import type { GeneratedScenario } from './arbitrary.ts'
import { findingKey, findingsOf } from './finding.ts'
import { simplify } from './simplify.ts'

/** Runs a trial; the shrinker needs no more of its result than this. */
export type ShrinkTrial = (scenario: Scenario) => Promise<Pick<TrialResult, 'failure' | 'violations'>>

export interface ShrinkOptions {
  readonly run: ShrinkTrial
  /** Trials at most. Default 600. */
  readonly maxTrials?: number
  /** Milliseconds of `nowMs` at most. Default 60,000. */
  readonly maxMs?: number
  /** A clock of the real host. */
  readonly nowMs: () => number
  /** Scenarios that are no candidates, because they are not what was asked for. Default: all are. */
  readonly allows?: (scenario: Scenario) => boolean
}

export interface ShrinkResult {
  /** The smallest scenario that gives the same finding; the one given if nothing smaller does. */
  readonly scenario: Scenario
  /** Trials that were run. */
  readonly trials: number
  /** Those that gave the same finding. */
  readonly steps: number
  /** Nothing smaller of the kinds that were tried gives the finding; false when a limit ended the search. */
  readonly complete: boolean
}

const DEFAULT_MAX_TRIALS = 600
const DEFAULT_MAX_MS = 60_000
/** Part of the limits that fast-check's shrinker may use; the structural passes have what it leaves. */
const GENERATED_SHARE = 0.5

/**
 * Looks for the smallest scenario that gives the same finding (guarantee and kind, or kind of failure): first along
 * fast-check's shrink tree, when the scenario was generated and its context is at hand, then by structural passes,
 * which also work for a scenario from a file. Stops at its limits with the best so far.
 *
 * @param key of the finding, as `findingKey` gives it
 */
export async function shrink(
  start: { readonly scenario: Scenario; readonly generated?: GeneratedScenario },
  key: string,
  options: ShrinkOptions,
): Promise<ShrinkResult> {
  const search = new Search(start.scenario, key, options)
  if (start.generated !== undefined) await followTree(search, start.generated)
  const complete = await simplify(search.best, candidate => search.gives(candidate, 1))
  return { scenario: search.best, trials: search.trials, steps: search.steps, complete: complete && !search.spent(1) }
}

class Search {
  best: Scenario
  trials = 0
  steps = 0
  readonly #key: string
  readonly #options: ShrinkOptions
  readonly #startedMs: number
  /** Scenarios that were tried, as JSON; at most `maxTrials`. */
  readonly #tried = new Set<string>()

  constructor(scenario: Scenario, key: string, options: ShrinkOptions) {
    this.best = scenario
    this.#key = key
    this.#options = options
    this.#startedMs = options.nowMs()
    this.#tried.add(JSON.stringify(scenario))
  }

  /** Whether a share of the limits is used up. */
  spent(share: number): boolean {
    const { maxTrials = DEFAULT_MAX_TRIALS, maxMs = DEFAULT_MAX_MS, nowMs } = this.#options
    return this.trials >= maxTrials * share || nowMs() - this.#startedMs >= maxMs * share
  }

  /** Runs a candidate, if it is new and a share of the limits is left; it becomes the best if it gives the finding. */
  async gives(candidate: Scenario, share: number): Promise<boolean> {
    const text = JSON.stringify(candidate)
    if (this.#tried.has(text) || this.spent(share) || this.#options.allows?.(candidate) === false) return false
    this.#tried.add(text)
    this.trials++
    const same = findingsOf(await this.#options.run(candidate)).some(finding => findingKey(finding) === this.#key)
    if (!same) return false
    this.steps++
    this.best = candidate
    return true
  }
}

/** Takes the first smaller value that gives the finding, again and again. */
async function followTree(search: Search, { arbitrary, value: root }: GeneratedScenario): Promise<void> {
  let value = root
  for (;;) {
    let smaller: typeof root | undefined
    for (const candidate of arbitrary.shrink(value.value, value.context)) {
      if (search.spent(GENERATED_SHARE)) return
      if (!(await search.gives(candidate.value, GENERATED_SHARE))) continue
      smaller = candidate
      break
    }
    if (smaller === undefined) return
    value = smaller
  }
}
