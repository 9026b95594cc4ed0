import { type ConfigDef, define } from '../../config/config-def.ts'
import { ConfigError } from '../../config/config-error.ts'
import { AbstractConfig, type ConfigValues, commonClientDefs, UNUSED_COMMON_KEYS } from '../abstract-config.ts'
import { parseAutoOffsetReset } from './auto-offset-reset-strategy.ts'
import type { FetchConfig } from './fetch-config.ts'
import type { IsolationLevel } from './subscription-state.ts'

const RECEIVE_BUFFER_BYTES = 65_536
const INSTANCE_ID = /^[a-zA-Z0-9._-]{1,249}$/

const GROUP_PROTOCOLS = ['classic', 'consumer'] as const
/** `group.protocol` */
export type GroupProtocol = (typeof GROUP_PROTOCOLS)[number]

function isGroupProtocol(value: string): value is GroupProtocol {
  return GROUP_PROTOCOLS.some(protocol => protocol === value)
}

/** Keys that cannot be set with a protocol (ConsumerConfig.checkUnsupportedConfigsPostProcess). */
const UNSUPPORTED: Readonly<Record<GroupProtocol, readonly string[]>> = {
  classic: ['group.remote.assignor'],
  consumer: ['partition.assignment.strategy', 'heartbeat.interval.ms', 'session.timeout.ms'],
}

/** All keys of the consumer, with types, defaults and bounds. */
export const CONSUMER_CONFIG_DEFS: readonly ConfigDef[] = [
  ...commonClientDefs({ receiveBufferBytes: RECEIVE_BUFFER_BYTES }),
  define('group.id', 'STRING', null, 'The group this consumer belongs to; none: it neither subscribes nor commits.'),
  define('group.instance.id', 'STRING', null, 'Makes it a static member, which keeps its partitions over a restart.'),
  {
    ...define('group.protocol', 'STRING', 'classic', 'How the group is kept: classic, or consumer (KIP-848).'),
    validate: value => {
      if (isGroupProtocol(value.toLowerCase())) return
      throw new ConfigError('group.protocol', value, `expected ${GROUP_PROTOCOLS.join(' or ')}`)
    },
  },
  define(
    'group.remote.assignor',
    'STRING',
    null,
    "The coordinator's assignor to use; with the consumer protocol only.",
  ),
  define('session.timeout.ms', 'INT', 45_000, 'Without a heartbeat for so long, a member is thrown out.'),
  define('heartbeat.interval.ms', 'INT', 3000, 'Time between heartbeats; less than session.timeout.ms.'),
  define(
    'partition.assignment.strategy',
    'LIST',
    'range,cooperative-sticky',
    'Assignors this consumer supports, by preference: range, roundrobin, sticky, cooperative-sticky.',
  ),
  define('max.poll.interval.ms', 'INT', 300_000, 'Without a poll for so long, the consumer leaves its group.', {
    min: 1,
  }),
  define('max.poll.records', 'INT', 500, 'Records that one poll brings at most.', { min: 1 }),
  define('enable.auto.commit', 'BOOLEAN', true, 'Whether positions are committed in the background of polls.'),
  define('auto.commit.interval.ms', 'INT', 5000, 'How often they are.', { min: 0 }),
  {
    ...define('auto.offset.reset', 'STRING', 'latest', 'Where to begin without a committed offset.'),
    validate: value => {
      parseAutoOffsetReset(value)
    },
  },
  define('fetch.min.bytes', 'INT', 1, 'What a broker waits for before it answers.', { min: 0 }),
  define('fetch.max.bytes', 'INT', 52_428_800, 'What an answer holds at most; a first batch may be larger.', {
    min: 0,
  }),
  define('fetch.max.wait.ms', 'INT', 500, 'How long a broker waits for fetch.min.bytes.', { min: 0 }),
  define('max.partition.fetch.bytes', 'INT', 1_048_576, 'What an answer holds of one partition at most.', { min: 0 }),
  define('check.crcs', 'BOOLEAN', true, 'Whether checksums of batches are checked.'),
  define('client.rack', 'STRING', '', 'Where this consumer is, to read from replicas close by.'),
  define(
    'isolation.level',
    'STRING',
    'read_uncommitted',
    'Whether records of open and aborted transactions are read.',
    {
      oneOf: ['read_uncommitted', 'read_committed'],
    },
  ),
  define('default.api.timeout.ms', 'INT', 60_000, 'How long a call may take that is given no timeout.', { min: 0 }),
  define('exclude.internal.topics', 'BOOLEAN', true, 'Whether patterns match no internal topics.'),
  define('allow.auto.create.topics', 'BOOLEAN', true, 'Whether brokers may create topics that are subscribed to.'),
]

