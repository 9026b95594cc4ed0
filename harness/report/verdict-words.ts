import type { ClientName } from '../trial/scenario.ts'
import type { VerdictConfiguration } from '../verdict/configuration.ts'
import type { VerdictConsumer } from '../verdict/consumer-configuration.ts'
import { FAULT_MODEL_NAMES } from '../verdict/fault-models.ts'
import type { VerdictPlan } from '../verdict/plan.ts'
import { shellWord } from './commands.ts'

const MAX_SAFE = Number.MAX_SAFE_INTEGER
const UNLIMITED = '2147483647'

/** Flags that ask about the same configuration again; what a file said beyond them is left out. */
export function configurationFlags({ producer, consumer, ...configuration }: VerdictConfiguration): string[] {
  const { client, brokers, replicationFactor, minInsyncReplicas, uncleanLeaderElection } = configuration
  const { eligibleLeaderReplicas, flushMessages } = configuration
  const javaIdempotent = producer.acks === -1 && producer.retries !== 0
  return [
    '--acks',
    producer.acks === -1 ? 'all' : String(producer.acks),
    '--min-insync-replicas',
    String(minInsyncReplicas),
    ...(replicationFactor === 3 ? [] : ['--replication-factor', String(replicationFactor)]),
    ...(brokers === 3 ? [] : ['--brokers', String(brokers)]),
    ...(uncleanLeaderElection ? ['--unclean-leader-election'] : []),
    ...(eligibleLeaderReplicas ? [] : ['--no-elr']),
    ...(producer.idempotent === javaIdempotent ? [] : [producer.idempotent ? '--idempotence' : '--no-idempotence']),
    ...(producer.maxInFlight === undefined ? [] : ['--max-in-flight', String(producer.maxInFlight)]),
    ...(producer.retries === undefined
      ? []
      : ['--retries', producer.retries === MAX_SAFE ? UNLIMITED : String(producer.retries)]),
    ...(flushMessages === undefined ? [] : ['--flush-messages', String(flushMessages)]),
    ...(client === undefined ? [] : ['--client', client]),
    ...(consumer === undefined ? [] : consumerFlags(consumer, client)),
  ]
}

function consumerFlags(consumer: VerdictConsumer, client: ClientName | undefined): string[] {
  const { clients, commit, autoCommitIntervalMs, isolationLevel, assignor, protocol, sink } = consumer
  const [only] = clients
  return [
    ...(only === undefined || clients.length > 1 || only === client ? [] : ['--consumer', only]),
    ...(commit === 'auto' ? ['--enable-auto-commit', 'true'] : ['--commit', commit]),
    ...(autoCommitIntervalMs === undefined ? [] : ['--auto-commit-interval-ms', String(autoCommitIntervalMs)]),
    ...(isolationLevel === undefined ? [] : ['--isolation-level', isolationLevel]),
    ...(assignor === undefined ? [] : ['--assignor', assignor]),
    ...(protocol === 'classic' ? [] : ['--group-protocol', protocol]),
    ...(sink === 'none' ? [] : ['--sink', sink]),
  ]
}

/** The command that puts a plan on trial. */
export function verdictCommand(plan: VerdictPlan, more: readonly string[] = []): string {
  const { configuration, models, atOnce, powerLosses } = plan
  const all = FAULT_MODEL_NAMES.every(name => models.includes(name))
  const words = [
    ...configurationFlags(configuration),
    '--faults',
    all ? 'all' : models.join(','),
    ...(atOnce === configuration.brokers ? [] : ['--at-once', String(atOnce)]),
    ...(models.includes('power-loss') && powerLosses !== 1 ? ['--power-losses', String(powerLosses)] : []),
    ...more,
  ]
  return ['npx kafka-trial verdict', ...words.map(shellWord)].join(' ')
}
