import { describe, expect, test } from 'vitest'
import {
  isSameStrategy,
  parseAutoOffsetReset,
  resetTimestamp,
} from '../../../src/clients/consumer/auto-offset-reset-strategy.ts'
import { ConfigException } from '../../../src/clients/errors.ts'

describe('auto.offset.reset', () => {
  test.each([
    ['earliest', -2],
    ['latest', -1],
    ['none', undefined],
    ['by_duration:PT1H', 1_000_000_000 - 3_600_000],
    ['by_duration:P1DT2H3M4.5S', 1_000_000_000 - 93_784_500],
    ['by_duration:pt0s', 1_000_000_000],
    ['by_duration:PT1H-30M', 1_000_000_000 - 1_800_000],
  ])('%s asks for %s', (text, timestamp) => {
    expect(resetTimestamp(parseAutoOffsetReset(text), 1_000_000_000)).toBe(timestamp)
  })

  test.each([
    '',
    'Latest',
    'by_duration',
    'by_duration:',
    'by_duration:P',
    'by_duration:PT',
    'by_duration:1H',
    'by_duration:-PT1S',
    'by_duration:PT-1S',
    'by_duration:P1W',
  ])('cannot be "%s"', text => {
    expect(() => parseAutoOffsetReset(text)).toThrow(ConfigException)
  })

  test('is the same when type and duration are', () => {
    const [hour, minutes, day] = ['PT1H', 'PT60M', 'P1D'].map(text => parseAutoOffsetReset(`by_duration:${text}`))
    expect(hour !== undefined && minutes !== undefined && isSameStrategy(hour, minutes)).toBe(true)
    expect(hour !== undefined && day !== undefined && isSameStrategy(hour, day)).toBe(false)
    expect(isSameStrategy({ type: 'earliest' }, { type: 'latest' })).toBe(false)
  })
})
