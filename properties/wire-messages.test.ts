import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Api } from '../src/protocol/api.ts'
import { API_BY_KEY } from '../src/protocol/apis/index.ts'
import {
  decodeRequestBody,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  parseRequestHeader,
} from '../src/protocol/codec.ts'
import { ProtocolError, UnsupportedVersionError } from '../src/protocol/protocol-error.ts'
import { type Field, type Fields, type FieldType, UNKNOWN_TAGS } from '../src/protocol/schema.ts'

/** Whoever hunts for more than the tests do every time gives another seed here and raises the runs. */
const RUNS = { seed: 20_260_101, numRuns: 25 } as const

const apis = [...API_BY_KEY.values()].map(api => ({ name: api.name, api }))

describe.each(apis)('$name', ({ api }) => {
  it.each(versions(api))('gives back any request, in version %d', version => {
    fc.assert(
      fc.property(headerArbitrary, messageArbitrary(api, 'request', version), (header, body) => {
        const frame = encodeRequest(api, version, header, body)
        const parsed = parseRequestHeader(frame)

        expect(parsed.header).toEqual({ apiKey: api.key, apiVersion: version, ...header })
        expect(decodeRequestBody(api, version, frame, parsed.bodyOffset)).toEqual(completed(api.request.fields, body))
      }),
      RUNS,
    )
  })

  it.each(versions(api))('gives back any response, in version %d', version => {
    fc.assert(
      fc.property(fc.integer(), messageArbitrary(api, 'response', version), (correlationId, body) => {
        const frame = encodeResponse(api, version, correlationId, body)

        const decoded = decodeResponse(api, version, frame)

        expect(decoded).toEqual({ correlationId, body: completed(api.response.fields, body) })
      }),
      RUNS,
    )
  })

  it.each(versions(api))('reads nothing but what is there from damaged requests, in version %d', version => {
    fc.assert(
      fc.property(messageArbitrary(api, 'request', version), damageArbitrary, (body, damage) => {
        const frame = damaged(encodeRequest(api, version, { correlationId: 1, clientId: 'c' }, body), damage)

        expectBoundedOrRefused(frame, () => {
          const { api: found, header, bodyOffset } = parseRequestHeader(frame)
          return decodeRequestBody(found, header.apiVersion, frame, bodyOffset)
        })
      }),
      RUNS,
    )
  })

  it.each(versions(api))('reads nothing but what is there from damaged responses, in version %d', version => {
    fc.assert(
      fc.property(messageArbitrary(api, 'response', version), damageArbitrary, (body, damage) => {
        const frame = damaged(encodeResponse(api, version, 1, body), damage)

        expectBoundedOrRefused(frame, () => decodeResponse(api, version, frame).body)
      }),
      RUNS,
    )
  })

  it.each(versions(api))('reads nothing but what is there from any bytes, in version %d', version => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const frame = Buffer.from(bytes)

        expectBoundedOrRefused(frame, () => decodeRequestBody(api, version, frame, 0))
        expectBoundedOrRefused(frame, () => decodeResponse(api, version, frame).body)
      }),
      RUNS,
    )
  })
})

describe('a request header', () => {
  it('is read from any bytes or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        const frame = Buffer.from(bytes)

        expectBoundedOrRefused(frame, () => parseRequestHeader(frame).header)
      }),
      { ...RUNS, numRuns: 2_000 },
    )
  })
})

const headerArbitrary = fc.record({
  correlationId: fc.integer(),
  clientId: fc.option(fc.string({ unit: 'binary' })),
})

