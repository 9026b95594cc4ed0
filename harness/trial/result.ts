import type { Violation } from '../checkers/evidence.ts'
import type { DrainName } from '../world/drain.ts'
import type { TraceEntry, TraceMode } from '../world/trace.ts'
import type { World, WorldOptions, WorldStatistics } from '../world/world.ts'
import type { FaultName, Scenario } from './scenario.ts'

export interface TrialOptions {
  readonly drain?: DrainName
  /** Default `digest`: keep only the rolling hash. */
  readonly trace?: TraceMode
  /** See `WorldOptions.explainIndex`. */
  readonly explainIndex?: number
  /** Fail the trial when code in it starts a real asynchronous operation of the host. */
  readonly strict?: boolean
  /** See `WorldOptions.onEvent`. */
  readonly onEvent?: WorldOptions['onEvent']
  /** Stop at this virtual time and leave what happened so far (no checks). */
  readonly untilMs?: number
}

/** One line of the story of a trial. */
export interface StoryEvent {
  readonly ms: number
  /** `broker-1`, `producer-0`, `fault`, `trial`. */
  readonly who: string
  readonly text: string
}

/**
 * Why a trial could not be judged by its checkers alone: `deadlock` (nothing left to happen), `liveness` (it did not
 * settle within its limits), `crash` (an application or broker process ended with an uncaught error), `internal` (a
 * defect of the harness), `escape` (real asynchronous host operation in strict mode).
 */
export interface TrialFailure {
  readonly kind: 'deadlock' | 'liveness' | 'crash' | 'internal' | 'escape'
  readonly message: string
}

export interface TrialResult {
  readonly scenario: Scenario
  /** The world it ran in, ended; for comparing traces. */
  readonly world: World
  /** 16 hexadecimal digits; the same scenario, code and client versions give the same. */
  readonly digest: string
  readonly statistics: WorldStatistics
  readonly faults: ReadonlyMap<FaultName, number>
  /** Named interesting states that were reached, with counts. */
  readonly probes: ReadonlyMap<string, number>
  readonly violations: readonly Violation[]
  readonly failure: TrialFailure | undefined
  readonly story: readonly StoryEvent[]
  /** With `trace: 'full'`. */
  readonly trace: readonly TraceEntry[]
}

/** The trial itself found that it cannot go on. */
export class TrialError extends Error {
  override readonly name = 'TrialError'
  readonly kind: TrialFailure['kind']

  constructor(kind: TrialFailure['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
