import { describe, expect, it } from 'vitest'
import { ApiError, ErrorCode, errorName, isRetriable } from '../../src/protocol/errors.ts'

describe('errors', () => {
  it('has every code of Kafka 4.2 once, from -1 to 133', () => {
    const codes = Object.values(ErrorCode).sort((a, b) => a - b)

    expect(codes).toEqual(Array.from({ length: 135 }, (_, index) => index - 1))
  })

  it.each([
    ['OFFSET_OUT_OF_RANGE', 1, false],
    ['NOT_LEADER_OR_FOLLOWER', 6, true],
    ['MESSAGE_TOO_LARGE', 10, false],
    ['NOT_ENOUGH_REPLICAS', 19, true],
    ['UNSUPPORTED_VERSION', 35, false],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 45, false],
    ['KAFKA_STORAGE_ERROR', 56, true],
    ['FENCED_LEADER_EPOCH', 74, true],
    ['INVALID_RECORD', 87, false],
    ['THROTTLING_QUOTA_EXCEEDED', 89, true],
    ['UNKNOWN_TOPIC_ID', 100, true],
    ['SHARE_SESSION_LIMIT_REACHED', 133, true],
  ] as const)('knows %s as %d', (name, code, retriable) => {
    expect(ErrorCode[name]).toBe(code)
    expect(errorName(code)).toBe(name)
    expect(isRetriable(code)).toBe(retriable)
  })

  it('names a code that it does not know by its number', () => {
    expect(errorName(9999)).toBe('ERROR_9999')
    expect(isRetriable(9999)).toBe(false)
  })

  it('carries an error through the broker with its name, its code and its cause', () => {
    const cause = new Error('disk is gone')

    const error = new ApiError(ErrorCode.KAFKA_STORAGE_ERROR, undefined, { cause })

    expect(error).toMatchObject({ code: 56, errorName: 'KAFKA_STORAGE_ERROR', retriable: true, cause })
    expect(error.message).toBe('KAFKA_STORAGE_ERROR')
  })
})
