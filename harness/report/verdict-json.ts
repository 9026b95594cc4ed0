import { matrixExitCode, type VerdictAnswer, verdictExitCode } from '../verdict/answer.ts'
import type { Broken } from '../verdict/campaign.ts'
import type { MatrixResult } from '../verdict/matrix.ts'
import { cellName } from '../verdict/matrix.ts'

/** An answer for programs. Keys are stable; new ones may be added. */
export function verdictJson(answer: VerdictAnswer, workers: number): object {
  const { campaign, guarantees, others, suggestion } = answer
  const { plan, runSeed, totals, elapsedMs, rssMaxBytes, interrupted, shrinkErrors } = campaign
  return {
    command: 'verdict',
    exitCode: verdictExitCode(campaign),
    seed: runSeed,
    workers,
    interrupted,
    configuration: Object.fromEntries(answer.configuration),
    notes: answer.notes,
    faultModels: plan.models,
    atOnce: plan.atOnce,
    powerLosses: plan.powerLosses,
    guarantees: guarantees.map(({ name, title, verdict, trials, promise, broken }) => ({
      name,
      title,
      verdict,
      trials,
      promise,
      broken: broken === undefined ? null : brokenJson(broken),
    })),
    others: others.map(brokenJson),
    trials: totals.trials,
    repeated: totals.repeated,
    events: totals.events,
    virtualMs: totals.virtualMs,
    wallMs: totals.wallMs,
    elapsedMs,
    rssMaxBytes,
    faults: sorted(totals.faults),
    probes: sorted(answer.probesReached),
    probesMissed: answer.probesMissed,
    divergences: totals.divergences,
    divergenceCount: totals.divergenceCount,
    workerErrors: totals.workerErrors,
    shrinkErrors,
    suggestion:
      suggestion === undefined
        ? null
        : {
            found: suggestion.found?.changes.map(({ setting }) => setting) ?? null,
            trials: suggestion.found?.result.totals.trials ?? null,
            tried: suggestion.attempts.map(({ changes, held }) => ({
              changes: changes.map(({ setting }) => setting),
              held,
            })),
            untried: suggestion.untried,
          },
  }
}

export function matrixJson(result: MatrixResult, runSeed: string, workers: number): object {
  return {
    command: 'verdict --matrix',
    exitCode: matrixExitCode(result),
    seed: runSeed,
    workers,
    interrupted: result.interrupted,
    elapsedMs: result.elapsedMs,
    cells: result.cells.map(({ cell, expected, trials, broken, agrees, campaign }) => ({
      name: cellName(cell),
      ...cell,
      expected,
      lossFound: broken !== undefined,
      trials,
      agrees,
      broken: broken === undefined ? null : brokenJson(broken),
      others: campaign.others.map(brokenJson),
      probes: sorted(campaign.totals.probes),
    })),
  }
}

function brokenJson({ finding, trial, seed, afterMs, counterexample, file }: Broken): object {
  return { ...finding, trial, seed, afterMs, file, counterexample }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}
