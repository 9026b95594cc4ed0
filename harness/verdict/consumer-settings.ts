import { ConfigError } from '../../src/config/config-error.ts'
import { splitList } from '../../src/config/values.ts'
import { ABILITIES } from '../explore/parse-group.ts'
import {
  ASSIGNOR_NAMES,
  type AssignorName,
  type CommitPolicy,
  type ConsumerClientName,
  GROUP_PROTOCOLS,
  type GroupProtocol,
  ISOLATION_LEVELS,
  type IsolationLevelName,
} from '../trial/group-spec.ts'
import { clientsFor } from './able-clients.ts'
import type { VerdictConsumer } from './consumer-configuration.ts'
import type { JudgedConsumerKey } from './consumer-keys.ts'
import { RefusedConfiguration } from './refused-configuration.ts'
import { booleanOf, wholeOf } from './setting-values.ts'

export type ConsumerSettings = Omit<VerdictConsumer, 'sink'>

/** What a broker says to a member's session timeout. */
export interface SessionBounds {
  /** `group.min.session.timeout.ms` */
  readonly leastMs: number
  /** `group.max.session.timeout.ms` */
  readonly mostMs: number
}

type Given = ReadonlyMap<JudgedConsumerKey, string>

/** Of the Java consumer, in its package. */
const ASSIGNOR_CLASSES: Readonly<Record<AssignorName, string>> = {
  range: 'RangeAssignor',
  roundrobin: 'RoundRobinAssignor',
  sticky: 'StickyAssignor',
  'cooperative-sticky': 'CooperativeStickyAssignor',
}
const ASSIGNOR_PACKAGE = 'org.apache.kafka.clients.consumer.'
/** In the words of ConsumerConfig, what only the classic protocol takes. */
const CLASSIC_ONLY = ['partition.assignment.strategy', 'heartbeat.interval.ms', 'session.timeout.ms'] as const
/** The Java consumer's, when it is not told. */
const DEFAULT_SESSION_MS = 45_000
/** A trial's machines stand still for less: nobody would ever miss a member. */
const LONG_SESSION_MS = 25_000

/**
 * Reads consumer settings as Kafka's ConsumerConfig and its clients do.
 *
 * @param given values by the Java consumer's keys
 * @param policy when the application commits, if that was asked for
 * @param asked the client that was asked for
 * @param notes takes what is done without being asked, each in a sentence
 * @throws ConfigError for a value that the key, or the client, does not take
 * @throws RefusedConfiguration for values that contradict each other
 */
export function consumerSettings(
  given: Given,
  policy: Exclude<CommitPolicy, 'auto'> | undefined,
  asked: ConsumerClientName | undefined,
  bounds: SessionBounds,
  notes: string[],
): ConsumerSettings {
  const protocol = readProtocol(given)
  const assignor = readAssignor(given, notes)
  const isStatic = (given.get('group.instance.id') ?? '') !== ''
  const clients = clientsFor(asked, { protocol, assignor, isStatic }, notes)
  const commit = readCommit(given, policy, notes)
  const number = (key: JudgedConsumerKey, least: number): number | undefined => {
    const text = given.get(key)
    return text === undefined ? undefined : wholeOf(key, text, least)
  }
  const settings: ConsumerSettings = {
    clients,
    protocol,
    assignor,
    isStatic,
    commit,
    autoCommitIntervalMs: readCommitInterval(number('auto.commit.interval.ms', 0), commit, clients, notes),
    isolationLevel: readIsolationLevel(given, notes),
    sessionTimeoutMs: number('session.timeout.ms', 1),
    heartbeatIntervalMs: number('heartbeat.interval.ms', 1),
    maxPollIntervalMs: number('max.poll.interval.ms', 1),
    maxPollRecords: number('max.poll.records', 1),
  }
  checkTimeouts(settings, bounds, notes)
  if (settings.maxPollRecords !== undefined && !clients.includes('java-semantics')) {
    notes.push('max.poll.records says nothing to KafkaJS and platformatic: they hand over one record after the other.')
    return { ...settings, maxPollRecords: undefined }
  }
  return settings
}

function readProtocol(given: Given): GroupProtocol {
  const text = given.get('group.protocol') ?? 'classic'
  const protocol = GROUP_PROTOCOLS.find(name => name === text.trim().toLowerCase())
  if (protocol === undefined) {
    throw new ConfigError('group.protocol', text, `expected one of ${GROUP_PROTOCOLS.join(', ')}`)
  }
  const contradicting = CLASSIC_ONLY.filter(key => (given.get(key) ?? '') !== '')
  if (protocol === 'consumer' && contradicting.length > 0) {
    throw new RefusedConfiguration(
      'ConfigException',
      `${contradicting.join(', ')} cannot be set when group.protocol=CONSUMER`,
    )
  }
  return protocol
}

