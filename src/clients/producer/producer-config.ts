import { type ConfigDef, define, INT_MAX } from '../../config/config-def.ts'
import { ConfigError } from '../../config/config-error.ts'
import { COMPRESSION_CODECS, type CompressionCodec } from '../../protocol/records/batch.ts'
import type { Address } from '../../runtime/network.ts'
import { AbstractConfig, type ConfigValues, commonClientDefs, UNUSED_COMMON_KEYS } from '../abstract-config.ts'
import { parseBootstrapServers } from '../bootstrap-servers.ts'

/** Beyond that the sequence numbers of batches could not be told from repetitions (KIP-98). */
const MAX_IN_FLIGHT_FOR_IDEMPOTENCE = 5

const PARTITIONER_CLASSES = ['RoundRobinPartitioner', 'org.apache.kafka.clients.producer.RoundRobinPartitioner']

/** The keys of Kafka's ProducerConfig that mean something here. */
export const PRODUCER_CONFIG_DEFS: readonly ConfigDef[] = [
  ...commonClientDefs({ receiveBufferBytes: 32_768 }),
  define('acks', 'STRING', 'all', 'How many replicas must have a record before it is acknowledged.', {
    oneOf: ['all', '-1', '0', '1'],
  }),
  define('batch.size', 'INT', 16_384, 'Bytes of a batch, unless its first record is larger.', { min: 0 }),
  define('buffer.memory', 'LONG', 33_554_432, 'Bytes that wait to be sent, at most.', { min: 0 }),
  define('compression.type', 'STRING', 'none', 'How batches are compressed.', { oneOf: COMPRESSION_CODECS }),
  define('delivery.timeout.ms', 'INT', 120_000, 'After what time a record that is not acknowledged has failed.', {
    min: 0,
  }),
  define('enable.idempotence', 'BOOLEAN', true, 'Whether repetitions leave no duplicates and no disorder.'),
  define('linger.ms', 'LONG', 5, 'How long a batch waits for more records.', { min: 0 }),
  define('max.block.ms', 'LONG', 60_000, 'How long a send waits for metadata and memory.', { min: 0 }),
  define('max.in.flight.requests.per.connection', 'INT', 5, 'Requests to a broker that wait for their answers.', {
    min: 1,
  }),
  define('max.request.size', 'INT', 1_048_576, 'Bytes of a request, and of a record before compression.', { min: 0 }),
  define('metadata.max.idle.ms', 'LONG', 300_000, 'After what time an unused topic is forgotten.', { min: 5000 }),
  define('partitioner.adaptive.partitioning.enable', 'BOOLEAN', true, 'Whether fast partitions get more records.'),
  define('partitioner.availability.timeout.ms', 'LONG', 0, 'After what time a silent broker gets none, 0: never.', {
    min: 0,
  }),
  define('partitioner.class', 'STRING', null, 'Who chooses partitions; none: the built-in partitioner.', {
    oneOf: PARTITIONER_CLASSES,
  }),
  define('partitioner.ignore.keys', 'BOOLEAN', false, 'Whether keys mean nothing for the partition.'),
  define('retries', 'INT', INT_MAX, 'How often a batch is sent again.', { min: 0, max: INT_MAX }),
]

/** Keys of the Java producer that mean nothing here: serializers, interceptors and partitioners are given as objects. */
const UNUSED_KEYS: readonly string[] = [
  ...UNUSED_COMMON_KEYS,
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.zstd.level',
  'interceptor.classes',
  'key.serializer',
  'value.serializer',
  'transaction.timeout.ms',
  'transaction.two.phase.commit.enable',
]

/**
 * The configuration of a producer (Kafka's ProducerConfig), with what follows from one value for another: idempotence is off
 * when another value contradicts it, unless it was asked for.
 */
export class ProducerConfig extends AbstractConfig {
  readonly acks: -1 | 0 | 1
  readonly idempotent: boolean
  readonly bootstrapServers: readonly Address[]
  readonly deliveryTimeoutMs: number
  readonly lingerMs: number
  /** ≥ 1 */
  readonly batchSize: number
  readonly compression: CompressionCodec

  /** @throws ConfigError for a value that is not allowed, or that contradicts another */
  constructor(values: ConfigValues, onWarning: (message: string) => void) {
    const transactionalId = values['transactional.id']
    if (transactionalId !== undefined) {
      throw new ConfigError('transactional.id', String(transactionalId), 'transactions are not supported')
    }
    super(PRODUCER_CONFIG_DEFS, UNUSED_KEYS, values, onWarning)
    const acks = this.getString('acks')
    this.acks = acks === '0' ? 0 : acks === '1' ? 1 : -1
    this.bootstrapServers = parseBootstrapServers(this.getList('bootstrap.servers'))
    this.idempotent = this.#resolveIdempotence(onWarning)
    this.lingerMs = Math.min(this.getNumber('linger.ms'), INT_MAX)
    this.deliveryTimeoutMs = this.#resolveDeliveryTimeout(onWarning)
    this.batchSize = Math.max(1, this.getNumber('batch.size'))
    const compression = this.getString('compression.type')
    this.compression = COMPRESSION_CODECS.find(codec => codec === compression) ?? 'none'
  }

  #resolveIdempotence(onWarning: (message: string) => void): boolean {
    if (!this.getBoolean('enable.idempotence')) return false
    const conflict = (key: string, rule: string): void => {
      const value = this.getString(key)
      if (this.isExplicit('enable.idempotence')) throw new ConfigError(key, value, rule)
      onWarning(`Idempotence will be disabled because ${key} is set to ${value}.`)
    }
    const { acks } = this
    const noRetries = this.getNumber('retries') === 0
    if (noRetries) conflict('retries', 'Must set retries to non-zero when using the idempotent producer.')
    if (acks !== -1) {
      conflict(
        'acks',
        'Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.',
      )
    }
    // Since Kafka 4.0 also when nobody asked for idempotence, which is the default.
    const key = 'max.in.flight.requests.per.connection'
    if (this.getNumber(key) > MAX_IN_FLIGHT_FOR_IDEMPOTENCE) {
      const rule = `To use the idempotent producer, ${key} must be set to at most ${MAX_IN_FLIGHT_FOR_IDEMPOTENCE}.`
      throw new ConfigError(key, this.getString(key), rule)
    }
    return !noRetries && acks === -1
  }

  /** A timeout that was set can be too short; the default is lengthened. */
  #resolveDeliveryTimeout(onWarning: (message: string) => void): number {
    const key = 'delivery.timeout.ms'
    const deliveryTimeoutMs = this.getNumber(key)
    const least = Math.min(this.lingerMs + this.getNumber('request.timeout.ms'), INT_MAX)
    if (deliveryTimeoutMs >= least) return deliveryTimeoutMs
    const rule = `should be equal to or larger than linger.ms + request.timeout.ms, which is ${least}`
    if (this.isExplicit(key)) throw new ConfigError(key, this.getString(key), rule)
    onWarning(`${key} ${rule}. Setting it to that.`)
    return least
  }
}
