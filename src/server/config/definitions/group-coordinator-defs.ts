import { INT_MAX } from '../../../config/config-def.ts'
import { GROUP_MIGRATION_POLICIES } from '../../../coordinator/group/conversion/group-migration-policy.ts'
import { type BrokerConfigDef, define } from '../config-def.ts'

/** Groups and their offsets (Kafka's GroupCoordinatorConfig). */
export const GROUP_COORDINATOR_DEFS: readonly BrokerConfigDef[] = [
  define('group.coordinator.threads', 'INT', 4, 'Threads of the group coordinator.', { min: 1 }),
  define(
    'group.coordinator.append.linger.ms',
    'INT',
    -1,
    'How long records of a group coordinator wait for more to be written with; -1: as long as it has other work to do.',
    { min: -1 },
  ),
  define('offsets.load.buffer.size', 'INT', 5_242_880, 'Bytes of __consumer_offsets that are read at once.', {
    min: 1,
  }),
  define(
    'offsets.topic.compression.codec',
    'INT',
    0,
    'Compression of __consumer_offsets, by the number of the codec.',
    {
      min: 0,
      max: 4,
    },
  ),
  define('offsets.topic.num.partitions', 'INT', 50, 'Partitions of __consumer_offsets.', { min: 1 }),
  define('offsets.topic.replication.factor', 'INT', 3, 'Replicas of __consumer_offsets.', { min: 1 }),
  define('offsets.topic.segment.bytes', 'INT', 104_857_600, 'Segment size of __consumer_offsets.', { min: 1 }),
  define('offsets.retention.minutes', 'INT', 10_080, 'How long offsets of a group without members are kept.', {
    min: 1,
  }),
  define('offsets.retention.check.interval.ms', 'LONG', 600_000, 'How often they are looked for.', { min: 1 }),
  define('offset.metadata.max.bytes', 'INT', 4096, 'Size of the metadata of a committed offset.'),
  define('offsets.commit.timeout.ms', 'INT', 5000, 'How long an offset commit waits for replicas.', { min: 1 }),
  define('group.initial.rebalance.delay.ms', 'INT', 3000, 'How long a new group waits for members.'),
  define('group.min.session.timeout.ms', 'INT', 6000, 'The shortest session timeout of a member.'),
  define('group.max.session.timeout.ms', 'INT', 1_800_000, 'The longest session timeout of a member.'),
  define('group.max.size', 'INT', INT_MAX, 'Members of a group at most.', { min: 1 }),
  define('group.consumer.session.timeout.ms', 'INT', 45_000, 'How long a member of a consumer group may be silent.', {
    min: 1,
  }),
  define('group.consumer.min.session.timeout.ms', 'INT', 45_000, 'The shortest that may be.', { min: 1 }),
  define('group.consumer.max.session.timeout.ms', 'INT', 60_000, 'The longest that may be.', { min: 1 }),
  define(
    'group.consumer.heartbeat.interval.ms',
    'INT',
    5000,
    'How often members of a consumer group are to be heard of.',
    {
      min: 1,
    },
  ),
  define('group.consumer.min.heartbeat.interval.ms', 'INT', 5000, 'The shortest that may be.', { min: 1 }),
  define('group.consumer.max.heartbeat.interval.ms', 'INT', 15_000, 'The longest that may be.', { min: 1 }),
  define('group.consumer.max.size', 'INT', INT_MAX, 'Members of a consumer group at most.', { min: 1 }),
  define(
    'group.consumer.assignors',
    'LIST',
    'uniform,range',
    'Assignors that members of consumer groups may ask for; the first is taken when they ask for none.',
    { oneOf: ['uniform', 'range'] },
  ),
  define(
    'group.consumer.migration.policy',
    'STRING',
    'bidirectional',
    'Whether groups with members become consumer groups or classic groups as their members change their protocol.',
    { oneOf: GROUP_MIGRATION_POLICIES, ignoreCase: true },
  ),
  define(
    'group.consumer.regex.refresh.interval.ms',
    'INT',
    600_000,
    'When patterns of consumer groups are resolved again although no topic was created.',
    { min: 10_000 },
  ),
]
