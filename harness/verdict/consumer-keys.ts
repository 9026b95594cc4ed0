import { CONSUMER_CONFIG_DEFS } from '../../src/clients/consumer/consumer-config.ts'

/** Keys of the Java consumer of Kafka 4.2 that decide what is judged. */
export const JUDGED_CONSUMER_KEYS = [
  'enable.auto.commit',
  'auto.commit.interval.ms',
  'isolation.level',
  'partition.assignment.strategy',
  'group.protocol',
  'group.instance.id',
  'session.timeout.ms',
  'heartbeat.interval.ms',
  'max.poll.interval.ms',
  'max.poll.records',
] as const
export type JudgedConsumerKey = (typeof JUDGED_CONSUMER_KEYS)[number]

/** Keys whose objects applications of this package give in another way, and that mean nothing for what is judged. */
const KEYS_OF_CLASSES: readonly string[] = [
  'config.providers',
  'interceptor.classes',
  'key.deserializer',
  'metric.reporters',
  'value.deserializer',
]

const OPEN_FAMILIES = /^(ssl|sasl|security|config\.providers|metrics?|share)\./

export const CONSUMER_KEYS: readonly string[] = [...CONSUMER_CONFIG_DEFS.map(({ key }) => key), ...KEYS_OF_CLASSES]

export function isConsumerKey(key: string): boolean {
  return CONSUMER_KEYS.includes(key) || OPEN_FAMILIES.test(key)
}
