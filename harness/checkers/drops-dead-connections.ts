import { atTime, counted } from './describe.ts'
import type { Checker } from './evidence.ts'

/**
 * Silence after which going on with a connection is a defect. A client that drops a connection when a request on it
 * times out is silent for one request time-out, 30 s by default; another 30 s leave room for requests that were already
 * under way when it did. Beyond both, each further request was a decision to trust a connection that is dead.
 */
const DEAD_CONNECTION_MS_MAX = 60_000

/**
 * A client whose request timed out does not go on using the connection that never answered
 * (`reuses-dead-connection`). KafkaJS 2.2.4 is known to: its issue 919.
 */
export const dropsDeadConnections: Checker = ({ conduct, scenario }) =>
  conduct
    .filter(
      ({ requestsOnDeadConnection, deadConnectionMs }) =>
        requestsOnDeadConnection > 0 && deadConnectionMs > DEAD_CONNECTION_MS_MAX,
    )
    .map(({ producer, requestsOnDeadConnection, deadConnectionMs }) => ({
      guarantee: 'drops-dead-connections',
      kind: 'reuses-dead-connection',
      message: `Producer ${producer} (${scenario.workload.producers[producer]?.client}) wrote ${counted(requestsOnDeadConnection, 'further request')} to a connection on which a request had timed out and which was silent for ${atTime(deadConnectionMs)}.`,
    }))
