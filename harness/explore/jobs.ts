import type { StoryEvent, TrialOptions, TrialResult } from '../trial/result.ts'
import type { Scenario } from '../trial/scenario.ts'
import { type Divergence, findDivergence } from '../world/determinism.ts'
import type { TraceEntry } from '../world/trace.ts'
import { generateScenario, scenarioFromSeed } from './arbitrary.ts'
import { type ExploreOptions, respects } from './explore-options.ts'
import { type Finding, findingKey, findingsOf } from './finding.ts'
import { type ShrinkResult, shrink } from './shrink.ts'

export type RunTrial = (scenario: Scenario, options?: TrialOptions) => Promise<TrialResult>

/** Where a scenario comes from: drawn by a trial seed, or given. */
export type ScenarioSource =
  | { readonly seed: string; readonly options: ExploreOptions }
  | { readonly scenario: Scenario; readonly options: ExploreOptions }

/** What became of one trial, small enough to send ten thousand of them. */
export interface TrialReport {
  readonly seed: string
  readonly digest: string
  readonly events: number
  readonly virtualMs: number
  readonly wallMs: number
  /** How often it was run. */
  readonly runs: number
  readonly faults: Readonly<Record<string, number>>
  readonly probes: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
  readonly divergence?: Divergence
}

/** Further runs of a trial that found something: three in all. */
const REPEATS_OF_A_FINDING = 2

/** Runs a trial; `twice`, or three times if it finds something (unless only `once`), and compares the digests. */
export async function runChecked(
  run: RunTrial,
  source: {
    readonly seed: string
    readonly options: ExploreOptions
    readonly scenario?: Scenario
    readonly once?: boolean
  },
  twice: boolean,
): Promise<TrialReport> {
  const scenario = source.scenario ?? scenarioFromSeed(source.seed, source.options)
  const first = await run(scenario)
  const findings = findingsOf(first)
  let runs = 1
  let divergence: Divergence | undefined
  const repeats = source.once === true ? 0 : findings.length > 0 ? REPEATS_OF_A_FINDING : Number(twice)
  while (runs <= repeats && divergence === undefined) {
    divergence = await compare(run, scenario, first)
    runs++
  }
  const { events, virtualMs, wallMs } = first.statistics
  return {
    seed: source.seed,
    digest: first.digest,
    events,
    virtualMs,
    wallMs,
    runs,
    faults: Object.fromEntries(first.faults),
    probes: Object.fromEntries(first.probes),
    findings,
    ...(divergence === undefined ? {} : { divergence }),
  }
}

async function compare(run: RunTrial, scenario: Scenario, first: TrialResult): Promise<Divergence | undefined> {
  const again = await run(scenario)
  if (again.digest !== first.digest) {
    const found = await findDivergence(async options => (await run(scenario, options)).world)
    return found ?? unexplained(`digest ${first.digest}`, `digest ${again.digest}`, 'two further runs were the same')
  }
  const before = findingsOf(first).map(findingKey).join(', ')
  const after = findingsOf(again).map(findingKey).join(', ')
  return before === after ? undefined : unexplained(before, after, 'the digests are the same, the findings are not')
}

function unexplained(first: string, second: string, stack: string): Divergence {
  return { index: -1, first, second, stack }
}

/** A finding in the smallest scenario that was found to give it. */
export interface Counterexample extends ShrinkResult {
  readonly finding: Finding
  readonly digest: string
  readonly events: number
  readonly virtualMs: number
  readonly story: readonly StoryEvent[]
}

export interface ShrinkLimits {
  readonly maxTrials?: number
  readonly maxMs?: number
}

/** Shrinks a finding and tells the story of the smallest scenario. */
export async function shrinkFinding(
  run: RunTrial,
  source: ScenarioSource,
  finding: Finding,
  limits: ShrinkLimits & { readonly nowMs: () => number },
): Promise<Counterexample> {
  const { options } = source
  const allows = (candidate: Scenario): boolean => respects(options, candidate)
  const generated = 'seed' in source ? generateScenario(source.seed, options) : undefined
  const scenario = 'scenario' in source ? source.scenario : scenarioFromSeed(source.seed, options)
  const start = generated === undefined ? { scenario } : { scenario, generated }
  const shrunk = await shrink(start, findingKey(finding), { ...limits, run, allows })
  const result = await run(shrunk.scenario)
  const same = findingsOf(result).find(found => findingKey(found) === findingKey(finding))
  return {
    ...shrunk,
    finding: same ?? finding,
    digest: result.digest,
    events: result.statistics.events,
    virtualMs: result.statistics.virtualMs,
    story: result.story,
  }
}

/** One run of a scenario, told in full. */
export interface Replay {
  readonly scenario: Scenario
  readonly digest: string
  readonly events: number
  readonly virtualMs: number
  readonly wallMs: number
  readonly findings: readonly Finding[]
  readonly story: readonly StoryEvent[]
}

/** Runs a scenario once, perhaps only up to a virtual time. `onTrace` gets every event if it is there. */
export async function replayScenario(
  run: RunTrial,
  source: ScenarioSource,
  options: { readonly untilMs?: number; readonly onTrace?: (trace: readonly TraceEntry[]) => void },
): Promise<Replay> {
  const scenario = 'scenario' in source ? source.scenario : scenarioFromSeed(source.seed, source.options)
  const result = await run(scenario, {
    ...(options.untilMs === undefined ? {} : { untilMs: options.untilMs }),
    ...(options.onTrace === undefined ? {} : { trace: 'full' }),
  })
  options.onTrace?.(result.trace)
  const { events, virtualMs, wallMs } = result.statistics
  const { digest, story } = result
  return { scenario, digest, events, virtualMs, wallMs, findings: findingsOf(result), story }
}
