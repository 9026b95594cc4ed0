import fc from 'fast-check'
import type { Api } from '../../src/protocol/api.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import type { Field, Fields, FieldType } from '../../src/protocol/schema.ts'
import { API_HANDLERS } from '../../src/server/kafka-apis.ts'
import { BAD_RECORDS, forged, GOLDEN_TOPIC } from '../../test/support/hostile-frames.ts'

/**
 * Words that mean something to a broker, and some that mean nothing. Not the topic of the well-behaved client: any client
 * may delete any topic, and that is no attack on the wire.
 */
const WORDS = [
  GOLDEN_TOPIC,
  'another-topic',
  '__consumer_offsets',
  '__cluster_metadata',
  '.',
  'a/b',
  'x'.repeat(250),
  '1',
  '2',
  '-1',
  '9223372036854775807',
  'cleanup.policy',
  'compact',
  'delete',
  'compression.type',
  'gzip',
  'retention.ms',
  'retention.bytes',
  'segment.bytes',
  'segment.ms',
  'max.message.bytes',
  'min.insync.replicas',
  'message.timestamp.type',
  'LogAppendTime',
] as const

/** The numbers that brokers count, index and compare with. No thousands: a topic may have so many partitions, slowly. */
const numbers = (lowest: number, highest: number): fc.Arbitrary<number> =>
  fc.oneof(
    { arbitrary: fc.integer({ min: Math.max(lowest, -5), max: Math.min(highest, 5) }), weight: 6 },
    { arbitrary: fc.constantFrom(lowest, lowest + 1, highest - 1, highest), weight: 2 },
  )

/** How long a request may wait: never so long that its connection is closed for being idle. */
const waitsMs = fc.constantFrom(-0x8000_0000, -1, 0, 1, 500)

const records: fc.Arbitrary<Buffer | null> = fc
  .oneof(
    fc.constant(() => forged(() => undefined)),
    fc.constantFrom(...BAD_RECORDS.map(bad => bad.records)),
  )
  .map(make => make())

/** Any request to a broker that is well-formed on the wire, sense or not, in any version of any API it has. */
export const requestArbitrary: fc.Arbitrary<{ readonly name: string; readonly frame: Buffer }> = fc
  .constantFrom(...[...API_HANDLERS.values()].map(({ api }) => api))
  .chain(api => fc.tuple(fc.constant(api), fc.integer({ min: api.versions[0], max: api.versions[1] })))
  .chain(([api, version]) =>
    bodyArbitrary(api, version).map(body => ({
      name: `${api.name} v${version} ${JSON.stringify(body)}`,
      frame: encodeRequest(api, version, { correlationId: 7, clientId: 'hostile' }, body),
    })),
  )

function bodyArbitrary(api: Api, version: number): fc.Arbitrary<Record<string, unknown>> {
  return structArbitrary(api.request.fields, version)
}

function structArbitrary(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  const present = Object.entries(fields).filter(([, field]) => field.existsIn(version))
  return fc.record(
    Object.fromEntries(present.map(([name, field]) => [name, fieldArbitrary(name, field, version)] as const)),
  )
}

function fieldArbitrary(name: string, field: Field, version: number): fc.Arbitrary<unknown> {
  const value = name.endsWith('Ms') && field.type.kind === 'int32' ? waitsMs : typeArbitrary(field.type, version)
  return field.nullableIn(version) ? fc.option(value, { freq: 4 }) : value
}

function typeArbitrary(type: FieldType, version: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'struct':
      return structArbitrary(type.fields, version)
    case 'array':
      return fc.array(typeArbitrary(type.element, version), { maxLength: 3 })
    case 'bool':
      return fc.boolean()
    case 'int8':
      return numbers(-0x80, 0x7f)
    case 'int16':
      return numbers(-0x8000, 0x7fff)
    case 'uint16':
      return numbers(0, 0xffff)
    case 'int32':
      return numbers(-0x8000_0000, 0x7fff_ffff)
    case 'uint32':
      return numbers(0, 0xffff_ffff)
    case 'int64':
    case 'int64Saturated':
      return numbers(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    case 'bigInt64':
      return fc.bigInt({ min: -9_223_372_036_854_775_808n, max: 9_223_372_036_854_775_807n })
    case 'float64':
      return fc.double({ noNaN: true })
    case 'uuid':
      return fc.constantFrom('AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAQ', 'sSKsN2kFQ7y1Eo0V0yWeVA')
    case 'string':
      return fc.oneof({ arbitrary: fc.constantFrom(...WORDS), weight: 5 }, fc.string({ maxLength: 10 }))
    case 'bytes':
      return fc.uint8Array({ maxLength: 50 }).map(bytes => Buffer.from(bytes))
    case 'records':
      return records
  }
}
