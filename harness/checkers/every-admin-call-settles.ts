import { describeChurn } from '../trial/churn-spec.ts'
import { atTime } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'

/** Everything that is asked of the admin client settles (`admin-call-never-settles`), exactly once (`admin-call-settles-twice`). */
export const everyAdminCallSettles: Checker = ({ churn, endedMs }) =>
  (churn?.calls ?? []).flatMap(({ operation, invokedMs, settled, outcome }): Violation[] => {
    if (settled === 1) return []
    const guarantee = 'every-admin-call-settles'
    const what = `What was asked for at ${atTime(invokedMs)} (${describeChurn(operation)})`
    if (settled === 0) {
      const message = `${what} was still open when the trial stopped waiting at ${atTime(endedMs)}.`
      return [{ guarantee, kind: 'admin-call-never-settles', message }]
    }
    const message = `${what} settled ${settled} times, first ${outcome.kind}.`
    return [{ guarantee, kind: 'admin-call-settles-twice', message }]
  })
