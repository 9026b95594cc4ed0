import type { Checker } from './evidence.ts'

/**
 * Timers a second that an idle client may use. Every client keeps a few (metadata refresh, idle connections, request
 * time-outs); polling every 10 ms is the quickest that could still be called a choice.
 */
const IDLE_TIMERS_PER_SECOND_MAX = 100

/** An idle client does not burn timers (`busy-timers`). KafkaJS 2.2.4 is known to: its issue 1751. */
export const noBusyTimers: Checker = ({ conduct, scenario }) =>
  conduct
    .filter(({ idleTimersPerSecond }) => idleTimersPerSecond > IDLE_TIMERS_PER_SECOND_MAX)
    .map(({ producer, idleTimersPerSecond }) => ({
      guarantee: 'no-busy-timers',
      kind: 'busy-timers',
      message: `Producer ${producer} (${scenario.workload.producers[producer]?.client}) had nothing to do, but ${idleTimersPerSecond} of its timers fired within one second (at most ${IDLE_TIMERS_PER_SECOND_MAX} are fine).`,
    }))
