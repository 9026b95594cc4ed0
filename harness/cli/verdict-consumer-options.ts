import { type Command, InvalidArgumentError } from 'commander'
import {
  ASSIGNOR_NAMES,
  type AssignorName,
  type ConsumerClientName,
  GROUP_PROTOCOLS,
  type GroupProtocol,
  ISOLATION_LEVELS,
  type IsolationLevelName,
  type SinkName,
} from '../trial/group-spec.ts'
import type { ConsumerQuestion } from '../verdict/consumer-question.ts'
import * as values from './option-values.ts'

const MAX_INTERVAL_MS = 86_400_000

/** The flags of `verdict` that ask about a group, as commander gives them. */
export interface ConsumerFlags {
  readonly consumer?: ConsumerClientName
  readonly enableAutoCommit?: boolean
  readonly commit?: 'before' | 'after'
  readonly autoCommitIntervalMs?: number
  readonly isolationLevel?: IsolationLevelName
  readonly assignor?: AssignorName
  readonly groupProtocol?: GroupProtocol
  readonly sink?: SinkName
  readonly consumerConfig?: string
}

/** By the names of the flags. */
export const CONSUMER_FLAGS = [
  'consumer',
  'enableAutoCommit',
  'commit',
  'autoCommitIntervalMs',
  'isolationLevel',
  'assignor',
  'groupProtocol',
  'sink',
  'consumerConfig',
] as const satisfies readonly (keyof ConsumerFlags)[]

function trueOrFalse(text: string): boolean {
  return values.oneOf(text, ['true', 'false'] as const) === 'true'
}

function commit(text: string): 'before' | 'after' {
  if (text === 'auto') throw new InvalidArgumentError('that is --enable-auto-commit true')
  return values.oneOf(text, ['before', 'after'] as const)
}

/** Adds what can be asked about a group that reads; any of it makes the verdict one of delivery from end to end. */
export function addConsumerFlags(command: Command): Command {
  return command
    .option(
      '--consumer <name>',
      'a group reads: kafkajs, platformatic or java-semantics (default: as --client)',
      values.consumer,
    )
    .option('--enable-auto-commit <boolean>', 'clients commit on their own (default: true)', trueOrFalse)
    .option('--commit <when>', 'applications commit: before or after they process a record', commit)
    .option(
      '--auto-commit-interval-ms <n>',
      'how often clients commit (default: drawn)',
      values.wholeNumber(0, MAX_INTERVAL_MS),
    )
    .option('--isolation-level <level>', "read_uncommitted or read_committed (default: the client's)", text =>
      values.oneOf(text, ISOLATION_LEVELS),
    )
    .option('--assignor <name>', "range, roundrobin, sticky or cooperative-sticky (default: the client's)", text =>
      values.oneOf(text, ASSIGNOR_NAMES),
    )
    .option('--group-protocol <name>', 'classic or consumer, KIP-848 (default: classic)', text =>
      values.oneOf(text, GROUP_PROTOCOLS),
    )
    .option(
      '--sink <kind>',
      'where effects go: none, or idempotent, which takes none twice (default: none)',
      values.sink,
    )
    .option('--consumer-config <file>', 'a consumer.properties file of the Java client; flags win')
}

/** @param read gives the text of a file */
export function consumerQuestionOf(flags: ConsumerFlags, read: (path: string) => string): ConsumerQuestion {
  const { consumer, enableAutoCommit, autoCommitIntervalMs, isolationLevel, assignor, groupProtocol, sink } = flags
  return {
    ...(consumer === undefined ? {} : { consumer }),
    ...(enableAutoCommit === undefined ? {} : { enableAutoCommit }),
    ...(flags.commit === undefined ? {} : { commit: flags.commit }),
    ...(autoCommitIntervalMs === undefined ? {} : { autoCommitIntervalMs }),
    ...(isolationLevel === undefined ? {} : { isolationLevel }),
    ...(assignor === undefined ? {} : { assignor }),
    ...(groupProtocol === undefined ? {} : { groupProtocol }),
    ...(sink === undefined ? {} : { sink }),
    ...(flags.consumerConfig === undefined ? {} : { consumerProperties: read(flags.consumerConfig) }),
  }
}
