import { type Command, InvalidArgumentError } from 'commander'
import type { ClientName } from '../trial/scenario.ts'
import { FAULT_MODEL_NAMES, type FaultModelName } from '../verdict/fault-models.ts'
import * as values from './option-values.ts'
import { addConsumerFlags, type ConsumerFlags } from './verdict-consumer-options.ts'

const MAX_REPLICAS = 100
const MAX_BROKERS = 9
const MAX_IN_FLIGHT = 1000
const INT_MAX = 2_147_483_647
const MAX_TRIALS = 1_000_000_000
const MAX_WORKERS = 64

/** The flags of `verdict`, as commander gives them. */
export interface VerdictFlags extends ConsumerFlags {
  readonly client?: ClientName
  readonly acks?: -1 | 0 | 1
  readonly minInsyncReplicas?: number
  readonly replicationFactor?: number
  readonly brokers?: number
  readonly uncleanLeaderElection?: boolean
  readonly elr?: boolean
  readonly idempotence?: boolean
  readonly maxInFlight?: number
  readonly retries?: number
  readonly flushMessages?: number
  readonly sequential?: boolean
  readonly renewAfterError?: boolean
  readonly producer?: string
  readonly broker?: string
  readonly topic?: string
  readonly faults?: FaultModelName[]
  readonly atOnce?: number
  readonly powerLosses?: number
  readonly trials?: number
  readonly time?: number
  readonly workers: number
  readonly seed?: string
  readonly suggest?: boolean
  readonly matrix?: boolean
  readonly json?: boolean
  readonly junit?: string
  readonly markdown?: string
}

/** `process-crash,partition`, or `all`. */
function faultModels(text: string): FaultModelName[] {
  const names = text.split(',').map(name => name.trim())
  if (names.includes('all')) return [...FAULT_MODEL_NAMES]
  return [
    ...new Set(
      names.map(name => {
        const found = FAULT_MODEL_NAMES.find(model => model === name)
        if (found !== undefined) return found
        throw new InvalidArgumentError(`${JSON.stringify(name)} is none of ${FAULT_MODEL_NAMES.join(', ')}, all`)
      }),
    ),
  ]
}

/** Adds what can be asked: the configuration, what may happen to it, how long, and what comes out. */
export function addVerdictFlags(command: Command): Command {
  return addCampaignFlags(addConsumerFlags(addProducerFlags(command)))
}

function addProducerFlags(command: Command): Command {
  return command
    .option('--acks <acks>', 'all, 1 or 0 (default: all)', values.acks)
    .option('--min-insync-replicas <n>', '(default: 1)', values.wholeNumber(1, MAX_REPLICAS))
    .option('--replication-factor <n>', '(default: 3)', values.wholeNumber(1, MAX_REPLICAS))
    .option('--brokers <n>', '(default: 3)', values.wholeNumber(1, MAX_BROKERS))
    .option('--unclean-leader-election', 'a replica that is not in sync may be elected')
    .option('--no-unclean-leader-election', 'it may not (the default)')
    .option('--elr', 'eligible leader replicas, KIP-966 (the default since Kafka 4.1)')
    .option('--no-elr', 'without them: clusters of before, or upgraded ones')
    .option('--idempotence', 'idempotent producers (the default, as far as the rest allows it)')
    .option('--no-idempotence', 'producers that are not idempotent')
    .option(
      '--max-in-flight <n>',
      'requests in flight on a connection (default: 5)',
      values.wholeNumber(1, MAX_IN_FLIGHT),
    )
    .option('--retries <n>', 'retries of a send', values.wholeNumber(0, INT_MAX))
    .option('--flush-messages <n>', 'log.flush.interval.messages (default: never)', values.wholeNumber(1, INT_MAX))
    .option('--client <name>', 'kafkajs, platformatic or java-semantics (default: the first two)', values.client)
    .option('--sequential', 'applications await each send before the next')
    .option('--no-sequential', 'sends overlap')
    .option('--renew-after-error', 'applications replace their client after a failed send')
    .option('--no-renew-after-error', 'applications keep it')
    .option('--producer <file>', 'a producer.properties file of the Java client; flags win')
    .option('--broker <file>', 'a server.properties file; flags win')
    .option('--topic <file>', 'a file of topic settings; flags win')
}

function addCampaignFlags(command: Command): Command {
  return command
    .option(
      '--faults <models>',
      `${FAULT_MODEL_NAMES.join(', ')}, separated by commas, or all (default: process-crash,partition,maintenance; with a group client, too)`,
      faultModels,
    )
    .option(
      '--at-once <n>',
      'nodes that may be down or cut off at once (default: all)',
      values.wholeNumber(1, MAX_BROKERS),
    )
    .option(
      '--power-losses <n>',
      'machines that may lose power in one trial (default: 1)',
      values.wholeNumber(1, MAX_BROKERS),
    )
    .option(
      '--trials <n>',
      'trials to run (default: 1000; of each cell of a matrix: 500)',
      values.wholeNumber(1, MAX_TRIALS),
    )
    .option('--time <time>', 'run trials for so long: 60s, 5m; what they find is shrunk besides', values.duration)
    .option('--workers <n>', 'processes', values.wholeNumber(1, MAX_WORKERS), 2)
    .option('--seed <seed>', 'decides everything (default: a fresh one, printed)', values.seed)
    .option('--suggest', 'look for the smallest change of settings that holds')
    .option('--matrix', 'judge acks × min.insync.replicas × unclean election × crashes, beside what is expected')
    .option('--json', 'print one JSON document')
    .option('--junit <file>', 'write a JUnit report')
    .option('--markdown <file>', 'write a page of Markdown')
}
