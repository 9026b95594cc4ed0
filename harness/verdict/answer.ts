import { EXIT, type ExitCode, exitCodeOf } from '../explore/exit-code.ts'
import { PROBE_NAMES } from '../trial/probes.ts'
import type { Broken, VerdictCampaignResult } from './campaign.ts'
import { configurationRows } from './configuration.ts'
import type { DocumentedPromise } from './documented-promise.ts'
import { probesOf } from './fault-models.ts'
import type { JudgedName } from './guarantee-groups.ts'
import type { MatrixResult } from './matrix.ts'
import { promiseFor } from './promises.ts'
import type { Suggestion } from './suggest.ts'

/** What the trials say about one guarantee, beside what Kafka's documentation says. */
export interface GuaranteeAnswer {
  readonly name: JudgedName
  /** `no acknowledged record lost` */
  readonly title: string
  readonly verdict: 'held' | 'broken'
  /** Trials in which it was judged. */
  readonly trials: number
  readonly promise: DocumentedPromise
  readonly broken: Broken | undefined
}

/** The answer to a question about a configuration. */
export interface VerdictAnswer {
  readonly configuration: readonly (readonly [key: string, value: string])[]
  /** What Kafka makes of it without being asked. */
  readonly notes: readonly string[]
  readonly guarantees: readonly GuaranteeAnswer[]
  /** Found besides: what no configuration may break, crashes, defects. */
  readonly others: readonly Broken[]
  /** Interesting states that the fault models should reach, with how often they were. */
  readonly probesReached: ReadonlyMap<string, number>
  readonly probesMissed: readonly string[]
  readonly campaign: VerdictCampaignResult
  readonly suggestion: Suggestion | undefined
}

export function answerOf(
  campaign: VerdictCampaignResult,
  notes: readonly string[],
  suggestion?: Suggestion,
): VerdictAnswer {
  const { plan, totals, outcomes, others } = campaign
  const known = new Set<string>(PROBE_NAMES)
  const probes = probesOf(plan.models, plan.configuration.consumer !== undefined).filter(name => known.has(name))
  return {
    configuration: configurationRows(plan.configuration),
    notes,
    guarantees: outcomes.map(({ judged, trials, broken }) => ({
      name: judged.name,
      title: judged.title,
      verdict: broken === undefined ? 'held' : 'broken',
      trials,
      promise: promiseFor(judged.name, plan),
      broken,
    })),
    others,
    probesReached: totals.probes,
    probesMissed: probes.filter(name => !totals.probes.has(name)),
    campaign,
    suggestion,
  }
}

/** As of `explore`: what was found decides, defects of the harness first. */
export function verdictExitCode({ totals, outcomes, others, shrinkErrors }: VerdictCampaignResult): ExitCode {
  if (totals.divergenceCount > 0 || totals.workerErrorCount > 0 || shrinkErrors.length > 0) return EXIT.internal
  const broken = outcomes.flatMap(outcome => outcome.broken ?? [])
  return exitCodeOf([...broken, ...others].map(({ finding }) => finding))
}

/** A matrix is clean when every cell was judged and agrees with what is expected of it: losing records is no violation there. */
export function matrixExitCode({ cells }: MatrixResult): ExitCode {
  const codes = cells.map(({ campaign }) => verdictExitCode(campaign))
  if (codes.includes(EXIT.internal)) return EXIT.internal
  return cells.every(({ agrees }) => agrees) ? EXIT.clean : EXIT.violation
}
