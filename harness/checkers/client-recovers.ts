import { atTime, counted } from './describe.ts'
import type { Checker } from './evidence.ts'

/**
 * After healing every producer gets a further record through with the client it has (`client-does-not-recover`). Asked for
 * by name: KafkaJS 2.2.4 is known to violate it (a connection whose first request timed out stays "not connected").
 */
export const clientRecovers: Checker = ({ scenario, history, healedMs }) =>
  scenario.workload.producers.flatMap(({ client }, producer) => {
    const sends = history.sends.filter(
      send => send.producer === producer && send.afterHealing && send.freshClient !== true,
    )
    if (sends.some(({ outcome }) => outcome.kind === 'ok')) return []
    const last = sends.findLast(({ outcome }) => outcome.kind === 'indeterminate' || outcome.kind === 'failed')?.outcome
    const error = last?.kind === 'indeterminate' || last?.kind === 'failed' ? `: ${last.error.message}` : ''
    const tried =
      sends.length === 0 ? 'could not even send' : `got none of ${counted(sends.length, 'further send')} through`
    const message = `All faults had ended at ${atTime(healedMs)}, but producer ${producer} (${client}) ${tried} with the client it had${error}.`
    return [{ guarantee: 'client-recovers', kind: 'client-does-not-recover', message }]
  })
