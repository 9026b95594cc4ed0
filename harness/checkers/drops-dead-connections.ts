import { atTime, counted } from './describe.ts'
import type { Checker } from './evidence.ts'

/**
 * Silence, in request time-outs of the producer, after which going on with a connection is a defect. A client that drops
 * a connection when a request on it times out is silent for one time-out; another one leaves room for requests that were
 * already under way when it did. Beyond both, each further request was a decision to trust a connection that is dead.
 */
const SILENT_TIMEOUTS_MAX = 2

/**
 * A client whose request timed out does not go on using the connection that never answered
 * (`reuses-dead-connection`). KafkaJS 2.2.4 is known to: its issue 919.
 */
export const dropsDeadConnections: Checker = ({ conduct, scenario }) =>
  conduct.flatMap(({ producer, requestsOnDeadConnection, deadConnectionMs }) => {
    const spec = scenario.workload.producers[producer]
    const limitMs = SILENT_TIMEOUTS_MAX * (spec?.requestTimeoutMs ?? 0)
    if (requestsOnDeadConnection === 0 || deadConnectionMs <= limitMs) return []
    const requests = counted(requestsOnDeadConnection, 'further request')
    const message = `Producer ${producer} (${spec?.client}) wrote ${requests} to a connection on which a request had timed out (${spec?.requestTimeoutMs} ms) and which was silent for ${atTime(deadConnectionMs)}.`
    return [{ guarantee: 'drops-dead-connections', kind: 'reuses-dead-connection', message }]
  })
