import { INT_MAX } from '../../../config/config-def.ts'
import { LONG_MAX } from '../../../config/values.ts'
import { type BrokerConfigDef, define } from '../config-def.ts'

const CLUSTER_WIDE = { update: 'cluster-wide' } as const

/** Logs (Kafka's ServerLogConfigs and CleanerConfig). Many give the default of a topic's own key. */
export const LOG_DEFS: readonly BrokerConfigDef[] = [
  define('log.dirs', 'STRING', null, 'Directories of the logs, a list; by default log.dir.'),
  define('log.dir', 'STRING', 'kafka-logs', 'The directory of the logs.'),
  define('num.partitions', 'INT', 1, 'Partitions of topics that are created without saying how many.', { min: 1 }),
  define('auto.create.topics.enable', 'BOOLEAN', true, 'Whether a topic is created when a producer asks for it.'),
  define('num.recovery.threads.per.data.dir', 'INT', 2, 'Threads that load and flush logs.', {
    min: 1,
    update: 'cluster-wide',
  }),
  define('log.segment.bytes', 'INT', 1_073_741_824, 'Size of a segment.', { min: 1_048_576, update: 'cluster-wide' }),
  define('log.roll.ms', 'LONG', null, 'Age at which a segment is rolled; by default log.roll.hours.', CLUSTER_WIDE),
  define('log.roll.hours', 'INT', 168, 'Age at which a segment is rolled, in hours.', { min: 1 }),
  define(
    'log.roll.jitter.ms',
    'LONG',
    null,
    'Random part of that age; by default log.roll.jitter.hours.',
    CLUSTER_WIDE,
  ),
  define('log.roll.jitter.hours', 'INT', 0, 'Random part of that age, in hours.', { min: 0 }),
  define(
    'log.retention.ms',
    'LONG',
    null,
    'How long records are kept, -1: for ever; by default log.retention.minutes.',
    {
      min: -1,
      update: 'cluster-wide',
    },
  ),
  define('log.retention.minutes', 'INT', null, 'The same in minutes; by default log.retention.hours.'),
  define('log.retention.hours', 'INT', 168, 'The same in hours.'),
  define(
    'log.retention.bytes',
    'LONG',
    -1,
    'Size of a log beyond which its oldest segments go; -1: no limit.',
    CLUSTER_WIDE,
  ),
  define('log.retention.check.interval.ms', 'LONG', 300_000, 'How often what can go is looked for.', { min: 1 }),
  define('log.cleanup.policy', 'LIST', 'delete', 'What happens to old records.', {
    oneOf: ['compact', 'delete'],
    update: 'cluster-wide',
  }),
  define('log.index.size.max.bytes', 'INT', 10_485_760, 'Size of an index.', { min: 4, update: 'cluster-wide' }),
  define('log.index.interval.bytes', 'INT', 4096, 'Bytes between two index entries.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('log.flush.interval.messages', 'LONG', LONG_MAX, 'Records after which a log is flushed to disk.', {
    min: 1,
    update: 'cluster-wide',
  }),
  define(
    'log.flush.interval.ms',
    'LONG',
    null,
    'Time after which it is; by default log.flush.scheduler.interval.ms.',
    CLUSTER_WIDE,
  ),
  define('log.flush.scheduler.interval.ms', 'LONG', LONG_MAX, 'How often that is looked after.'),
  define('log.flush.offset.checkpoint.interval.ms', 'INT', 60_000, 'How often recovery points are written.', {
    min: 0,
  }),
  define('log.flush.start.offset.checkpoint.interval.ms', 'INT', 60_000, 'How often start offsets are written.', {
    min: 0,
  }),
  define('log.segment.delete.delay.ms', 'LONG', 60_000, 'How long a deleted file stays.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('log.initial.task.delay.ms', 'LONG', 30_000, 'When background work begins after the start.', { min: 0 }),
  define(
    'log.dir.failure.timeout.ms',
    'LONG',
    30_000,
    'How long a failed directory may stay unknown to the controller.',
    {
      min: 1,
    },
  ),
  define('log.preallocate', 'BOOLEAN', false, 'Whether segments are created at full size.', CLUSTER_WIDE),
  define('log.message.timestamp.type', 'STRING', 'CreateTime', 'Whose time stands in records.', {
    oneOf: ['CreateTime', 'LogAppendTime'],
    update: 'cluster-wide',
  }),
  define('log.message.timestamp.before.max.ms', 'LONG', LONG_MAX, 'How old a record may be at most.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('log.message.timestamp.after.max.ms', 'LONG', 3_600_000, 'How far in the future it may be at most.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('log.cleaner.enable', 'BOOLEAN', true, 'Whether compacted logs are cleaned.'),
  define('log.cleaner.threads', 'INT', 1, 'Threads that clean.', { min: 0, update: 'cluster-wide' }),
  define('log.cleaner.backoff.ms', 'LONG', 15_000, 'Pause when there is nothing to clean.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('log.cleaner.dedupe.buffer.size', 'LONG', 134_217_728, 'Memory for keys.', CLUSTER_WIDE),
  define('log.cleaner.io.buffer.size', 'INT', 524_288, 'Memory for reading and writing.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define(
    'log.cleaner.io.buffer.load.factor',
    'DOUBLE',
    0.9,
    'Share of the memory for keys that is used.',
    CLUSTER_WIDE,
  ),
  define(
    'log.cleaner.io.max.bytes.per.second',
    'DOUBLE',
    '1.7976931348623157E308',
    'How fast is cleaned.',
    CLUSTER_WIDE,
  ),
  define('log.cleaner.min.cleanable.ratio', 'DOUBLE', 0.5, 'Share of dirty bytes from which a log is cleaned.', {
    min: 0,
    max: 1,
    update: 'cluster-wide',
  }),
  define('log.cleaner.delete.retention.ms', 'LONG', 86_400_000, 'How long tombstones stay.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('log.cleaner.min.compaction.lag.ms', 'LONG', 0, 'How long a record stays uncompacted.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('log.cleaner.max.compaction.lag.ms', 'LONG', LONG_MAX, 'And how long at most.', {
    min: 1,
    update: 'cluster-wide',
  }),
  define('metadata.log.dir', 'STRING', null, 'Where the metadata log is; by default the first of log.dirs.'),
  define('metadata.log.segment.bytes', 'INT', 1_073_741_824, 'Size of a segment of the metadata log.', { min: 12 }),
  define('metadata.log.segment.ms', 'LONG', 604_800_000, 'Age at which a segment of the metadata log is rolled.'),
  define('metadata.max.idle.interval.ms', 'INT', 500, 'How often an idle controller writes a record; 0: never.', {
    min: 0,
  }),
  define('metadata.max.retention.bytes', 'LONG', 104_857_600, 'Size of metadata log and snapshots.'),
  define('metadata.max.retention.ms', 'LONG', 604_800_000, 'How long a snapshot of the metadata is kept.'),
  define(
    'metadata.log.max.record.bytes.between.snapshots',
    'LONG',
    20_971_520,
    'Bytes of metadata records between snapshots.',
    {
      min: 1,
      max: INT_MAX,
    },
  ),
  define('metadata.log.max.snapshot.interval.ms', 'LONG', 3_600_000, 'Time between snapshots of the metadata.', {
    min: 0,
  }),
]
