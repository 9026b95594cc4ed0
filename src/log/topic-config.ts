import type { ConfigType } from '../config/config-def.ts'
import { ConfigError } from '../config/config-error.ts'
import { LONG_MAX, parseWholeNumber, splitList } from '../config/values.ts'

/** A topic-level configuration key (Kafka's TopicConfig and LogConfig). */
export interface TopicConfigDef {
  readonly key: string
  readonly type: ConfigType
  /** As Kafka prints it; null: none. */
  readonly defaultValue: string | null
  /** Broker keys that give the default, the strongest first, each with the factor that makes its unit the topic key's. */
  readonly brokerKeys: readonly { readonly key: string; readonly factor: number }[]
  /** Throws `ConfigError` for a value that is not allowed. */
  validate(value: string): void
}

const INT_MAX = 2_147_483_647
const HOUR_MS = 3_600_000

type Check = (key: string, value: string) => void

function wholeNumber(type: 'INT' | 'LONG', least: number | null, most?: number): Check {
  const bound = most ?? (type === 'INT' ? INT_MAX : Number(LONG_MAX))
  const range =
    least === null ? `a whole number` : `a whole number from ${least}${most === undefined ? ' up' : ` to ${most}`}`
  return (key, value) => {
    const number = parseWholeNumber(value)
    if (number === undefined || (least !== null && number < least) || Math.abs(number) > bound) {
      throw new ConfigError(key, value, `expected ${range}`)
    }
  }
}

function oneOf(...allowed: readonly string[]): Check {
  return (key, value) => {
    if (!allowed.includes(value)) throw new ConfigError(key, value, `expected one of ${allowed.join(', ')}`)
  }
}

function listOf(...allowed: readonly string[]): Check {
  return (key, value) => {
    const items = splitList(value)
    const bad = items.find(item => !allowed.includes(item))
    if (bad !== undefined || new Set(items).size !== items.length) {
      throw new ConfigError(key, value, `expected a list of ${allowed.join(', ')}, none of them twice`)
    }
  }
}

const boolean: Check = (key, value) => {
  if (!/^(true|false)$/i.test(value.trim())) throw new ConfigError(key, value, 'expected true or false')
}

const ratio: Check = (key, value) => {
  const number = value.trim() === '' ? Number.NaN : Number(value)
  if (!(number >= 0 && number <= 1)) throw new ConfigError(key, value, 'expected a number from 0 to 1')
}

const throttledReplicas: Check = (key, value) => {
  if (value.trim() === '*' || splitList(value).every(item => /^\d+:\d+$/.test(item))) return
  throw new ConfigError(key, value, 'expected * or a list of partition:broker')
}

/** `brokerKeys` are `key` or `key*factor`. */
function define(
  key: string,
  type: ConfigType,
  defaultValue: string | number | boolean | null,
  check: Check,
  ...brokerKeys: readonly string[]
): TopicConfigDef {
  return {
    key,
    type,
    defaultValue: defaultValue === null ? null : String(defaultValue),
    brokerKeys: brokerKeys.map(text => {
      const [name = '', factor = '1'] = text.split('*')
      return { key: name, factor: Number(factor) }
    }),
    validate: value => check(key, value),
  }
}

const DAY_MS = 24 * HOUR_MS
const MIB = 1_048_576
const MIN_LAG = 'log.cleaner.min.compaction.lag.ms'
const MAX_LAG = 'log.cleaner.max.compaction.lag.ms'
const BEFORE_MAX = 'log.message.timestamp.before.max.ms'
const AFTER_MAX = 'log.message.timestamp.after.max.ms'

