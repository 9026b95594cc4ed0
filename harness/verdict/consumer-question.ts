import { ConfigError } from '../../src/config/config-error.ts'
import { nearestKey } from '../../src/config/nearest-key.ts'
import { parseWholeNumber } from '../../src/config/values.ts'
import { parseProperties } from '../../src/server/config/properties.ts'
import type {
  AssignorName,
  ConsumerClientName,
  GroupProtocol,
  IsolationLevelName,
  SinkName,
} from '../trial/group-spec.ts'
import type { ClientName } from '../trial/scenario.ts'
import type { VerdictConsumer } from './consumer-configuration.ts'
import { CONSUMER_KEYS, isConsumerKey, JUDGED_CONSUMER_KEYS, type JudgedConsumerKey } from './consumer-keys.ts'
import { consumerSettings, type SessionBounds } from './consumer-settings.ts'

/** What a user asks about the group that reads; with any of it, a verdict is one of delivery from end to end. */
export interface ConsumerQuestion {
  readonly consumer?: ConsumerClientName
  readonly enableAutoCommit?: boolean
  /** When the application commits itself. */
  readonly commit?: 'before' | 'after'
  readonly autoCommitIntervalMs?: number
  readonly isolationLevel?: IsolationLevelName
  readonly assignor?: AssignorName
  readonly groupProtocol?: GroupProtocol
  readonly sink?: SinkName
  /** Text of a `consumer.properties`. */
  readonly consumerProperties?: string
}

const QUESTION_KEYS = [
  'consumer',
  'enableAutoCommit',
  'commit',
  'autoCommitIntervalMs',
  'isolationLevel',
  'assignor',
  'groupProtocol',
  'sink',
  'consumerProperties',
] as const satisfies readonly (keyof ConsumerQuestion)[]

/** What a trial decides for its members. */
const OF_THE_TRIAL: readonly string[] = ['bootstrap.servers', 'client.id', 'group.id']
/** Settings that change what is read, and the one value with which groups are judged. */
const ONLY_VALUE: Readonly<Record<string, { readonly value: string; readonly why: string }>> = {
  'auto.offset.reset': {
    value: 'earliest',
    why: 'groups are judged with earliest only: with another one what was written before the first commit is not theirs',
  },
  'group.remote.assignor': { value: '', why: "groups are judged with the broker's first assignor only" },
}

/** Whether anything is asked of a group at all. */
export function asksForGroup(question: ConsumerQuestion): boolean {
  return QUESTION_KEYS.some(key => question[key] !== undefined)
}

/**
 * The group that was asked about; undefined when nothing was.
 *
 * @param client of the producers: the default for the members
 * @param broker settings of `server.properties`
 * @param notes takes what Kafka and the clients make of it without being asked
 * @throws ConfigError, PropertiesSyntaxError, RefusedConfiguration
 */
export function consumerOf(
  question: ConsumerQuestion,
  client: ClientName | undefined,
  broker: ReadonlyMap<string, string>,
  notes: string[],
): VerdictConsumer | undefined {
  if (!asksForGroup(question)) return undefined
  const given = consumerValues(question, notes)
  const asked = question.consumer ?? client
  const settings = consumerSettings(given, question.commit, asked, sessionBounds(broker), notes)
  if (question.consumerProperties?.includes('auto.offset.reset') !== true) {
    notes.push("Groups read from the beginning (auto.offset.reset=earliest; Kafka's default is latest).")
  }
  return { ...settings, sink: question.sink ?? 'none' }
}

/** Consumer values by the Java client's keys; flags win over the file. */
function consumerValues(question: ConsumerQuestion, notes: string[]): Map<JudgedConsumerKey, string> {
  const values = new Map<JudgedConsumerKey, string>()
  const own: string[] = []
  for (const { key, value, line } of parseProperties(question.consumerProperties ?? '').values()) {
    const only = ONLY_VALUE[key]
    if (only !== undefined && value.trim() !== only.value) throw new ConfigError(key, value, only.why)
    if (OF_THE_TRIAL.includes(key)) own.push(key)
    if (!isConsumerKey(key)) {
      const nearest = nearestKey(key, CONSUMER_KEYS)
      const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`
      notes.push(`consumer.properties line ${line}: Kafka has no consumer setting ${key} and ignores it${hint}.`)
    }
    const judged = JUDGED_CONSUMER_KEYS.find(name => name === key)
    if (judged !== undefined) values.set(judged, value.trim())
  }
  if (own.length > 0) notes.push(`consumer.properties: the trial has its own ${own.join(', ')}.`)
  const { enableAutoCommit, commit, autoCommitIntervalMs, isolationLevel, assignor, groupProtocol } = question
  if (enableAutoCommit !== undefined) values.set('enable.auto.commit', String(enableAutoCommit))
  else if (commit !== undefined) values.delete('enable.auto.commit')
  if (autoCommitIntervalMs !== undefined) values.set('auto.commit.interval.ms', String(autoCommitIntervalMs))
  if (isolationLevel !== undefined) values.set('isolation.level', isolationLevel)
  if (assignor !== undefined) values.set('partition.assignment.strategy', assignor)
  if (groupProtocol !== undefined) values.set('group.protocol', groupProtocol)
  return values
}

function sessionBounds(broker: ReadonlyMap<string, string>): SessionBounds {
  const take = (key: string, byDefault: number): number => parseWholeNumber(broker.get(key) ?? '') ?? byDefault
  return {
    leastMs: take('group.min.session.timeout.ms', 6000),
    mostMs: take('group.max.session.timeout.ms', 1_800_000),
  }
}
