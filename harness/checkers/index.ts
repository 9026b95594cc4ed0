import type { GuaranteeName } from '../trial/scenario.ts'
import { boundedQueues } from './bounded-queues.ts'
import { clientRecovers } from './client-recovers.ts'
import { dropsDeadConnections } from './drops-dead-connections.ts'
import { everySendSettles } from './every-send-settles.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'
import { noBusyTimers } from './no-busy-timers.ts'
import { noDuplicates } from './no-duplicates.ts'
import { noLoss } from './no-loss.ts'
import { noPhantoms } from './no-phantoms.ts'
import { noUnexplainedLoss } from './no-unexplained-loss.ts'
import { order } from './order.ts'
import { recovers } from './recovers.ts'
import { stableOffsets } from './stable-offsets.ts'
import { wellFormedLog } from './well-formed-log.ts'

/** The checker of every guarantee. */
export const CHECKERS: Readonly<Record<GuaranteeName, Checker>> = {
  'no-loss': noLoss,
  'no-unexplained-loss': noUnexplainedLoss,
  'no-phantoms': noPhantoms,
  'no-duplicates': noDuplicates,
  order,
  'stable-offsets': stableOffsets,
  'well-formed-log': wellFormedLog,
  'every-send-settles': everySendSettles,
  'bounded-queues': boundedQueues,
  recovers,
  'client-recovers': clientRecovers,
  'no-busy-timers': noBusyTimers,
  'drops-dead-connections': dropsDeadConnections,
}

/** Violations of one kind that are kept; a burst of the same adds nothing. */
const MAX_OF_A_KIND = 20

/** Judges the guarantees that the scenario asks for, in its order; at most the first 20 violations of each kind. */
export function check(evidence: Evidence): Violation[] {
  const kept: Violation[] = []
  for (const guarantee of new Set(evidence.scenario.guarantees)) {
    const counts = new Map<string, number>()
    for (const violation of CHECKERS[guarantee](evidence)) {
      const count = (counts.get(violation.kind) ?? 0) + 1
      counts.set(violation.kind, count)
      if (count <= MAX_OF_A_KIND) kept.push(violation)
    }
  }
  return kept
}
