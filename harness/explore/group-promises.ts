import type { ConsumerClientName, GroupSpec } from '../trial/group-spec.ts'
import type { GuaranteeName, Scenario } from '../trial/scenario.ts'
import { durabilityOf, mayCorrupt, mayElectRemovedReplica } from './durability.ts'

/** Clients whose own commits cover only what they have handed over and the application is done with. */
export const COMMIT_ON_THEIR_OWN_AFTER_PROCESSING: ReadonlySet<ConsumerClientName> = new Set([
  'kafkajs',
  'java-semantics',
])
/**
 * Clients that let go of what a rebalance has taken from them: they hand over nothing more of it, commit nothing more of it, and
 * begin anew with what they are given. platformatic goes on with what it has fetched, and when a commit is refused because its
 * generation is over, it rejoins and asks for the same again.
 */
export const DISCARD_WHAT_THEY_LOSE: ReadonlySet<ConsumerClientName> = new Set(['kafkajs', 'java-semantics'])
/** Clients that answer every commit. platformatic 2.12 leaves one open for ever that is asked of a consumer which is closed. */
const SETTLE_EVERY_COMMIT: ReadonlySet<ConsumerClientName> = new Set(['kafkajs', 'java-semantics'])
/**
 * Clients that rejoin when a broker no longer leads what they ask it for, and go on with what they fetch of the others meanwhile, whoever
 * owns it by then: KafkaJS 2.2.4 (tulios/kafkajs#1046).
 */
export const GO_ON_WITH_OTHER_PARTITIONS: ReadonlySet<ConsumerClientName> = new Set(['kafkajs'])
/**
 * Clients that say yes to a commit without sending it once they are being closed: KafkaJS 2.2.4 does so to the handler that it waits for
 * meanwhile.
 */
export const PRETEND_TO_COMMIT_WHEN_CLOSED: ReadonlySet<ConsumerClientName> = new Set(['kafkajs'])
/** Clients that show that they live only between two records. */
const HEARTBEAT_BETWEEN_RECORDS: ReadonlySet<ConsumerClientName> = new Set(['kafkajs'])

/**
 * What is promised of consumer groups: nothing where disks give back something else than was written to them. An end of every
 * commit, if the client gives one; convergence unless a handler takes so long that its member is thrown out each time before it can commit. One
 * owner a generation, that commits stay, and that those of older generations are refused, as long as the coordinator's own topic
 * keeps what was acknowledged. What members are given, and from where, as long as the topic keeps what they have seen and their
 * client forgets what it no longer owns. Nothing that
 * takes a client's word for a commit, if it may say yes to one that it never sends, or that each record is the owner's, if it may go on
 * with another partition. At least once, and not beyond what was processed, for groups that commit afterwards;
 * at most once for those that commit before; once, in effect, for those that commit afterwards to an idempotent sink.
 */
export function promisedToGroups(scenario: Pick<Scenario, 'workload' | 'faults' | 'cluster'>): GuaranteeName[] {
  const { workload, faults, cluster } = scenario
  const { groups = [] } = workload
  if (groups.length === 0 || mayCorrupt(faults)) return []
  const promised: GuaranteeName[] = []
  if (groups.every(({ client }) => SETTLE_EVERY_COMMIT.has(client))) promised.push('every-commit-settles')
  if (groups.every(isInTime)) promised.push('group-converges')
  if (!keepsCommits(scenario)) return promised
  const sent = !groups.some(mayPretendToCommit)
  promised.push('one-owner')
  if (sent) promised.push('commits-stay')
  const letGo = groups.every(({ client }) => DISCARD_WHAT_THEY_LOSE.has(client))
  if (letGo && sent && !groups.some(joinsUnheard)) promised.push('fenced-commits-refused')
  if (durabilityOf(scenario) !== 'kept' || mayElectRemovedReplica(cluster, faults)) return promised
  if (letGo) {
    const owned =
      cluster.topic.partitions === 1 || !groups.some(({ client }) => GO_ON_WITH_OTHER_PARTITIONS.has(client))
    if (owned) promised.push('only-owned-records')
    promised.push('group-order')
    if (sent) promised.push('rereads-from-commit')
    if (sent && owned && groups.every(({ commit }) => commit === 'before')) promised.push('at-most-once')
  }
  if (!groups.every(commitsAfterwards)) return promised
  promised.push('at-least-once', 'commits-not-beyond-processed')
  if (groups.every(({ sink }) => sink === 'idempotent')) promised.push('effectively-once')
  return promised
}

function isInTime({
  client,
  handlerMs,
  heartbeatIntervalMs,
  rebalanceTimeoutMs,
  sessionTimeoutMs,
}: GroupSpec): boolean {
  // Whose heartbeats do not wait for the application must see it poll, with time for a commit.
  if (client === 'java-semantics') return handlerMs * 2 <= rebalanceTimeoutMs
  return !HEARTBEAT_BETWEEN_RECORDS.has(client) || handlerMs + heartbeatIntervalMs < sessionTimeoutMs
}

function mayPretendToCommit({ client, commit, members }: GroupSpec): boolean {
  const closes = members.some(({ redeploys }) => redeploys.some(({ how }) => how === 'close'))
  return closes && commit !== 'auto' && PRETEND_TO_COMMIT_WHEN_CLOSED.has(client)
}

function commitsAfterwards({ commit, client }: GroupSpec): boolean {
  return commit === 'after' || (commit === 'auto' && COMMIT_ON_THEIR_OWN_AFTER_PROCESSING.has(client))
}

/** Whether what was committed stays: coordinators write it to a topic of their own as a producer with acks=all does. */
function keepsCommits({ cluster, faults }: Pick<Scenario, 'faults' | 'cluster'>): boolean {
  const copies = Number(cluster.config['offsets.topic.replication.factor'] ?? Math.min(3, cluster.brokers))
  const topic = { name: '__consumer_offsets', partitions: 1, replicationFactor: copies, config: {} }
  const workload = { kind: 'append', producers: [] } as const
  return durabilityOf({ cluster: { ...cluster, topic }, workload, faults }) === 'kept'
}

/**
 * The Java client's heartbeat thread may finish joining while the application works on records that a cooperative rebalance
 * leaves with it: commits are of the new generation then, of which the application hears with its next poll.
 */
export function joinsUnheard({ client, assignor }: Pick<GroupSpec, 'client' | 'assignor'>): boolean {
  return client === 'java-semantics' && assignor === 'cooperative-sticky'
}