/** Keys of Kafka's consumer that mean nothing here: classes are given as objects. */
const UNUSED_KEYS = [
  ...UNUSED_COMMON_KEYS,
  'interceptor.classes',
  'key.deserializer',
  'value.deserializer',
  'internal.throw.on.fetch.stable.offset.unsupported',
  'share.acknowledgement.mode',
  'share.acquire.mode',
]

/** The configuration of a consumer (Kafka's ConsumerConfig): keys, types, defaults, bounds and conflicts of Kafka 4.2. */
export class ConsumerConfig extends AbstractConfig {
  /** @throws ConfigError for a value that is not allowed, or not beside others */
  constructor(values: ConfigValues, onWarning: (message: string) => void) {
    super(CONSUMER_CONFIG_DEFS, UNUSED_KEYS, values, onWarning)
    this.#checkProtocol()
    this.#checkGroup()
  }

  get groupId(): string | undefined {
    return this.get('group.id') ?? undefined
  }

  get groupInstanceId(): string | undefined {
    return this.get('group.instance.id') ?? undefined
  }

  get groupProtocol(): GroupProtocol {
    return this.getString('group.protocol').toLowerCase() === 'consumer' ? 'consumer' : 'classic'
  }

  get isolationLevel(): IsolationLevel {
    return this.getString('isolation.level') === 'read_committed' ? 'read_committed' : 'read_uncommitted'
  }

  get fetch(): FetchConfig {
    return {
      fetchMinBytes: this.getNumber('fetch.min.bytes'),
      fetchMaxBytes: this.getNumber('fetch.max.bytes'),
      fetchMaxWaitMs: this.getNumber('fetch.max.wait.ms'),
      maxPartitionFetchBytes: this.getNumber('max.partition.fetch.bytes'),
      maxPollRecords: this.getNumber('max.poll.records'),
      checkCrcs: this.getBoolean('check.crcs'),
      clientRack: this.getString('client.rack'),
      isolationLevel: this.isolationLevel,
    }
  }

  #checkProtocol(): void {
    for (const key of UNSUPPORTED[this.groupProtocol]) {
      const value = this.isExplicit(key) ? (this.get(key) ?? '') : ''
      if (value.trim() !== '')
        throw new ConfigError(key, value, `cannot be set when group.protocol=${this.groupProtocol}`)
    }
  }

  #checkGroup(): void {
    const { groupId, groupInstanceId } = this
    if (groupId !== undefined && groupId.trim() === '') {
      throw new ConfigError('group.id', groupId, 'expected a text that is not empty or blank')
    }
    const isSpecial = groupInstanceId === '.' || groupInstanceId === '..'
    if (groupInstanceId !== undefined && (isSpecial || !INSTANCE_ID.test(groupInstanceId))) {
      const expected = 'expected 1 to 249 letters, digits, dots, underscores or hyphens, and not . or ..'
      throw new ConfigError('group.instance.id', groupInstanceId, expected)
    }
    if (groupId === undefined) {
      if (!this.isExplicit('enable.auto.commit')) this.refine('enable.auto.commit', false)
      else if (this.getBoolean('enable.auto.commit')) {
        throw new ConfigError('enable.auto.commit', 'true', 'cannot be true without a group.id')
      }
      return
    }
    const heartbeatMs = this.getNumber('heartbeat.interval.ms')
    if (heartbeatMs >= this.getNumber('session.timeout.ms')) {
      throw new ConfigError('heartbeat.interval.ms', `${heartbeatMs}`, 'expected less than session.timeout.ms')
    }
  }
}
