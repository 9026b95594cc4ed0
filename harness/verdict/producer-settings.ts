import { INT_MAX } from '../../src/config/config-def.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { COMPRESSION_NAMES, type CompressionName } from '../trial/scenario.ts'
import type { JudgedProducerKey } from './producer-keys.ts'
import { RefusedConfiguration } from './refused-configuration.ts'
import { booleanOf, wholeOf } from './setting-values.ts'

/** What the Java producer of Kafka 4.2 makes of its configuration. */
export interface ProducerSettings {
  readonly acks: -1 | 0 | 1
  readonly idempotent: boolean
  readonly maxInFlight: number
  readonly retries: number
  readonly requestTimeoutMs: number
  readonly compression: CompressionName
  /** What the producer does without being asked, each in a sentence. */
  readonly notes: readonly string[]
}

/** Above that the sequence numbers of batches could not be told from repetitions (KIP-98). */
const MAX_IN_FLIGHT_WHEN_IDEMPOTENT = 5
const DEFAULTS = {
  maxInFlight: 5,
  retries: INT_MAX,
  requestTimeoutMs: 30_000,
  deliveryTimeoutMs: 120_000,
  lingerMs: 5,
} as const

/**
 * Reads producer settings as Kafka's ProducerConfig does: idempotence is on unless another setting contradicts it, and what
 * contradicts idempotence that was asked for is an error.
 *
 * @param given values by the Java producer's keys
 * @throws ConfigError for a value that the key does not take
 * @throws RefusedConfiguration for values that contradict each other
 */
export function producerSettings(given: ReadonlyMap<JudgedProducerKey, string>): ProducerSettings {
  const acks = readAcks(given.get('acks'))
  const retries = readNumber(given, 'retries', 0, DEFAULTS.retries)
  const maxInFlight = readNumber(given, 'max.in.flight.requests.per.connection', 1, DEFAULTS.maxInFlight)
  const requestTimeoutMs = readNumber(given, 'request.timeout.ms', 0, DEFAULTS.requestTimeoutMs)
  const compression = readCompression(given.get('compression.type'))
  const notes: string[] = []
  const idempotent = readIdempotence(given, { acks, retries, maxInFlight }, notes)
  checkDeliveryTimeout(given, requestTimeoutMs)
  return { acks, idempotent, maxInFlight, retries, requestTimeoutMs, compression, notes }
}

function readIdempotence(
  given: ReadonlyMap<JudgedProducerKey, string>,
  { acks, retries, maxInFlight }: Pick<ProducerSettings, 'acks' | 'retries' | 'maxInFlight'>,
  notes: string[],
): boolean {
  const text = given.get('enable.idempotence')
  if (text !== undefined && booleanOf('enable.idempotence', text) === false) return false
  const asked = text !== undefined
  const conflict = (refusal: string, silently: string): void => {
    if (asked) throw new RefusedConfiguration('ConfigException', refusal)
    notes.push(`Idempotence is silently off, because ${silently} (enable.idempotence=true would be an error).`)
  }
  if (retries === 0) conflict('Must set retries to non-zero when using the idempotent producer.', 'retries=0')
  if (acks !== -1) {
    const refusal =
      'Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.'
    conflict(refusal, `acks=${acks} and not all`)
  }
  // Since Kafka 4.0 also when nobody asked for idempotence, which is the default.
  if (maxInFlight > MAX_IN_FLIGHT_WHEN_IDEMPOTENT) {
    const refusal = `To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most ${MAX_IN_FLIGHT_WHEN_IDEMPOTENT}. Current value is ${maxInFlight}.`
    const hint = asked ? '' : ' (idempotence is on by default; enable.idempotence=false turns it off)'
    throw new RefusedConfiguration('ConfigException', `${refusal}${hint}`)
  }
  return notes.length === 0
}

/** Only a timeout that was set can be too short; the default is lengthened. */
function checkDeliveryTimeout(given: ReadonlyMap<JudgedProducerKey, string>, requestTimeoutMs: number): void {
  const lingerMs = readNumber(given, 'linger.ms', 0, DEFAULTS.lingerMs)
  const deliveryTimeoutMs = readNumber(given, 'delivery.timeout.ms', 0, DEFAULTS.deliveryTimeoutMs)
  if (!given.has('delivery.timeout.ms') || deliveryTimeoutMs >= lingerMs + requestTimeoutMs) return
  throw new RefusedConfiguration(
    'ConfigException',
    'delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms',
  )
}

function readAcks(text = 'all'): ProducerSettings['acks'] {
  if (text === 'all' || text === '-1') return -1
  if (text === '0') return 0
  if (text === '1') return 1
  throw new ConfigError('acks', text, 'expected one of all, -1, 0, 1')
}

function readCompression(text = 'none'): CompressionName {
  const found = COMPRESSION_NAMES.find(name => name === text)
  if (found !== undefined) return found
  throw new ConfigError('compression.type', text, `expected one of ${COMPRESSION_NAMES.join(', ')}`)
}

function readNumber(
  given: ReadonlyMap<JudgedProducerKey, string>,
  key: JudgedProducerKey,
  least: number,
  byDefault: number,
): number {
  const text = given.get(key)
  return text === undefined ? byDefault : wholeOf(key, text, least)
}
