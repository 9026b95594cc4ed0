import { describe, expect, test } from 'vitest'
import {
  CONTROL_RECORD_TYPES,
  decodeControlKey,
  decodeEndTxnMarker,
  encodeControlKey,
  encodeEndTxnMarker,
  InvalidRecordError,
} from '../../../src/protocol/records/batch.ts'

describe('control records', () => {
  test('carry their kind in the key, by Kafka’s numbers', () => {
    expect(CONTROL_RECORD_TYPES.map(type => encodeControlKey(type).toString('hex'))).toEqual([
      '00000000',
      '00000001',
      '00000002',
      '00000003',
      '00000004',
      '00000005',
      '00000006',
    ])
    expect(CONTROL_RECORD_TYPES.map(type => decodeControlKey(encodeControlKey(type)))).toEqual([
      ...CONTROL_RECORD_TYPES,
    ])
  })

  test('of a newer kind are unknown, not wrong', () => {
    expect(decodeControlKey(Buffer.from('00010063', 'hex'))).toBe('UNKNOWN')
  })

  test('carry the coordinator’s epoch in a marker', () => {
    expect(encodeEndTxnMarker(77).toString('hex')).toBe('00000000004d')
    expect(decodeEndTxnMarker(encodeEndTxnMarker(77))).toBe(77)
  })

  test.each([null, Buffer.alloc(0), Buffer.alloc(3), Buffer.from('ffff00000000', 'hex')])('refuse %o', bytes => {
    expect(() => decodeControlKey(bytes)).toThrow(InvalidRecordError)
    expect(() => decodeEndTxnMarker(bytes)).toThrow(InvalidRecordError)
  })
})
