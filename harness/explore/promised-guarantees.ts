import { GUARANTEE_NAMES, type GuaranteeName, type Scenario } from '../trial/scenario.ts'
import type { ExploreOptions } from './explore-options.ts'

/** Promises that hold whatever the configuration. */
const UNCONDITIONAL: readonly GuaranteeName[] = [
  'no-phantoms',
  'well-formed-log',
  'every-send-settles',
  'bounded-queues',
  'recovers',
]

/** With which every record is on the platter before its acknowledgement. */
export const FLUSH_EVERY_RECORD = { key: 'log.flush.interval.messages', value: '1' } as const

/**
 * What a configuration promises, so that every violation is a finding. No duplicates: only when all producers are
 * idempotent. Order: only when each awaits one send before the next or is idempotent. That acknowledged records and their
 * offsets stay: not over a power loss before they were flushed, unless `power-loss` was asked for by name, which asks what it
 * does to them. The conduct of clients (`no-busy-timers`, `drops-dead-connections`) only when `require`d, because KafkaJS 2.2.4
 * is known to violate it; anything else that is required is judged too, promised or not.
 */
export function promisedGuarantees(
  { workload, faults, cluster }: Pick<Scenario, 'workload' | 'faults' | 'cluster'>,
  options: Pick<ExploreOptions, 'faults' | 'require'> = {},
): GuaranteeName[] {
  const { producers } = workload
  const promised = new Set<GuaranteeName>([...UNCONDITIONAL, ...(options.require ?? [])])
  const losesPower = faults.some(({ kind }) => kind === 'power-loss')
  const flushed = cluster.config[FLUSH_EVERY_RECORD.key] === FLUSH_EVERY_RECORD.value
  if (!losesPower || flushed || options.faults !== undefined) promised.add('no-loss').add('stable-offsets')
  else promised.add('no-unexplained-loss')
  if (producers.every(({ idempotent }) => idempotent)) promised.add('no-duplicates')
  if (producers.every(({ idempotent, sequential }) => idempotent || sequential)) promised.add('order')
  return GUARANTEE_NAMES.filter(name => promised.has(name))
}
