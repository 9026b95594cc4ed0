import type { Finding } from '../explore/finding.ts'
import type { GuaranteeName } from '../trial/scenario.ts'
import type { VerdictConfiguration } from './configuration.ts'

export const JUDGED_NAMES = ['loss', 'duplicates', 'order', 'availability'] as const
/** The four things that people ask of a configuration. */
export type JudgedName = (typeof JUDGED_NAMES)[number]

/** What is asked, and by which checkers it is judged. */
export interface Judged {
  readonly name: JudgedName
  /** What a person reads: `no acknowledged record lost`. */
  readonly title: string
  readonly guarantees: readonly GuaranteeName[]
  /** Kinds of trial failures that break it as well. */
  readonly failures: readonly string[]
}

/**
 * With acks=0 nothing is ever acknowledged: what is asked is what the "done" of the client is worth, and nothing is asked
 * of an order, which is one of acknowledged records.
 */
export function judgedBy({ producer }: Pick<VerdictConfiguration, 'producer'>): Judged[] {
  const isAcknowledged = producer.acks !== 0
  const loss: Judged = isAcknowledged
    ? { name: 'loss', title: 'no acknowledged record lost', guarantees: ['no-loss'], failures: [] }
    : {
        name: 'loss',
        title: 'no record lost that the client called done',
        guarantees: ['no-silent-loss'],
        failures: [],
      }
  const order: Judged = { name: 'order', title: 'order kept', guarantees: ['order'], failures: [] }
  return [
    loss,
    { name: 'duplicates', title: 'no duplicates', guarantees: ['no-duplicates'], failures: [] },
    ...(isAcknowledged ? [order] : []),
    {
      name: 'availability',
      title: 'available again after healing',
      guarantees: ['recovers', 'cluster-recovers', 'every-send-settles'],
      failures: ['liveness', 'deadlock'],
    },
  ]
}

/** Whether a finding breaks what is judged. */
export function breaks(
  { guarantees, failures }: Judged,
  { guarantee, kind }: Pick<Finding, 'guarantee' | 'kind'>,
): boolean {
  return guarantee === 'trial' ? failures.includes(kind) : guarantees.includes(guarantee)
}
