/** Keys of the Java producer of Kafka 4.2 that decide what is judged. */
export const JUDGED_PRODUCER_KEYS = [
  'acks',
  'enable.idempotence',
  'max.in.flight.requests.per.connection',
  'retries',
  'request.timeout.ms',
  'delivery.timeout.ms',
  'linger.ms',
  'compression.type',
] as const
export type JudgedProducerKey = (typeof JUDGED_PRODUCER_KEYS)[number]

/** Its other keys: they mean nothing for what is judged. Those that begin with `ssl.` and `sasl.` are known by that. */
const OTHER_PRODUCER_KEYS: readonly string[] = [
  'batch.size',
  'bootstrap.servers',
  'buffer.memory',
  'client.dns.lookup',
  'client.id',
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.zstd.level',
  'config.providers',
  'connections.max.idle.ms',
  'enable.metrics.push',
  'interceptor.classes',
  'key.serializer',
  'max.block.ms',
  'max.request.size',
  'metadata.max.age.ms',
  'metadata.max.idle.ms',
  'metadata.recovery.rebootstrap.trigger.ms',
  'metadata.recovery.strategy',
  'metric.reporters',
  'metrics.num.samples',
  'metrics.recording.level',
  'metrics.sample.window.ms',
  'partitioner.adaptive.partitioning.enable',
  'partitioner.availability.timeout.ms',
  'partitioner.class',
  'partitioner.ignore.keys',
  'receive.buffer.bytes',
  'reconnect.backoff.max.ms',
  'reconnect.backoff.ms',
  'retry.backoff.max.ms',
  'retry.backoff.ms',
  'sasl.jaas.config',
  'sasl.mechanism',
  'security.protocol',
  'security.providers',
  'send.buffer.bytes',
  'socket.connection.setup.timeout.max.ms',
  'socket.connection.setup.timeout.ms',
  'ssl.keystore.location',
  'ssl.truststore.location',
  'transaction.timeout.ms',
  'transaction.two.phase.commit.enable',
  'transactional.id',
  'value.serializer',
]

const OPEN_FAMILIES = /^(ssl|sasl|config\.providers)\./

export const PRODUCER_KEYS: readonly string[] = [...JUDGED_PRODUCER_KEYS, ...OTHER_PRODUCER_KEYS]

export function isProducerKey(key: string): boolean {
  return PRODUCER_KEYS.includes(key) || OPEN_FAMILIES.test(key)
}
