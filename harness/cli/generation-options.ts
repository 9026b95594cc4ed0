import type { Command } from 'commander'
import { type ExploreOptions, hasGroups, type WorkloadName } from '../explore/explore-options.ts'
import {
  type CommitPolicy,
  type ConsumerClientName,
  GROUP_PROTOCOLS,
  type GroupProtocol,
  type SinkName,
} from '../trial/group-spec.ts'
import {
  type ClientName,
  type ClusterSpec,
  type FaultName,
  type GuaranteeName,
  MAX_BROKERS,
  type PartitionerName,
  type RoleLayout,
} from '../trial/scenario.ts'
import { combinedNodeProperties } from './combined-node.ts'
import * as values from './option-values.ts'
import { UsageError } from './usage-error.ts'

/** The flags that decide what scenarios are generated, as commander gives them. */
export interface GenerationFlags {
  readonly workload?: WorkloadName
  readonly partitioner?: PartitionerName
  readonly consumer?: ConsumerClientName
  readonly groupProtocol?: GroupProtocol
  readonly commit?: CommitPolicy
  readonly sink?: SinkName
  readonly client?: ClientName
  readonly faults?: FaultName[]
  readonly set?: Record<string, string>
  readonly require?: GuaranteeName[]
  readonly acks?: -1 | 0 | 1
  readonly idempotent?: boolean
  readonly maxInFlight?: number
  readonly retries?: number
  readonly sequential?: boolean
  readonly renewAfterError?: boolean
  readonly brokers?: number
  readonly controllers?: ClusterSpec['controllers']
  readonly roles?: RoleLayout
  readonly replicationFactor?: number
}

const MAX_IN_FLIGHT = 1000

