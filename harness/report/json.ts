import { campaignExitCode, exitCodeOf } from '../explore/exit-code.ts'
import type { CampaignResult } from '../explore/explore.ts'
import type { ExploreOptions } from '../explore/explore-options.ts'
import { findingKey } from '../explore/finding.ts'
import { expectedKey, type ReplayReport } from './replay.ts'

/** A campaign for programs. Keys are stable; new ones may be added. */
export function campaignJson(result: CampaignResult, options: ExploreOptions, workers: number): object {
  const { totals, counterexamples, shrinkErrors, runSeed, elapsedMs, rssMaxBytes, interrupted } = result
  return {
    command: 'explore',
    exitCode: campaignExitCode(result),
    seed: runSeed,
    options,
    workers,
    interrupted,
    trials: totals.trials,
    repeated: totals.repeated,
    events: totals.events,
    virtualMs: totals.virtualMs,
    wallMs: totals.wallMs,
    elapsedMs,
    rssMaxBytes,
    faults: sorted(totals.faults),
    probes: sorted(totals.probes),
    findings: totals.findings.map(({ finding, count, firstSeed }) => ({ ...finding, trials: count, firstSeed })),
    counterexamples: counterexamples.map(({ total, counterexample, file }) => ({
      key: findingKey(total.finding),
      seed: total.firstSeed,
      file,
      ...counterexample,
    })),
    divergences: totals.divergences,
    divergenceCount: totals.divergenceCount,
    workerErrors: totals.workerErrors,
    shrinkErrors,
  }
}

/** A replay for programs. */
export function replayJson({ replay, file, versions, traceFile, untilMs }: ReplayReport): object {
  return {
    command: 'replay',
    exitCode: exitCodeOf(replay.findings),
    ...replay,
    versions,
    untilMs,
    traceFile,
    ...(file === undefined
      ? {}
      : {
          expected: file.expect,
          reproduced: replay.findings.some(finding => findingKey(finding) === expectedKey(file.expect)),
          sameDigest: replay.digest === file.expect.digest,
        }),
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}