/** All topic-level keys of Kafka 4.2 but those of tiered storage; `internal.segment.bytes` is Kafka's own, for tests. */
export const TOPIC_CONFIG_DEFS: readonly TopicConfigDef[] = [
  define('cleanup.policy', 'LIST', 'delete', listOf('compact', 'delete'), 'log.cleanup.policy'),
  define('compression.gzip.level', 'INT', -1, gzipLevel, 'compression.gzip.level'),
  define('compression.lz4.level', 'INT', 9, wholeNumber('INT', 1, 17), 'compression.lz4.level'),
  define(
    'compression.type',
    'STRING',
    'producer',
    oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    'compression.type',
  ),
  define('compression.zstd.level', 'INT', 3, wholeNumber('INT', -131_072, 22), 'compression.zstd.level'),
  define('delete.retention.ms', 'LONG', DAY_MS, wholeNumber('LONG', 0), 'log.cleaner.delete.retention.ms'),
  define('file.delete.delay.ms', 'LONG', 60_000, wholeNumber('LONG', 0), 'log.segment.delete.delay.ms'),
  define('flush.messages', 'LONG', LONG_MAX, wholeNumber('LONG', 1), 'log.flush.interval.messages'),
  define(
    'flush.ms',
    'LONG',
    LONG_MAX,
    wholeNumber('LONG', 0),
    'log.flush.interval.ms',
    'log.flush.scheduler.interval.ms',
  ),
  define('follower.replication.throttled.replicas', 'LIST', '', throttledReplicas),
  define('index.interval.bytes', 'INT', 4096, wholeNumber('INT', 0), 'log.index.interval.bytes'),
  define('internal.segment.bytes', 'INT', null, wholeNumber('INT', 1)),
  define('leader.replication.throttled.replicas', 'LIST', '', throttledReplicas),
  define('max.compaction.lag.ms', 'LONG', LONG_MAX, wholeNumber('LONG', 1), MAX_LAG),
  define('max.message.bytes', 'INT', MIB + 12, wholeNumber('INT', 0), 'message.max.bytes'),
  define('message.timestamp.after.max.ms', 'LONG', HOUR_MS, wholeNumber('LONG', 0), AFTER_MAX),
  define('message.timestamp.before.max.ms', 'LONG', LONG_MAX, wholeNumber('LONG', 0), BEFORE_MAX),
  define(
    'message.timestamp.type',
    'STRING',
    'CreateTime',
    oneOf('CreateTime', 'LogAppendTime'),
    'log.message.timestamp.type',
  ),
  define('min.cleanable.dirty.ratio', 'DOUBLE', 0.5, ratio, 'log.cleaner.min.cleanable.ratio'),
  define('min.compaction.lag.ms', 'LONG', 0, wholeNumber('LONG', 0), MIN_LAG),
  define('min.insync.replicas', 'INT', 1, wholeNumber('INT', 1), 'min.insync.replicas'),
  define('preallocate', 'BOOLEAN', false, boolean, 'log.preallocate'),
  define('retention.bytes', 'LONG', -1, wholeNumber('LONG', null), 'log.retention.bytes'),
  define(
    'retention.ms',
    'LONG',
    7 * DAY_MS,
    wholeNumber('LONG', -1),
    'log.retention.ms',
    'log.retention.minutes*60000',
    `log.retention.hours*${HOUR_MS}`,
  ),
  define('segment.bytes', 'INT', 1024 * MIB, wholeNumber('INT', MIB), 'log.segment.bytes'),
  define('segment.index.bytes', 'INT', 10 * MIB, wholeNumber('INT', 4), 'log.index.size.max.bytes'),
  define(
    'segment.jitter.ms',
    'LONG',
    0,
    wholeNumber('LONG', 0),
    'log.roll.jitter.ms',
    `log.roll.jitter.hours*${HOUR_MS}`,
  ),
  define('segment.ms', 'LONG', 7 * DAY_MS, wholeNumber('LONG', 1), 'log.roll.ms', `log.roll.hours*${HOUR_MS}`),
  define('unclean.leader.election.enable', 'BOOLEAN', false, boolean, 'unclean.leader.election.enable'),
]

const DEFS_BY_KEY: ReadonlyMap<string, TopicConfigDef> = new Map(TOPIC_CONFIG_DEFS.map(def => [def.key, def]))

/** The definition of a topic-level key; undefined when Kafka has no such key. */
export function topicConfigDef(key: string): TopicConfigDef | undefined {
  return DEFS_BY_KEY.get(key)
}

/**
 * The topic defaults that a broker's own configuration gives: for every topic key the value of the strongest broker key
 * that is set. Values are checked by whoever uses them.
 */
export function topicDefaultsFromBroker(brokerConfig: (key: string) => string | undefined): Map<string, string> {
  const defaults = new Map<string, string>()
  for (const def of TOPIC_CONFIG_DEFS) {
    for (const { key, factor } of def.brokerKeys) {
      const value = brokerConfig(key)
      if (value === undefined) continue
      defaults.set(def.key, scale(value, factor))
      break
    }
  }
  // Kafka: hours and minutes of -1 (no limit) are not multiplied, any negative number means no limit.
  const retentionMs = defaults.get('retention.ms')
  if (retentionMs !== undefined && Number(retentionMs) < 0) defaults.set('retention.ms', '-1')
  return defaults
}

function scale(value: string, factor: number): string {
  const number = parseWholeNumber(value)
  return factor === 1 || number === undefined ? value : String(number * factor)
}

function gzipLevel(key: string, value: string): void {
  const level = parseWholeNumber(value)
  if (level === undefined || !(level === -1 || (level >= 1 && level <= 9))) {
    throw new ConfigError(key, value, 'expected a level from 1 to 9, or -1 for the default')
  }
}
