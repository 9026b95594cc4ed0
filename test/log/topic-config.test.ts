import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { LogConfig } from '../../src/log/log-config.ts'
import { topicDefaultsFromBroker } from '../../src/log/topic-config.ts'

const of = (settings: Record<string, string>, defaults: Record<string, string> = {}) =>
  LogConfig.fromProps(new Map(Object.entries(defaults)), new Map(Object.entries(settings)))

test('has the defaults of Kafka', () => {
  const config = LogConfig.DEFAULT
  expect(config.segmentBytes).toBe(1_073_741_824)
  expect(config.retentionMs).toBe(604_800_000)
  expect(config.maxMessageBytes).toBe(1_048_588)
  expect(config.flushMessages).toBeGreaterThan(Number.MAX_SAFE_INTEGER)
  expect(config.values.get('flush.messages')).toBe('9223372036854775807')
  expect([config.compact, config.delete, config.compressionType]).toEqual([false, true, 'producer'])
  expect(config.messageTimestampAfterMaxMs).toBe(3_600_000)
})

test('the topic wins over the broker, the broker over Kafka', () => {
  const config = of({ 'retention.ms': '5' }, { 'retention.ms': '7', 'flush.messages': '1' })
  expect([config.retentionMs, config.flushMessages]).toEqual([5, 1])
  expect([...config.overridden]).toEqual(['retention.ms'])
})

describe('refuses', () => {
  test.each([
    ['segment.bytes', '1000'],
    ['segment.bytes', '2147483648'],
    ['retention.ms', '-2'],
    ['retention.ms', 'a week'],
    ['retention.ms', '9223372036854775808000'],
    ['cleanup.policy', 'shred'],
    ['cleanup.policy', 'delete,delete'],
    ['compression.type', 'lzma'],
    ['min.cleanable.dirty.ratio', '1.5'],
    ['min.cleanable.dirty.ratio', ''],
    ['preallocate', 'maybe'],
    ['min.insync.replicas', '0'],
    ['compression.gzip.level', '0'],
    ['leader.replication.throttled.replicas', '1-2'],
    ['no.such.key', '1'],
  ])('%s=%s, naming key and value', (key, value) => {
    const act = () => of({ [key]: value })
    expect(act).toThrow(ConfigError)
    expect(act).toThrow(key)
    expect(act).toThrow(JSON.stringify(value))
  })

  test('lags that contradict each other', () => {
    expect(() => of({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' })).toThrow(ConfigError)
  })
})

test('accepts what Kafka accepts', () => {
  const config = of({ 'cleanup.policy': 'compact, delete', 'compression.type': 'uncompressed', preallocate: 'TRUE' })
  expect([config.compact, config.delete, config.compressionType, config.preallocate]).toEqual([
    true,
    true,
    'none',
    true,
  ])
  expect(of({ 'leader.replication.throttled.replicas': '*' }).values.get('leader.replication.throttled.replicas')).toBe(
    '*',
  )
})

test('the broker gives defaults, milliseconds before minutes before hours', () => {
  const defaults = (settings: Record<string, string>) => topicDefaultsFromBroker(key => settings[key])
  expect(defaults({ 'log.retention.hours': '2' }).get('retention.ms')).toBe('7200000')
  expect(defaults({ 'log.retention.hours': '2', 'log.retention.minutes': '1' }).get('retention.ms')).toBe('60000')
  expect(defaults({ 'log.retention.minutes': '1', 'log.retention.ms': '9' }).get('retention.ms')).toBe('9')
  expect(defaults({ 'log.retention.hours': '-1' }).get('retention.ms')).toBe('-1')
  expect(defaults({ 'log.segment.bytes': '2000000', 'message.max.bytes': '10' })).toEqual(
    new Map([
      ['max.message.bytes', '10'],
      ['segment.bytes', '2000000'],
    ]),
  )
})
