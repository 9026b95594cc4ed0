import { MIN_INSYNC_REPLICAS, minInsyncReplicas } from '../trial/cluster.ts'
import type { ClusterSpec, Fault, FaultName, Scenario } from '../trial/scenario.ts'

/** The feature of KIP-966, and its level in a new cluster of Kafka 4.1 and later. */
export const ELIGIBLE_LEADER_REPLICAS = 'eligible.leader.replicas.version'
const DEFAULT_ELIGIBLE_LEADER_REPLICAS_LEVEL = 1

/** With which every record is on the platter before its acknowledgement. */
export const FLUSH_EVERY_RECORD = { key: 'log.flush.interval.messages', value: '1' } as const

/**
 * What becomes of acknowledged records: `kept`, `kept-but-for-damage` (one is missing only if it was acknowledged before a
 * disk was last damaged), or `unpromised`.
 */
export type Durability = 'kept' | 'kept-but-for-damage' | 'unpromised'

/** Faults of clients and of their paths to brokers: no replica and no controller notices them. */
const OF_CLIENTS: ReadonlySet<FaultName> = new Set([
  'stall-reader',
  'lose-response',
  'delay-response',
  'error-response',
  'full-producer-buffer',
  'pause-client',
  'kill-client',
  'zombie',
])
/** As above, unless they say which node they are on. */
const OF_CLIENTS_IF_ANYWHERE: ReadonlySet<FaultName> = new Set([
  'disconnect',
  'half-close',
  'blackhole',
  'full-send-buffer',
])

/** How many copies a fault may harm, and how many brokers it may end without a clean shutdown. */
interface Toll {
  /** What was written and not flushed may be gone. */
  readonly damaged: number
  /** Kafka takes them for damaged, whatever became of their disk. A shutdown that takes too long is one, too. */
  readonly unclean: number
}

function tollOf({ kind, nodes = 1 }: Fault, { brokers }: ClusterSpec): Toll {
  switch (kind) {
    case 'power-loss':
      return { damaged: nodes, unclean: nodes }
    case 'wipe-disk':
      return { damaged: 1, unclean: 1 }
    case 'bit-rot':
      return { damaged: 1, unclean: 0 }
    case 'kill':
      return { damaged: 0, unclean: nodes }
    case 'crash-leader':
    case 'full-disk':
    case 'fsync-error':
    case 'restart':
    case 'controlled-shutdown':
      return { damaged: 0, unclean: 1 }
    case 'rolling-restart':
      return { damaged: 0, unclean: brokers }
    default:
      return { damaged: 0, unclean: 0 }
  }
}

/** Whether a disk may hold other bytes than were written, in a place that nobody looks at again. */
export function mayCorrupt(faults: readonly Fault[]): boolean {
  const has = (name: FaultName): boolean => faults.some(({ kind }) => kind === name)
  return has('bit-rot') || (has('fsync-error') && has('power-loss'))
}

/**
 * What Kafka promises of records that were acknowledged, given acks, `min.insync.replicas`, unclean elections, eligible
 * leader replicas and flushing, and what happens. Where only what every in-sync replica holds is acknowledged, process
 * crashes lose nothing: the page cache survives them. A power loss takes what was not flushed from one copy; Kafka survives
 * `min.insync.replicas` - 1 unclean ends of brokers with eligible leader replicas (KIP-966), and none without them, once
 * something else may have left one replica in sync. With unclean elections nothing is promised unless all replicas have it,
 * and nothing while others are added.
 */
export function durabilityOf({
  cluster,
  workload,
  faults,
}: Pick<Scenario, 'cluster' | 'workload' | 'faults'>): Durability {
  if (mayCorrupt(faults) || mayElectRemovedReplica(cluster, faults)) return 'unpromised'
  const leaderOnly = workload.producers.some(({ acks }) => acks === 1)
  const { replicationFactor } = cluster.topic
  if (replicationFactor === 1) {
    const moves = faults.some(isReassignment)
    if (moves && leaderOnly && cluster.brokers > 1) return 'unpromised'
    return loses(cluster, faults) ? 'kept-but-for-damage' : 'kept'
  }
  if (!faults.some(reachesBrokers)) return 'kept'
  if (leaderOnly) return 'unpromised'
  return durabilityOfReplicas(cluster, faults)
}

/**
 * A defect of Apache Kafka (at least up to 4.2): a replica that a reassignment removes is kept among the eligible leader
 * replicas when fewer than `min.insync.replicas` are left. When it is added again it can be elected, with an empty log, and the
 * others cut theirs down to it.
 */
export function mayElectRemovedReplica(cluster: ClusterSpec, faults: readonly Fault[]): boolean {
  const { replicationFactor, config } = cluster.topic
  const left = cluster.brokers > replicationFactor ? replicationFactor : replicationFactor - 1
  const minIsr = Number(config[MIN_INSYNC_REPLICAS] ?? cluster.config[MIN_INSYNC_REPLICAS] ?? 1)
  return hasEligibleLeaderReplicas(cluster) && minIsr > left && left > 0 && faults.some(isReassignment)
}

const isReassignment = ({ kind }: Fault): boolean => kind === 'reassign'

function hasEligibleLeaderReplicas({ features }: ClusterSpec): boolean {
  return (features?.[ELIGIBLE_LEADER_REPLICAS] ?? DEFAULT_ELIGIBLE_LEADER_REPLICAS_LEVEL) > 0
}

/** As `durabilityOf`, for what all in-sync replicas held, with more than one replica. */
function durabilityOfReplicas(cluster: ClusterSpec, faults: readonly Fault[]): Durability {
  if (mayCorrupt(faults) || mayElectRemovedReplica(cluster, faults)) return 'unpromised'
  const { replicationFactor, config: topicConfig } = cluster.topic
  const isReduced = cluster.brokers === replicationFactor && faults.some(isReassignment)
  const minIsr = Math.min(minInsyncReplicas(cluster), isReduced ? replicationFactor - 1 : replicationFactor)
  const key = 'unclean.leader.election.enable'
  const lost = loses(cluster, faults)
  if ((topicConfig[key] ?? cluster.config[key]) === 'true') {
    // A replica that is being added can be elected as well, before it holds anything (PartitionChangeBuilder.electAnyLeader).
    const isWhole = minIsr === replicationFactor && !faults.some(isReassignment)
    return isWhole && !lost ? 'kept' : 'unpromised'
  }
  if (!lost) return 'kept'
  if (minIsr === 1) return 'kept-but-for-damage'
  const unclean = faults.reduce((sum, fault) => sum + tollOf(fault, cluster).unclean, 0)
  const survives = hasEligibleLeaderReplicas(cluster)
    ? unclean < minIsr
    : unclean === 1 && faults.filter(reachesBrokers).length === 1
  return survives ? 'kept' : 'kept-but-for-damage'
}

function reachesBrokers({ kind, on }: Fault): boolean {
  return !OF_CLIENTS.has(kind) && !(OF_CLIENTS_IF_ANYWHERE.has(kind) && on === undefined)
}

/** Whether a copy may lose something that was acknowledged. */
function loses(cluster: ClusterSpec, faults: readonly Fault[]): boolean {
  const flushed = isFlushed(cluster)
  return faults.some(fault => tollOf(fault, cluster).damaged > 0 && !(flushed && fault.kind === 'power-loss'))
}

function isFlushed({ config, topic }: ClusterSpec): boolean {
  const { key, value } = FLUSH_EVERY_RECORD
  return (topic.config['flush.messages'] ?? config[key]) === value
}
