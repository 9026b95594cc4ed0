import type { Scenario } from '../trial/scenario.ts'
import type { ExploreOptions } from './explore-options.ts'
import type { Finding } from './finding.ts'
import type { Counterexample, Replay, ScenarioSource, ShrinkLimits, TrialReport } from './jobs.ts'

/** What a worker process is asked to do. It does one thing at a time. */
export type Order =
  | {
      readonly type: 'trial'
      readonly seed: string
      readonly options: ExploreOptions
      readonly twice: boolean
      /** Whatever it finds, it is not run again to compare. */
      readonly once?: boolean
      /** To be run instead of what the seed and the options would give. */
      readonly scenario?: Scenario
    }
  | {
      readonly type: 'shrink'
      readonly source: ScenarioSource
      readonly finding: Finding
      readonly limits: ShrinkLimits
    }
  | {
      readonly type: 'replay'
      readonly source: ScenarioSource
      readonly untilMs?: number
      /** File for the trace as JSON lines. */
      readonly traceFile?: string
    }

/** What it answers, by the type of the order. */
export interface Answers {
  readonly trial: TrialReport
  readonly shrink: Counterexample
  readonly replay: Replay
}

/** A worker's message: an answer or why there is none, and how much memory it uses. */
export type WorkerMessage =
  | { readonly ok: true; readonly answer: Answers[Order['type']]; readonly rssBytes: number }
  | { readonly ok: false; readonly message: string; readonly rssBytes: number }