/** Members that all prefer the same assignor get it: the first of the list (ConsumerCoordinator, GroupCoordinator's vote). */
function readAssignor(given: Given, notes: string[]): AssignorName | undefined {
  const text = given.get('partition.assignment.strategy')
  if (text === undefined) return undefined
  const known = splitList(text).map(item => {
    const found = ASSIGNOR_NAMES.find(name => name === item || `${ASSIGNOR_PACKAGE}${ASSIGNOR_CLASSES[name]}` === item)
    if (found !== undefined) return found
    const classes = ASSIGNOR_NAMES.map(name => `${ASSIGNOR_PACKAGE}${ASSIGNOR_CLASSES[name]} (${name})`)
    throw new ConfigError('partition.assignment.strategy', item, `expected one of ${classes.join(', ')}`)
  })
  const [first] = known
  if (first === undefined) {
    throw new ConfigError('partition.assignment.strategy', text, 'expected at least one assignor')
  }
  if (known.length > 1) notes.push(`All members prefer ${first}: the group uses no other of its assignors.`)
  return first
}

function readCommit(given: Given, policy: Exclude<CommitPolicy, 'auto'> | undefined, notes: string[]): CommitPolicy {
  const text = given.get('enable.auto.commit')
  const isAuto = text === undefined ? undefined : booleanOf('enable.auto.commit', text)
  if (isAuto === true && policy !== undefined) {
    const both = `with --commit ${policy} Kafka takes both: the client commits on its own besides the application`
    throw new ConfigError('enable.auto.commit', 'true', `${both}; a verdict judges one of them, so leave one out`)
  }
  if (policy !== undefined) {
    if (isAuto === undefined) notes.push(`enable.auto.commit is false, since the application commits (${policy}).`)
    return policy
  }
  if (isAuto === false) {
    notes.push('Applications commit what they have processed (--commit before: before they do).')
    return 'after'
  }
  if (isAuto === undefined) notes.push('The client commits on its own: enable.auto.commit is true by default.')
  return 'auto'
}

function readCommitInterval(
  intervalMs: number | undefined,
  commit: CommitPolicy,
  clients: readonly ConsumerClientName[],
  notes: string[],
): number | undefined {
  if (intervalMs === undefined) return undefined
  if (commit !== 'auto') {
    notes.push('auto.commit.interval.ms has no say: enable.auto.commit is false.')
    return undefined
  }
  for (const client of clients) {
    const least = ABILITIES[client].leastCommitIntervalMs
    if (intervalMs < least) {
      throw new ConfigError('auto.commit.interval.ms', `${intervalMs}`, `${client} takes ${least} or more`)
    }
  }
  return intervalMs
}

function readIsolationLevel(given: Given, notes: string[]): IsolationLevelName | undefined {
  const text = given.get('isolation.level')
  if (text === undefined) return undefined
  const level = ISOLATION_LEVELS.find(name => name === text.trim())
  if (level === undefined) {
    throw new ConfigError('isolation.level', text, `expected one of ${ISOLATION_LEVELS.join(', ')}`)
  }
  notes.push('Without transactions, which are not judged yet, both isolation levels read the same.')
  return level
}

/** What a coordinator and the clients refuse. */
function checkTimeouts(
  { sessionTimeoutMs, heartbeatIntervalMs, maxPollIntervalMs }: ConsumerSettings,
  { leastMs, mostMs }: SessionBounds,
  notes: string[],
): void {
  if (sessionTimeoutMs !== undefined && (sessionTimeoutMs < leastMs || sessionTimeoutMs > mostMs)) {
    const range = `group.min.session.timeout.ms=${leastMs} and group.max.session.timeout.ms=${mostMs}`
    throw new RefusedConfiguration(
      'INVALID_SESSION_TIMEOUT',
      `The session timeout of ${sessionTimeoutMs} ms is not within the range allowed by the broker (${range}).`,
    )
  }
  const sessionMs = sessionTimeoutMs ?? DEFAULT_SESSION_MS
  if (heartbeatIntervalMs !== undefined && heartbeatIntervalMs >= sessionMs) {
    throw new RefusedConfiguration(
      'IllegalArgumentException',
      `Heartbeat must be set lower than the session timeout: heartbeat.interval.ms=${heartbeatIntervalMs}, session.timeout.ms=${sessionMs}`,
    )
  }
  const shortestMs = sessionTimeoutMs ?? Math.max(leastMs, (heartbeatIntervalMs ?? 0) + 1)
  if (maxPollIntervalMs !== undefined && maxPollIntervalMs < shortestMs) {
    const why = `the members of trials need at least their session timeout, ${shortestMs} ms`
    throw new ConfigError('max.poll.interval.ms', `${maxPollIntervalMs}`, why)
  }
  if (sessionTimeoutMs !== undefined && sessionTimeoutMs > LONG_SESSION_MS) {
    notes.push(
      `session.timeout.ms=${sessionTimeoutMs}: faults hardly last that long, so that only members that leave are missed. Without it, sessions of 6 to 12 s are drawn.`,
    )
  }
}
