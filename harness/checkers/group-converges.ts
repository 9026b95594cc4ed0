import { atTime } from './describe.ts'
import type { Checker } from './evidence.ts'

/**
 * After all faults have ended every partition gets an owner that runs, and the group commits every record, in bounded time,
 * if need be with fresh clients (`group-does-not-converge`).
 */
export const groupConverges: Checker = ({ groups, healedMs }) =>
  groups.flatMap(({ groupId, spec, recovery }) => {
    if (recovery.converged) return []
    const missing = recovery.missing.join('; ')
    return [
      {
        guarantee: 'group-converges',
        kind: 'group-does-not-converge',
        message: `All faults had ended at ${atTime(healedMs)}, but of ${groupId} (${spec.client}) ${atTime(recovery.tookMs)} later ${missing}.`,
      },
    ]
  })
