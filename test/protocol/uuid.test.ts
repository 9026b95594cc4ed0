import { describe, expect, it } from 'vitest'
import {
  compareUuids,
  formatUuid,
  isUuid,
  METADATA_TOPIC_ID,
  randomUuid,
  writeUuid,
  ZERO_UUID,
} from '../../src/protocol/uuid.ts'
import type { RandomStream } from '../../src/runtime/runtime.ts'

function streamOf(...draws: Buffer[]): RandomStream {
  return {
    float: () => 0,
    int: low => low,
    bytes: () => draws.shift() ?? Buffer.alloc(16),
  }
}

describe('uuid', () => {
  it('writes and reads the 22 characters that Kafka uses', () => {
    const bytes = Buffer.from('b122ac37690543bcb5128d15d3259e54', 'hex')

    const text = formatUuid(bytes)
    const written = Buffer.alloc(16)
    writeUuid(written, 0, text)

    expect(text).toBe('sSKsN2kFQ7y1Eo0V0yWeVA')
    expect(written).toEqual(bytes)
  })

  it('knows the reserved ids by their bytes', () => {
    const one = Buffer.alloc(16)
    one[15] = 1

    expect(formatUuid(Buffer.alloc(16))).toBe(ZERO_UUID)
    expect(formatUuid(one)).toBe(METADATA_TOPIC_ID)
  })

  it('overwrites what was there before when it writes the zero id', () => {
    const bytes = Buffer.alloc(17, 0xff)

    writeUuid(bytes, 1, ZERO_UUID)

    expect(bytes).toEqual(Buffer.concat([Buffer.from([0xff]), Buffer.alloc(16)]))
  })

  it.each(['', 'sSKsN2kFQ7y1Eo0V0yWeV', 'sSKsN2kFQ7y1Eo0V0yWeVA=', 'sSKsN2kFQ7y1Eo0V0yWeVB', '+SKsN2kFQ7y1Eo0V0yWeVA'])(
    'refuses "%s"',
    text => {
      expect(isUuid(text)).toBe(false)
      expect(() => writeUuid(Buffer.alloc(16), 0, text)).toThrow('is no UUID')
    },
  )

  it('draws random ids of version 4 and draws again for one that begins with a dash', () => {
    const dashed = Buffer.alloc(16, 0xfb)
    const plain = Buffer.alloc(16, 0xff)
    plain[0] = 1

    const id = randomUuid(streamOf(dashed, plain))

    expect(id).toBe('Af______T_-__________w')
    expect(isUuid(id)).toBe(true)
  })

  it('is in the order of two signed numbers', () => {
    const inOrder = [
      '80000000000000000000000000000000',
      'ffffffffffffffff0000000000000000',
      '00000000000000008000000000000000',
      '00000000000000000000000000000000',
      '00000000000000000000000000000001',
      '7fffffffffffffff8000000000000000',
    ].map(hex => formatUuid(Buffer.from(hex, 'hex')))

    expect([...inOrder].reverse().sort(compareUuids)).toEqual(inOrder)
    expect(compareUuids(ZERO_UUID, ZERO_UUID)).toBe(0)
  })
})
