import { atTime, recordsOf } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'

/** Every send settles (`send-never-settles`), exactly once (`send-settles-twice`). */
export const everySendSettles: Checker = ({ history, endedMs }) => {
  const violations: Violation[] = []
  for (const send of history.sends) {
    const what = `The send of ${recordsOf(send)} by producer ${send.producer} at ${atTime(send.invokedMs)}`
    if (send.outcome.kind === 'pending' || send.settled === 0) {
      violations.push({
        guarantee: 'every-send-settles',
        kind: 'send-never-settles',
        message: `${what} was still open when the trial stopped waiting at ${atTime(endedMs)}.`,
      })
    } else if (send.settled > 1) {
      violations.push({
        guarantee: 'every-send-settles',
        kind: 'send-settles-twice',
        message: `${what} settled ${send.settled} times, first at ${atTime(send.outcome.atMs)} (${send.outcome.kind}).`,
      })
    }
  }
  return violations
}
