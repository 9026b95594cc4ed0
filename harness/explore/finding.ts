import type { TrialFailure, TrialResult } from '../trial/result.ts'
import type { GuaranteeName } from '../trial/scenario.ts'

/** Something a trial found: a violated guarantee, or a reason why it could not be judged. */
export interface Finding {
  /** The guarantee; `trial` when it could not be judged. */
  readonly guarantee: GuaranteeName | 'trial'
  /** The kind of violation or of failure. A shrunk scenario counts only if it gives the same guarantee and kind. */
  readonly kind: string
  /** One sentence, perhaps with lines of detail after it. */
  readonly message: string
}

/** `no-loss/acked-record-missing`: what makes two findings the same. */
export function findingKey({ guarantee, kind }: Pick<Finding, 'guarantee' | 'kind'>): string {
  return `${guarantee}/${kind}`
}

/** The findings of a trial: its failure, and the first violation of each guarantee and kind. */
export function findingsOf({ failure, violations }: Pick<TrialResult, 'failure' | 'violations'>): Finding[] {
  const findings = new Map<string, Finding>()
  if (failure !== undefined) {
    const { kind, message } = failure
    findings.set(findingKey({ guarantee: 'trial', kind }), { guarantee: 'trial', kind, message })
  }
  for (const { guarantee, kind, message } of violations) {
    const key = findingKey({ guarantee, kind })
    if (!findings.has(key)) findings.set(key, { guarantee, kind, message })
  }
  return [...findings.values()]
}

/** Kinds of failure that tell of a defect of the harness, not of what is on trial. */
const INTERNAL: ReadonlySet<string> = new Set<TrialFailure['kind']>(['internal', 'escape'])
/** Kinds of failure in which something that had to happen did not. */
const STUCK: ReadonlySet<string> = new Set<TrialFailure['kind']>(['liveness', 'deadlock'])

/** What a finding means for the exit code. A crash of a broker or an application counts as a violation. */
export function severityOf({
  guarantee,
  kind,
}: Pick<Finding, 'guarantee' | 'kind'>): 'internal' | 'stuck' | 'violation' {
  if (guarantee !== 'trial') return 'violation'
  if (INTERNAL.has(kind)) return 'internal'
  return STUCK.has(kind) ? 'stuck' : 'violation'
}
