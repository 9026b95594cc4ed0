import { describe, expect, test } from 'vitest'
import {
  exceptionFor,
  InvalidMetadataException,
  SerializationException,
  TimeoutException,
} from '../../src/clients/errors.ts'
import {
  bytesSerde,
  doubleSerde,
  int32Serde,
  int64Serde,
  type Serde,
  stringSerde,
  uuidSerde,
} from '../../src/clients/serialization.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'

describe('formats', () => {
  test.each<[string, Serde<never>, unknown, string]>([
    ['string', stringSerde as unknown as Serde<never>, 'zoë', '7a6fc3ab'],
    ['int32', int32Serde as unknown as Serde<never>, -2, 'fffffffe'],
    ['int64', int64Serde as unknown as Serde<never>, -2n, 'fffffffffffffffe'],
    ['double', doubleSerde as unknown as Serde<never>, 1.5, '3ff8000000000000'],
    ['bytes', bytesSerde as unknown as Serde<never>, Buffer.from([1, 2]), '0102'],
  ])('%s is written as Kafka writes it, and read again', (_, serde, value, hex) => {
    const bytes = serde.serialize('t', value as never, [])
    expect(bytes?.toString('hex')).toBe(hex)
    expect(serde.deserialize('t', bytes, [])).toEqual(value)
    expect(serde.serialize('t', null, [])).toBeNull()
    expect(serde.deserialize('t', null, [])).toBeNull()
  })

  test('a UUID is its text', () => {
    const text = '00112233-4455-6677-8899-AABBCCDDEEFF'
    expect(uuidSerde.serialize('t', text, [])?.toString()).toBe(text.toLowerCase())
    expect(uuidSerde.deserialize('t', Buffer.from(text), [])).toBe(text.toLowerCase())
  })

  test('what does not fit is refused with topic and reason', () => {
    const refused = () => int32Serde.serialize('orders', 2_147_483_648, [])
    expect(refused).toThrow(SerializationException)
    expect(refused).toThrow(
      'cannot write int32 of topic orders: expected a whole number of 32 bits, not number 2147483648',
    )
    expect(() => int64Serde.deserialize('orders', Buffer.alloc(7), [])).toThrow('size of data is not 8 but 7')
    expect(() => uuidSerde.serialize('orders', 'x', [])).toThrow(SerializationException)
  })
})

describe('errors of brokers', () => {
  test('have the names that the Java client gives them, and say whether they pass', () => {
    const stale = exceptionFor(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'moved')
    expect(stale).toBeInstanceOf(InvalidMetadataException)
    expect([stale.name, stale.errorName, stale.retriable, stale.message]).toEqual([
      'NotLeaderOrFollowerException',
      'NOT_LEADER_OR_FOLLOWER',
      true,
      'moved',
    ])
    expect(exceptionFor(ErrorCode.REQUEST_TIMED_OUT)).toBeInstanceOf(TimeoutException)
    const passing = exceptionFor(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect([passing.name, passing.retriable]).toEqual(['NotEnoughReplicasException', true])
    const final = exceptionFor(ErrorCode.POLICY_VIOLATION)
    expect([final.name, final.retriable]).toEqual(['PolicyViolationException', false])
    expect(exceptionFor(12_345).errorName).toBe('UNKNOWN_SERVER_ERROR')
  })
})
