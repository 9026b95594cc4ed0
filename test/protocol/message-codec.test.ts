import { describe, expect, expectTypeOf, it } from 'vitest'
import { MessageCodec } from '../../src/protocol/message-codec.ts'
import { EncodeError, ProtocolError } from '../../src/protocol/protocol-error.ts'
import {
  array,
  bytes,
  int8,
  int16,
  int32,
  type Message,
  type MessageInput,
  message,
  string,
  struct,
  UNKNOWN_TAGS,
} from '../../src/protocol/schema.ts'

/** Flexible from version 2. */
const Sample = message({
  id: int16(),
  name: string({ nullableSince: 1 }),
  old: int8({ until: 1, default: 5 }),
  rack: string({ since: 1, nullable: true, default: null, ignorable: true }),
  items: array({ key: int8(), values: array(int32()) }),
  epoch: int32({ since: 2, tag: 1, default: -1 }),
  leader: struct({ node: int32({ default: -1 }), port: int16({ default: -1 }) }, { since: 2, tag: 0 }),
  extra: struct({ data: bytes() }, { since: 3, nullable: true, default: null }),
})

const codec = new MessageCodec(Sample, { name: 'Sample', flexibleSince: 2 })

function roundTrip(version: number, input: MessageInput<typeof Sample>): Message<typeof Sample> {
  return codec.decode(version, codec.encode(version, input))
}

const minimal = { id: 7, name: 'n', items: [] }
const complete = {
  ...minimal,
  old: 5,
  rack: null,
  epoch: -1,
  leader: { node: -1, port: -1 },
  extra: null,
}

