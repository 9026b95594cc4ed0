import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { SocketServer } from '../network/socket-server.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'

/** A replica as its broker sees it now. */
export interface ReplicaInspection {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly isLeader: boolean
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly logEndOffset: number
}

/** A broker's state at one moment, for tests and checkers. */
export interface BrokerInspection {
  readonly metadata: MetadataImage
  readonly replicas: readonly ReplicaInspection[]
  readonly connectionCount: number
  readonly requestQueueSize: number
  /** Fetches that wait for data. */
  readonly delayedFetches: number
  /** Produces that wait for replicas. */
  readonly delayedProduces: number
}

/** Looks at a broker without changing anything. */
export function inspectBroker(
  metadata: MetadataImage,
  replicaManager: ReplicaManager,
  socketServer: SocketServer,
): BrokerInspection {
  return {
    metadata,
    replicas: replicaManager.partitions.map(partition => ({
      ...partition.topicPartition,
      topicId: partition.topicId,
      isLeader: partition.isLeader,
      leaderId: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      isr: partition.isr,
      logStartOffset: partition.log?.logStartOffset ?? -1,
      highWatermark: partition.log?.highWatermark ?? -1,
      logEndOffset: partition.log?.logEndOffset ?? -1,
    })),
    connectionCount: socketServer.connectionCount,
    requestQueueSize: socketServer.requestChannel.requestQueueSize,
    delayedFetches: replicaManager.fetchPurgatory.delayed,
    delayedProduces: replicaManager.producePurgatory.delayed,
  }
}