/** Adds the flags that `explore`, and `replay` of a seed, share. */
export function addGenerationFlags(command: Command): Command {
  return command
    .option(
      '--workload <name>',
      'append; group: consumer groups read what is appended; keyed: the same by key; redeploy: a group is replaced again and again; admin-churn: topics come, change and go (default: append)',
      values.workload,
    )
    .option(
      '--partitioner <which>',
      "how producers choose a key's partition: own (as the client does by itself) or java (default: drawn)",
      values.partitioner,
    )
    .option(
      '--consumer <name>',
      'client of the groups: kafkajs, platformatic or java-semantics (default: the first two)',
      values.consumer,
    )
    .option(
      '--group-protocol <name>',
      'classic, or consumer (KIP-848) with --consumer java-semantics (default: classic; with java-semantics either)',
      (text: string): GroupProtocol => values.oneOf(text, GROUP_PROTOCOLS),
    )
    .option('--commit <policy>', 'when groups commit: before, after or auto (default: drawn)', values.commit)
    .option('--sink <kind>', 'what the effects of groups go to: none or idempotent (default: drawn)', values.sink)
    .option('--client <name>', 'kafkajs, platformatic or java-semantics (default: the first two)', values.client)
    .option('--faults <list>', 'kinds of faults, separated by commas, or none (default: all)', values.faults)
    .option(
      '--set <key=value>',
      "a setting of the broker or the topic, by Kafka's key; may be repeated",
      values.setting,
    )
    .option('--require <list>', 'guarantees to judge besides those that are promised', values.guarantees)
    .option('--acks <acks>', 'all, 1 or 0 (default: drawn)', values.acks)
    .option('--idempotent', 'only idempotent producers')
    .option('--no-idempotent', 'no idempotent producers')
    .option('--max-in-flight <n>', 'requests in flight on a connection', values.wholeNumber(1, MAX_IN_FLIGHT))
    .option('--retries <n>', 'retries of a send', values.wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--sequential', 'producers await each send before the next')
    .option('--no-sequential', 'sends overlap')
    .option(
      '--renew-after-error',
      'applications replace their client after a failed send (default: idempotent ones do)',
    )
    .option('--no-renew-after-error', 'applications keep their client after a failed send')
    .option('--brokers <n>', 'brokers of the cluster (default: 1 to 3)', values.wholeNumber(1, MAX_BROKERS))
    .option('--controllers <n>', 'controllers: 1, 3 or 5 (default: 1 or 3)', values.controllers)
    .option('--roles <layout>', 'combined (brokers are the controllers) or separate (default: both)', values.roles)
    .option('--replication-factor <n>', 'copies of the topic (default: drawn)', values.wholeNumber(1, MAX_BROKERS))
}

/**
 * @throws UsageError for flags that contradict each other, and for settings that Kafka does not have or would refuse
 */
export async function explorationOf(flags: GenerationFlags): Promise<ExploreOptions> {
  const { client, faults, set, require, acks, idempotent, maxInFlight, retries, sequential, renewAfterError } = flags
  const { brokers, controllers, roles, replicationFactor } = flags
  if ((replicationFactor ?? 1) > (brokers ?? MAX_BROKERS)) {
    throw new UsageError(`--replication-factor ${replicationFactor} needs as many --brokers, not ${brokers}`)
  }
  const { workload, partitioner, consumer, groupProtocol, commit, sink } = flags
  if (!hasGroups(workload) && (consumer ?? groupProtocol ?? commit ?? sink) !== undefined) {
    throw new UsageError('--consumer, --group-protocol, --commit and --sink need --workload group, keyed or redeploy')
  }
  if (groupProtocol === 'consumer' && consumer !== 'java-semantics') {
    throw new UsageError(
      '--group-protocol consumer needs --consumer java-semantics: of no other trials can tell what it owns',
    )
  }
  if (workload !== 'keyed' && partitioner !== undefined) throw new UsageError('--partitioner needs --workload keyed')
  if (idempotent === true && acks !== undefined && acks !== -1) {
    throw new UsageError(`--idempotent needs --acks all, not ${acks}`)
  }
  if (idempotent === true && retries === 0) throw new UsageError('--idempotent needs --retries of at least 1')
  if (set !== undefined) await checkSettings(set)
  return {
    ...(workload === undefined ? {} : { workload }),
    ...(partitioner === undefined ? {} : { partitioner }),
    ...(consumer === undefined ? {} : { consumer }),
    ...(groupProtocol === undefined ? {} : { group: { protocol: groupProtocol } }),
    ...(commit === undefined ? {} : { commit }),
    ...(sink === undefined ? {} : { sink }),
    ...(client === undefined ? {} : { client }),
    ...(faults === undefined ? {} : { faults }),
    ...(set === undefined ? {} : { set }),
    ...(require === undefined ? {} : { require }),
    ...(acks === undefined ? {} : { acks }),
    ...(idempotent === undefined ? {} : { idempotent }),
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    ...(retries === undefined ? {} : { retries }),
    ...(sequential === undefined ? {} : { sequential }),
    ...(renewAfterError === undefined ? {} : { renewAfterError }),
    ...(brokers === undefined ? {} : { brokers }),
    ...(controllers === undefined ? {} : { controllers }),
    ...(roles === undefined ? {} : { roles }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
  }
}

async function checkSettings(set: Readonly<Record<string, string>>): Promise<void> {
  const { KafkaConfig } = await import('../../src/server/config/kafka-config.ts')
  const { isTopicOnlyKey } = await import('../explore/cluster-arbitrary.ts')
  const { LogConfig } = await import('../../src/log/log-config.ts')
  const { ConfigError } = await import('../../src/config/config-error.ts')
  const entries = Object.entries(set)
  try {
    LogConfig.validate(new Map(entries.filter(([key]) => isTopicOnlyKey(key))))
    const node = combinedNodeProperties({ host: 'broker-1', port: 9092 })
    const brokerSettings = entries.filter(([key]) => !isTopicOnlyKey(key))
    const [warning] = KafkaConfig.fromProperties(new Map([...node, ...brokerSettings])).warnings
    if (warning !== undefined) throw new UsageError(`--set: ${warning.message}`)
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(`--set: ${error.message}`)
    throw error
  }
}