describe('MessageCodec', () => {
  it('writes exactly the fields of a version, with classic lengths before flexible versions', () => {
    expect(codec.encode(0, minimal).toString('hex')).toBe('0007 0001 6e 05 00000000'.replaceAll(' ', ''))
    expect(codec.encode(1, minimal).toString('hex')).toBe('0007 0001 6e 05 ffff 00000000'.replaceAll(' ', ''))
  })

  it('writes compact lengths and a count of tagged fields in flexible versions', () => {
    expect(codec.encode(2, minimal).toString('hex')).toBe('0007 02 6e 00 01 00'.replaceAll(' ', ''))
    expect(codec.encode(3, minimal).toString('hex')).toBe('0007 02 6e 00 01 ff 00'.replaceAll(' ', ''))
  })

  it('writes tagged fields in ascending order and only those that are not the default', () => {
    const hex = codec.encode(2, { ...minimal, epoch: 9, leader: { node: 3 } }).toString('hex')

    expect(hex).toBe('0007 02 6e 00 01 02 00 07 00000003 ffff 00 01 04 00000009'.replaceAll(' ', ''))
    expect(roundTrip(2, { ...minimal, leader: { node: -1, port: -1 }, epoch: -1 })).toEqual({ ...complete })
  })

  it.each([0, 1, 2, 3])('fills in the default of every field that was left out or is not in version %d', version => {
    expect(roundTrip(version, minimal)).toEqual(complete)
  })

  it('gives back nested arrays and a struct that may be null', () => {
    const input = {
      ...minimal,
      items: [
        { key: 1, values: [1, 2] },
        { key: 2, values: [] },
      ],
      extra: { data: Buffer.from('xyz') },
    }

    expect(roundTrip(3, input)).toEqual({ ...complete, ...input })
  })

  it('refuses a value for a field that the version lacks, unless it may be dropped', () => {
    expect(() => codec.encode(0, { ...minimal, epoch: 4 })).toThrow(
      new EncodeError('version 0 has no such field, so it must be left at its default')
        .within('epoch')
        .within('Sample'),
    )
    expect(() => codec.encode(2, { ...minimal, old: 6 })).toThrow('Sample.old: version 2 has no such field')
    expect(roundTrip(0, { ...minimal, rack: 'r' }).rack).toBeNull()
    expect(roundTrip(2, { ...minimal, old: 5 }).old).toBe(5)
  })

  it('allows null only in the versions that do, in both directions', () => {
    expect(roundTrip(1, { ...minimal, name: null }).name).toBeNull()
    expect(() => codec.encode(0, { ...minimal, name: null })).toThrow(
      'Sample.name: string is null, which this version does not allow',
    )
    expect(() => codec.decode(0, Buffer.from('0007ffff0500000000', 'hex'))).toThrow(
      'Sample.name at byte 4: string is null, which this version does not allow',
    )
  })

  it('keeps tagged fields that it does not know and writes them again in their place', () => {
    const frame = Buffer.from(
      '0007 02 6e 00 01 03 00 07 00000003 0001 00 01 04 00000009 63 02 beef'.replaceAll(' ', ''),
      'hex',
    )

    const decoded = codec.decode(2, frame)

    expect(decoded).toMatchObject({ epoch: 9, leader: { node: 3, port: 1 } })
    expect(decoded[UNKNOWN_TAGS]).toEqual([{ tag: 99, data: Buffer.from('beef', 'hex') }])
    expect(codec.encode(2, decoded)).toEqual(frame)
  })

  it('keeps unknown tagged fields inside a tagged struct that is otherwise at its default', () => {
    const frame = Buffer.from('0007 02 6e 00 01 01 00 0a ffffffff ffff 01 05 01 aa'.replaceAll(' ', ''), 'hex')

    expect(codec.encode(2, codec.decode(2, frame))).toEqual(frame)
  })

  it('accepts tagged fields in any order and takes the last of equal ones, as Kafka does', () => {
    const frame = Buffer.from(
      '0007 02 6e 00 01 03 01 04 00000001 00 07 00000003 0001 00 01 04 00000002'.replaceAll(' ', ''),
      'hex',
    )

    expect(codec.decode(2, frame)).toMatchObject({ epoch: 2, leader: { node: 3, port: 1 } })
  })

  it.each([
    ['0007 02 6e 00 01 01 01 05 00000001 00', 'Sample.epoch at byte 13: 1 bytes too many in a tagged field'],
    ['0007 02 6e 00 01 01 01 03 00000001', 'Sample.epoch at byte 9: int32 needs 4 bytes, 3 are left'],
    ['0007 02 6e 00 01 01 63 7f 00', 'Sample at byte 9: bytes needs 127 bytes, 1 are left'],
    ['0007 02 6e 00 01 ffffffff0f 00', 'Sample at byte 11: array of 4294967295 elements'],
  ])('refuses malformed tagged fields: %s', (hex, message) => {
    expect(() => codec.decode(2, Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow(message)
  })

  it('says which element of which field could not be read, and where', () => {
    const frame = codec.encode(0, {
      ...minimal,
      items: [
        { key: 1, values: [] },
        { key: 2, values: [1, 2] },
      ],
    })

    expect(() => codec.decode(0, frame.subarray(0, -1))).toThrow(
      expect.objectContaining({
        constructor: ProtocolError,
        path: ['Sample', 'items', 1, 'values'],
        position: 20,
        reason: 'array of 2 elements needs 8 bytes or more, 7 are left',
      }),
    )
  })

  it('says which element of which field could not be written', () => {
    const items = [{ key: 1, values: [1, 2 ** 40] }]

    expect(() => codec.encode(0, { ...minimal, items })).toThrow('Sample.items[0].values[1]: 1099511627776 is no int32')
  })

  it('refuses an array whose count exceeds what its elements could fill', () => {
    const frame = Buffer.from('0007 0001 6e 05 7fffffff 00000000'.replaceAll(' ', ''), 'hex')

    expect(() => codec.decode(0, frame)).toThrow(
      'Sample.items at byte 10: array of 2147483647 elements needs 10737418235 bytes or more, 4 are left',
    )
  })

  it('knows the types of what is decoded and of what may be left out', () => {
    type Decoded = Message<typeof Sample>
    type Input = MessageInput<typeof Sample>

    expectTypeOf<Decoded['name']>().toEqualTypeOf<string | null>()
    expectTypeOf<Decoded['id']>().toEqualTypeOf<number>()
    expectTypeOf<Decoded['items'][number]['values']>().toEqualTypeOf<readonly number[]>()
    expectTypeOf<{ id: number; name: null; items: [] }>().toExtend<Input>()
    expectTypeOf<{ id: number; name: string }>().not.toExtend<Input>()
    expectTypeOf<Decoded>().toExtend<Input>()
  })

  it('refuses field names that could not stand in generated code', () => {
    const odd = new MessageCodec({ 'a-b': int8() }, { name: 'Odd', flexibleSince: null })

    expect(() => odd.encode(0, { 'a-b': 1 })).toThrow('"a-b" is no field name')
    expect(() => odd.decode(0, Buffer.alloc(1))).toThrow('"a-b" is no field name')
  })
})
