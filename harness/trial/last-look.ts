import type { MetadataLogEvidence, PartitionEvidence } from '../checkers/cluster-evidence.ts'
import type { Evidence } from '../checkers/evidence.ts'
import type { Cluster } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'
import { inspectDisk } from './disk-inspection.ts'
import { imageText } from './image-text.ts'
import { type PartitionHistory, partitionHistory } from './partition-history.ts'
import { type HighWatermarks, inspectMetadataLogs, inspectReplicas } from './replica-inspection.ts'

/** What a cluster is asked just before it is shut down, and what is read of its disks afterwards. */
export class LastLook {
  readonly #cluster: Cluster
  readonly #partitions: readonly PartitionEvidence[]
  readonly #highWatermarks = new Map<ClusterNode, HighWatermarks>()
  readonly #images = new Map<ClusterNode, MetadataLogEvidence['image']>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#partitions = partitionsOf(cluster)
    const { name } = cluster.spec.topic
    for (const node of cluster.nodes) {
      const replicas = node.replicas().filter(({ topic }) => topic === name)
      this.#highWatermarks.set(node, new Map(replicas.map(replica => [replica.partition, replica.highWatermark])))
      const { image } = node
      if (image !== undefined) this.#images.set(node, { offset: image.offset, text: imageText(image) })
    }
  }

  /** After all nodes are down. */
  async evidence(): Promise<
    Pick<Evidence, 'disk' | 'replicas' | 'partitions' | keyof PartitionHistory | 'metadataLogs'>
  > {
    const disk: Evidence['disk'][number][] = []
    for (const broker of this.#cluster.brokers) {
      const held = this.#partitions.filter(({ replicas }) => replicas.includes(broker.id))
      const partitions = held.map(({ partition }) => partition)
      if (!broker.wasUnclean) disk.push(...(await inspectDisk(broker, this.#cluster.spec, partitions)))
    }
    const metadataLogs = inspectMetadataLogs(this.#cluster, this.#images)
    return {
      disk,
      replicas: inspectReplicas(this.#cluster, this.#highWatermarks),
      partitions: this.#partitions,
      ...partitionHistory(this.#cluster, metadataLogs),
      metadataLogs,
    }
  }
}

function partitionsOf(cluster: Cluster): PartitionEvidence[] {
  const partitions: PartitionEvidence[] = []
  for (let partition = 0; partition < cluster.spec.topic.partitions; partition++) {
    const registration = cluster.partition(partition)
    if (registration === undefined) continue
    const { leader, leaderEpoch, partitionEpoch, replicas, isr, elr } = registration
    partitions.push({ partition, leader, leaderEpoch, partitionEpoch, replicas, isr, eligible: elr })
  }
  return partitions
}