function versions(api: Api): number[] {
  const [first, last] = api.versions
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** Any message that may be encoded in this version; fields that may be left out sometimes are. */
function messageArbitrary(api: Api, side: 'request' | 'response', version: number) {
  return structArbitrary(api[side].fields, version, api[side].isFlexible(version))
}

type Struct = Readonly<Record<string, unknown>> & { readonly [UNKNOWN_TAGS]?: readonly UnknownTagLike[] }
type UnknownTagLike = { readonly tag: number; readonly data: Buffer }

function structArbitrary(fields: Fields, version: number, flexible: boolean): fc.Arbitrary<Struct> {
  const present = Object.entries(fields).filter(([, field]) => field.existsIn(version))
  const values = Object.fromEntries(
    present.map(([name, field]) => [name, fieldArbitrary(field, version, flexible)] as const),
  )
  const mayBeLeftOut = (field: Field) => {
    const { since, until, tag, default: given } = field.options
    return since !== undefined || until !== undefined || tag !== undefined || given !== undefined
  }
  const requiredKeys = present.filter(([, field]) => !mayBeLeftOut(field)).map(([name]) => name)
  const struct: fc.Arbitrary<Struct> = fc.record(values, { requiredKeys })
  if (!flexible) return struct
  const unknownTags = fc.uniqueArray(
    fc.record({ tag: fc.integer({ min: 50, max: 0xffff_ffff }), data: bytesArbitrary }),
    { maxLength: 2, selector: unknown => unknown.tag },
  )
  return fc.tuple(struct, fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, unknownTags)).map(([known, unknown]) => {
    const ascending = [...unknown].sort((a, b) => a.tag - b.tag)
    return ascending.length === 0 ? known : { ...known, [UNKNOWN_TAGS]: ascending }
  })
}

function fieldArbitrary(field: Field, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const value = typeArbitrary(field.type, version, flexible)
  return field.nullableIn(version) ? fc.option(value) : value
}

const bytesArbitrary = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))

function typeArbitrary(type: FieldType, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'struct':
      return structArbitrary(type.fields, version, flexible)
    case 'array':
      return fc.array(typeArbitrary(type.element, version, flexible), { maxLength: 3 })
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffff_ffff })
    case 'int64':
    case 'int64Saturated':
      return fc.maxSafeInteger()
    case 'bigInt64':
      return fc.bigInt({ min: -9_223_372_036_854_775_808n, max: 9_223_372_036_854_775_807n })
    case 'float64':
      return fc.double({ noNaN: true })
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('base64url'))
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 40 })
    case 'bytes':
    case 'records':
      return bytesArbitrary
  }
}

/** What must be read when this was written: with the default of every field that was left out. */
function completed(fields: Fields, given: Struct): object {
  const entries = Object.entries(fields).map(([name, field]) => {
    const value = given[name]
    return [name, value === undefined ? field.defaultValue : completedValue(field.type, value)] as const
  })
  const unknown = given[UNKNOWN_TAGS]
  return { ...Object.fromEntries(entries), ...(unknown === undefined ? {} : { [UNKNOWN_TAGS]: unknown }) }
}

function completedValue(type: FieldType, value: unknown): unknown {
  if (type.kind === 'array' && Array.isArray(value)) return value.map(inner => completedValue(type.element, inner))
  return type.kind === 'struct' && value !== null ? completed(type.fields, value as Struct) : value
}

/** Places are fractions of the frame, so that they fit any. */
const damageArbitrary = fc.array(
  fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    kind: fc.constantFrom('overwrite', 'insert', 'remove', 'truncate', 'repeat'),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 5 }),
      // The lengths that hurt: the largest, the most negative, and compact ones without end.
      fc.constantFrom([0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 0x0f], [0xff]),
    ),
  }),
  { minLength: 1, maxLength: 4 },
)

type Damage = typeof damageArbitrary extends fc.Arbitrary<infer D> ? D : never

function damaged(frame: Buffer, damage: Damage): Buffer {
  return damage.reduce((bytes, { place, kind, bytes: foreign }) => {
    const at = Math.floor(place * bytes.length)
    const before = bytes.subarray(0, at)
    const inserted = Buffer.from(foreign)
    switch (kind) {
      case 'overwrite':
        return Buffer.concat([before, inserted, bytes.subarray(at + inserted.length)])
      case 'insert':
        return Buffer.concat([before, inserted, bytes.subarray(at)])
      case 'remove':
        return Buffer.concat([before, bytes.subarray(at + inserted.length)])
      case 'truncate':
        return before
      default:
        return Buffer.concat([bytes, bytes.subarray(at)])
    }
  }, frame)
}

/** Decoding must end in a message no larger than its bytes allow, or in an error that says whose fault it is. */
function expectBoundedOrRefused(frame: Buffer, decode: () => unknown): void {
  let message: unknown
  try {
    message = decode()
  } catch (error) {
    expect([ProtocolError, UnsupportedVersionError]).toContain((error as Error).constructor)
    return
  }
  expect(elements(message)).toBeLessThanOrEqual(frame.length)
}

function elements(value: unknown): number {
  if (Buffer.isBuffer(value) || typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value).reduce<number>((sum, part) => sum + elements(part), 0)
  return Array.isArray(value) ? value.length + inner : inner
}
