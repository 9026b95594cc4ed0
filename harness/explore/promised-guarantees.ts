import { GUARANTEE_NAMES, type GuaranteeName, type ProducerSpec } from '../trial/scenario.ts'

/** Promises that hold whatever the configuration. */
const UNCONDITIONAL: readonly GuaranteeName[] = [
  'no-loss',
  'no-phantoms',
  'stable-offsets',
  'well-formed-log',
  'every-send-settles',
  'bounded-queues',
  'recovers',
]

/**
 * What a configuration promises, so that every violation is a finding. No duplicates: only when all producers are
 * idempotent. Order: only when each awaits one send before the next or is idempotent. The conduct of clients
 * (`no-busy-timers`, `drops-dead-connections`) only when `required`, because KafkaJS 2.2.4 is known to violate it;
 * anything else that is `required` is judged too, promised or not.
 */
export function promisedGuarantees(
  producers: readonly ProducerSpec[],
  required: readonly GuaranteeName[] = [],
): GuaranteeName[] {
  const promised = new Set<GuaranteeName>([...UNCONDITIONAL, ...required])
  if (producers.every(({ idempotent }) => idempotent)) promised.add('no-duplicates')
  if (producers.every(({ idempotent, sequential }) => idempotent || sequential)) promised.add('order')
  return GUARANTEE_NAMES.filter(name => promised.has(name))
}
