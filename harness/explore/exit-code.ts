import type { CampaignResult } from './explore.ts'
import { type Finding, severityOf } from './finding.ts'

export const EXIT = { clean: 0, violation: 1, usage: 2, stuck: 3, internal: 4 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/**
 * The exit code for what was found. A defect of the harness comes first, because then nothing else can be trusted; a
 * violation comes before liveness and deadlock, because it is the stronger statement.
 */
export function exitCodeOf(findings: readonly Pick<Finding, 'guarantee' | 'kind'>[]): ExitCode {
  const severities = new Set(findings.map(severityOf))
  if (severities.has('internal')) return EXIT.internal
  if (severities.has('violation')) return EXIT.violation
  return severities.has('stuck') ? EXIT.stuck : EXIT.clean
}

export function campaignExitCode({ totals, shrinkErrors }: CampaignResult): ExitCode {
  if (totals.divergenceCount > 0 || totals.workerErrorCount > 0 || shrinkErrors.length > 0) return EXIT.internal
  return exitCodeOf(totals.findings.map(({ finding }) => finding))
}
