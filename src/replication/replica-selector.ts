import { ConfigError } from '../config/config-error.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { ClientMetadata } from './fetch-params.ts'
import type { Partition } from './partition.ts'

/** A replica that could serve a consumer (Kafka's ReplicaView). */
export interface ReplicaView {
  readonly brokerId: number
  readonly rack: string | null
  readonly logEndOffset: number
  readonly timeSinceLastCaughtUpMs: number
}

/** Tells consumers which replica to read from (KIP-392). Undefined: nobody. */
export type ReplicaSelector = (
  client: ClientMetadata,
  replicas: readonly ReplicaView[],
  leader: ReplicaView,
) => ReplicaView | undefined

/** A replica in the consumer's rack, the leader first, then the one that lags least (Kafka's RackAwareReplicaSelector). */
export const rackAwareReplicaSelector: ReplicaSelector = ({ rackId }, replicas, leader) => {
  if (rackId === '') return leader
  const sameRack = replicas.filter(({ rack }) => rack === rackId)
  if (sameRack.length === 0 || sameRack.includes(leader)) return leader
  return sameRack.reduce((best, replica) => (lagsLess(replica, best) ? replica : best))
}

function lagsLess(one: ReplicaView, other: ReplicaView): boolean {
  if (one.logEndOffset !== other.logEndOffset) return one.logEndOffset > other.logEndOffset
  if (one.timeSinceLastCaughtUpMs !== other.timeSinceLastCaughtUpMs) {
    return one.timeSinceLastCaughtUpMs < other.timeSinceLastCaughtUpMs
  }
  return one.brokerId < other.brokerId
}

const SELECTORS: ReadonlyMap<string, ReplicaSelector> = new Map([
  ['org.apache.kafka.common.replica.RackAwareReplicaSelector', rackAwareReplicaSelector],
])

/** The selector that `replica.selector.class` names; throws ConfigError when there is none of that name. */
export function replicaSelectorOf(className: string | null): ReplicaSelector | undefined {
  if (className === null || className === '') return undefined
  const selector = SELECTORS.get(className)
  if (selector !== undefined) return selector
  throw new ConfigError('replica.selector.class', className, `expected one of ${[...SELECTORS.keys()].join(', ')}`)
}

/**
 * The follower that a consumer should read from, undefined: from this leader. Only followers that are in sync, not fenced, and
 * hold the offset come into question: others may never catch up, and the consumer would hang on them (KAFKA-14372).
 */
export function findPreferredReadReplica(
  selector: ReplicaSelector,
  partition: Partition,
  client: ClientMetadata,
  fetchOffset: number,
  image: MetadataImage,
  nowMs: number,
): number | undefined {
  const leaderLog = partition.log
  if (!partition.isLeader || leaderLog === undefined) return undefined
  const replicas: ReplicaView[] = []
  for (const replica of partition.remoteReplicas.values()) {
    const { brokerId, logEndOffset, logStartOffset } = replica
    if (!partition.isr.includes(brokerId) || logEndOffset < fetchOffset || logStartOffset > fetchOffset) continue
    const broker = image.cluster.broker(brokerId)
    if (broker === undefined || broker.fenced || !broker.listeners.has(client.listenerName)) continue
    const timeSinceLastCaughtUpMs = nowMs - replica.lastCaughtUpTimeMs
    replicas.push({ brokerId, rack: broker.rack, logEndOffset, timeSinceLastCaughtUpMs })
  }
  const leader: ReplicaView = {
    brokerId: partition.leaderId,
    rack: image.cluster.broker(partition.leaderId)?.rack ?? null,
    logEndOffset: leaderLog.logEndOffset,
    timeSinceLastCaughtUpMs: 0,
  }
  const selected = selector(client, [...replicas, leader], leader)
  return selected === undefined || selected === leader ? undefined : selected.brokerId
}
