import { ConfigError } from '../config/config-error.ts'
import { LONG_MAX, splitList } from '../config/values.ts'
import type { CompressionCodec } from '../protocol/records/compression/codec.ts'
import { COMPRESSION_CODECS } from '../protocol/records/compression/codec.ts'
import type { TimestampType } from '../protocol/records/layout.ts'
import { TOPIC_CONFIG_DEFS, topicConfigDef } from './topic-config.ts'

/**
 * The configuration of one topic's logs (Kafka's LogConfig): the topic's own settings over the broker's defaults over
 * Kafka's. Sizes in bytes, times in milliseconds. Long.MAX_VALUE becomes 2^63, which stands for "never".
 */
export class LogConfig {
  /** Every key that has a value, as text, by key in Kafka's order. */
  readonly values: ReadonlyMap<string, string>
  /** Keys that the topic itself sets. */
  readonly overridden: ReadonlySet<string>

  readonly segmentBytes: number
  readonly segmentMs: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  readonly flushMessages: number
  readonly flushMs: number
  /** -1: no limit. */
  readonly retentionMs: number
  /** -1: no limit. */
  readonly retentionBytes: number
  readonly maxMessageBytes: number
  readonly compact: boolean
  readonly delete: boolean
  readonly messageTimestampType: TimestampType
  readonly messageTimestampBeforeMaxMs: number
  readonly messageTimestampAfterMaxMs: number
  readonly minInsyncReplicas: number
  readonly uncleanLeaderElectionEnable: boolean
  /** `producer`: batches stay as they came. */
  readonly compressionType: CompressionCodec | 'producer'
  readonly fileDeleteDelayMs: number
  readonly deleteRetentionMs: number
  readonly minCleanableDirtyRatio: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly preallocate: boolean

  /** Kafka's defaults. */
  static readonly DEFAULT: LogConfig = LogConfig.fromProps(new Map(), new Map())

  private constructor(values: ReadonlyMap<string, string>, overridden: ReadonlySet<string>) {
    const number = (key: string): number => Number(values.get(key))
    const flag = (key: string): boolean => values.get(key)?.trim().toLowerCase() === 'true'
    this.values = values
    this.overridden = overridden
    this.segmentBytes = number(values.has('internal.segment.bytes') ? 'internal.segment.bytes' : 'segment.bytes')
    this.segmentIndexBytes = number('segment.index.bytes')
    this.indexIntervalBytes = number('index.interval.bytes')
    this.flushMessages = number('flush.messages')
    this.flushMs = number('flush.ms')
    this.retentionMs = number('retention.ms')
    this.retentionBytes = number('retention.bytes')
    this.maxMessageBytes = number('max.message.bytes')
    const policies = splitList(values.get('cleanup.policy') ?? '')
    this.compact = policies.includes('compact')
    this.delete = policies.includes('delete')
    this.messageTimestampType =
      values.get('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime'
    this.messageTimestampBeforeMaxMs = number('message.timestamp.before.max.ms')
    this.messageTimestampAfterMaxMs = number('message.timestamp.after.max.ms')
    this.minInsyncReplicas = number('min.insync.replicas')
    this.uncleanLeaderElectionEnable = flag('unclean.leader.election.enable')
    this.compressionType = codecOf(values.get('compression.type') ?? 'producer')
    this.fileDeleteDelayMs = number('file.delete.delay.ms')
    this.deleteRetentionMs = number('delete.retention.ms')
    this.minCleanableDirtyRatio = number('min.cleanable.dirty.ratio')
    this.minCompactionLagMs = number('min.compaction.lag.ms')
    this.maxCompactionLagMs = number('max.compaction.lag.ms')
    this.preallocate = flag('preallocate')
    const segmentMs = number('segment.ms')
    this.segmentMs = this.compact ? Math.min(segmentMs, this.maxCompactionLagMs) : segmentMs
  }

  /**
   * @param defaults what the broker's configuration gives (`topicDefaultsFromBroker`)
   * @param overrides what the topic sets
   * @throws ConfigError for an unknown key, a value that is not allowed, or values that contradict each other
   */
  static fromProps(defaults: ReadonlyMap<string, string>, overrides: ReadonlyMap<string, string>): LogConfig {
    LogConfig.validate(overrides)
    const values = new Map<string, string>()
    for (const def of TOPIC_CONFIG_DEFS) {
      const value = overrides.get(def.key) ?? defaults.get(def.key) ?? def.defaultValue
      if (value === null) continue
      def.validate(value)
      values.set(def.key, value)
    }
    const minLag = values.get('min.compaction.lag.ms') ?? '0'
    const maxLag = values.get('max.compaction.lag.ms') ?? LONG_MAX
    if (Number(minLag) > Number(maxLag)) {
      throw new ConfigError(
        'min.compaction.lag.ms',
        minLag,
        `expected at most max.compaction.lag.ms, which is ${maxLag}`,
      )
    }
    return new LogConfig(values, new Set(overrides.keys()))
  }

  /** Checks single settings as a client sends them. Throws `ConfigError` for an unknown key or a value not allowed. */
  static validate(settings: ReadonlyMap<string, string>): void {
    for (const [key, value] of settings) {
      const def = topicConfigDef(key)
      if (def === undefined) throw new ConfigError(key, value, 'there is no topic configuration of this name')
      def.validate(value)
    }
  }
}

function codecOf(name: string): CompressionCodec | 'producer' {
  return COMPRESSION_CODECS.find(codec => codec === name) ?? (name === 'uncompressed' ? 'none' : 'producer')
}
