import { GUARANTEE_NAMES, type GuaranteeName, type Scenario } from '../trial/scenario.ts'
import { promisedToChurn } from './churn-promises.ts'
import { durabilityOf, mayCorrupt, mayElectRemovedReplica } from './durability.ts'
import type { ExploreOptions } from './explore-options.ts'
import { promisedToGroups } from './group-promises.ts'
import { agreeOnPartitions, sendsByKey } from './keys.ts'

/** Kafka's default of `message.max.bytes`, which holds the largest batch that is ever drawn. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588

/** Promises that hold whatever the configuration and whatever happens. */
const UNCONDITIONAL: readonly GuaranteeName[] = ['no-phantoms', 'bounded-queues']

/** Promises that hold whatever the configuration, as long as disks give back what was written to them. */
const OF_SOUND_DISKS: readonly GuaranteeName[] = [
  'replicas-agree',
  'clean-elections',
  'one-leader-per-epoch',
  'metadata-stays',
  'well-formed-log',
  'every-send-settles',
  'cluster-recovers',
  'recovers',
]

/**
 * What a configuration promises, so that every violation is a finding. No duplicates: only when all producers are
 * idempotent, but see `mayRewriteSequences`. Order: only when each awaits one send before the next or is idempotent, and disks are sound (else nobody waits
 * for what is under way before the application goes on). That acknowledged records and their
 * offsets stay: as `durabilityOf` has it; of a single broker also when power losses were asked for by name, which asks what
 * they do to it. What is committed stays whatever happens, but for what damaged disks and unclean elections explain, which the
 * checkers see for themselves; consumers look on where there are several replicas. The conduct of clients (`no-busy-timers`, `drops-dead-connections`) only when `require`d, because KafkaJS
 * 2.2.4 is known to violate it; anything else that is required is judged too, promised or not. Where producers send by key: the order
 * of each key at the sinks of groups that read at least once what is written in order, and one partition a key if all producers
 * have the same way to choose it.
 */
export function promisedGuarantees(
  scenario: Pick<Scenario, 'workload' | 'faults' | 'cluster'>,
  options: Pick<ExploreOptions, 'faults' | 'require'> = {},
): GuaranteeName[] {
  const { workload, faults, cluster } = scenario
  const { producers } = workload
  const promised = new Set<GuaranteeName>([...UNCONDITIONAL, ...(options.require ?? [])])
  if (!mayCorrupt(faults)) for (const name of OF_SOUND_DISKS) promised.add(name)
  const durability = durabilityOf(scenario)
  if (durability === 'kept' || asksForLoss(scenario, options)) promised.add('no-loss').add('stable-offsets')
  else if (durability === 'kept-but-for-damage') promised.add('no-unexplained-loss')
  if (!mayCorrupt(faults) && !mayElectRemovedReplica(cluster, faults)) {
    promised.add('committed-stays').add('acks-all-means-replicated')
    if (cluster.brokers > 1) promised.add('reads-stay')
  }
  for (const name of promisedToChurn(scenario)) promised.add(name)
  const ofGroups = promisedToGroups(scenario)
  for (const name of ofGroups) promised.add(name)
  const rewrites = mayRewriteSequences(scenario)
  if (producers.every(({ idempotent }) => idempotent) && !rewrites) promised.add('no-duplicates')
  const inOrder = producers.every(({ idempotent, sequential }) => idempotent || sequential) && !rewrites
  if (inOrder && !mayCorrupt(faults)) promised.add('order')
  if (!sendsByKey(workload)) return GUARANTEE_NAMES.filter(name => promised.has(name))
  if (inOrder && ofGroups.includes('at-least-once')) promised.add('key-order')
  if (agreeOnPartitions(producers) && !mayCorrupt(faults)) promised.add('one-partition-per-key')
  return GUARANTEE_NAMES.filter(name => promised.has(name))
}

/**
 * Whether the Java client's idempotent producer may store a record twice, as it does with Apache Kafka 4.2. A batch that is refused
 * as too large makes it bump its epoch and give all batches in flight to the partition new sequence numbers
 * (TransactionManager.bumpIdempotentProducerEpoch). A leader that knows nothing of the producer yet takes any first sequence
 * number (ProducerAppendInfo.checkSequence), so one of them may have been stored under its old number; its repetition is then new.
 */
function mayRewriteSequences({ workload, cluster }: Pick<Scenario, 'workload' | 'cluster'>): boolean {
  const rewrites = workload.producers.some(({ client, idempotent }) => client === 'java-semantics' && idempotent)
  const { config, topic } = cluster
  // A batch that is larger than a segment is refused, too.
  const segments = [config['log.segment.bytes'], topic.config['segment.bytes'], topic.config['internal.segment.bytes']]
  const limits = [config['message.max.bytes'], topic.config['max.message.bytes'], ...segments]
  return rewrites && limits.some(limit => limit !== undefined && Number(limit) < DEFAULT_MAX_MESSAGE_BYTES)
}

function asksForLoss(
  { cluster, faults }: Pick<Scenario, 'cluster' | 'faults'>,
  { faults: asked }: Pick<ExploreOptions, 'faults'>,
): boolean {
  return cluster.brokers === 1 && asked !== undefined && faults.some(({ kind }) => kind === 'power-loss')
}
