import fc from 'fast-check'
import { COMPRESSION_NAMES, type ProducerSpec, type SendSpec, THIRD_PARTY_CLIENT_NAMES } from '../trial/scenario.ts'
import type { ExploreOptions } from './explore-options.ts'
import { CHAOS_WINDOW_MS } from './fault-arbitrary.ts'

const MAX_PRODUCERS = 3
/** Most trials are short; a log of many batches is needed to be cut, rolled or replayed in the middle. */
const FEW_SENDS = 10
const MANY_SENDS = 40
const MAX_RECORDS = 5
const MAX_PARTITION = 7

/** Retries without end: the default of both clients for an idempotent producer. */
export const UNLIMITED_RETRIES = Number.MAX_SAFE_INTEGER

const send: fc.Arbitrary<SendSpec> = fc
  .record({
    atMs: fc.nat(CHAOS_WINDOW_MS),
    partition: fc.nat(MAX_PARTITION),
    records: fc.integer({ min: 1, max: MAX_RECORDS }),
    // Only a batch of more than one sector can tear when the power fails.
    bytes: fc.oneof({ weight: 3, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: fc.nat(5000) }),
  })
  .map(drawn => ({ ...drawn }))

function sends(maxLength: number): fc.Arbitrary<SendSpec[]> {
  return fc.array(send, { minLength: 1, maxLength, size: 'max' })
}

/** A steady pace from some time on: whatever happens then, something is on its way. */
const steadySends: fc.Arbitrary<SendSpec[]> = fc
  .record({
    startMs: fc.nat(CHAOS_WINDOW_MS / 2),
    everyMs: fc.integer({ min: 10, max: 200 }),
    sends: sends(MANY_SENDS),
    partition: fc.option(fc.nat(MAX_PARTITION), { nil: undefined }),
  })
  .map(({ startMs, everyMs, sends: drawn, partition }) =>
    drawn.map((spec, index) => ({
      ...spec,
      atMs: startMs + index * everyMs,
      ...(partition === undefined ? {} : { partition }),
    })),
  )

/**
 * One producer. What its client does not take is not generated: an idempotent producer has acks=-1, and KafkaJS brings
 * no compression but gzip. An idempotent producer is drawn sequential, with unlimited retries, and replaced after an error
 * unless the options say otherwise: KafkaJS gives the sequence number of a send that was given up or overtaken to the
 * next one, so that only this use of it is sound (`--no-sequential`, `--retries` and `--no-renew-after-error` show it).
 * The one with the Java client's semantics needs neither.
 */
function producerArbitrary(options: ExploreOptions): fc.Arbitrary<ProducerSpec> {
  return fc
    .record({
      client: options.client === undefined ? fc.constantFrom(...THIRD_PARTY_CLIENT_NAMES) : fc.constant(options.client),
      acks: fc.oneof(
        { weight: 4, arbitrary: fc.constant(-1) },
        { weight: 2, arbitrary: fc.constant(1) },
        fc.constant(0),
      ),
      idempotent: fc.boolean(),
      maxInFlight: fc.option(fc.integer({ min: 1, max: 5 })),
      retries: fc.constantFrom(5, 0, 1, 3, 8),
      requestTimeoutMs: fc.constantFrom(30_000, 10_000, 3000, 1000),
      compression: fc.constantFrom(...COMPRESSION_NAMES),
      sequential: fc.constantFrom(true, false),
      sends: fc.oneof(
        { withCrossShrink: true },
        { weight: 3, arbitrary: sends(FEW_SENDS) },
        { weight: 1, arbitrary: sends(MANY_SENDS) },
        { weight: 2, arbitrary: steadySends },
      ),
    })
    .map(drawn => {
      const acks = options.acks ?? (drawn.acks as ProducerSpec['acks'])
      const idempotent = options.idempotent ?? (drawn.idempotent && (options.acks ?? -1) === -1)
      const needsCare = idempotent && drawn.client !== 'java-semantics'
      const kafkaJsCompression = drawn.compression === 'gzip' ? 'gzip' : 'none'
      return {
        client: drawn.client,
        acks: idempotent ? -1 : acks,
        idempotent,
        maxInFlight: options.maxInFlight ?? drawn.maxInFlight,
        retries: options.retries ?? (idempotent ? UNLIMITED_RETRIES : drawn.retries),
        requestTimeoutMs: drawn.requestTimeoutMs,
        compression: drawn.client === 'kafkajs' ? kafkaJsCompression : drawn.compression,
        sequential: options.sequential ?? (needsCare || drawn.sequential),
        renewAfterError: options.renewAfterError ?? needsCare,
        sends: drawn.sends,
      }
    })
}

export function producersArbitrary(options: ExploreOptions): fc.Arbitrary<ProducerSpec[]> {
  return fc.array(producerArbitrary(options), { minLength: 1, maxLength: MAX_PRODUCERS })
}
