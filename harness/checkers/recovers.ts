import { atTime, counted } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'

/**
 * After healing every application gets a further record through before the trial ends, if need be with a fresh client
 * (`producer-does-not-recover`).
 */
export const recovers: Checker = ({ scenario, history, healedMs, endedMs }) => {
  const violations: Violation[] = []
  for (const [producer, { client }] of scenario.workload.producers.entries()) {
    const sends = history.sends.filter(send => send.afterHealing && send.producer === producer)
    if (sends.some(({ outcome }) => outcome.kind === 'ok')) continue
    const tried =
      sends.length === 0 ? 'could not even send' : `got none of ${counted(sends.length, 'further send')} through`
    const last = sends.at(-1)?.outcome
    const error = last === undefined || last.kind === 'pending' || last.kind === 'ok' ? '' : ` (${last.error.message})`
    violations.push({
      guarantee: 'recovers',
      kind: 'producer-does-not-recover',
      message: `All faults had ended at ${atTime(healedMs)}, but producer ${producer} (${client}) ${tried} by ${atTime(endedMs)}${error}.`,
    })
  }
  return violations
}
