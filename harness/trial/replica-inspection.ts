import { crc32 } from 'node:zlib'
import { LEADER_EPOCH_CHECKPOINT_FILE, parseEpochLine } from '../../src/log/leader-epoch-checkpoint-file.ts'
import { RecordsError } from '../../src/protocol/records/errors.ts'
import type { RecordBatchView } from '../../src/protocol/records/record-batch-view.ts'
import type { EpochStart, MetadataLogEvidence, ReplicaEvidence, StoredBatch } from '../checkers/cluster-evidence.ts'
import type { SimulatedDisk } from '../world/disk.ts'
import type { Cluster } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'
import { batchesIn, segmentsIn } from './log-files.ts'
import { DATA_DIRECTORY, METADATA_LOG_DIRECTORY } from './node-layout.ts'

/** What a node said just before it was shut down, by partition. */
export type HighWatermarks = ReadonlyMap<number, number>

/** What is in the segments of a log as they lie on a disk. */
interface StoredLog {
  readonly startOffset: number
  readonly endOffset: number
  readonly batches: readonly StoredBatch[]
}

/** Every replica of the topic that lies on a broker's disk; of nodes that are shut down. */
export function inspectReplicas(
  cluster: Cluster,
  highWatermarks: ReadonlyMap<ClusterNode, HighWatermarks>,
): ReplicaEvidence[] {
  const { name, partitions } = cluster.spec.topic
  return cluster.brokers.flatMap(node => {
    const { disk } = node.host
    const replicas: ReplicaEvidence[] = []
    for (let partition = 0; partition < partitions; partition++) {
      const directory = `${DATA_DIRECTORY}/${name}-${partition}`
      const log = readLog(disk, directory)
      if (log === undefined) continue
      const highWatermark = highWatermarks.get(node)?.get(partition)
      replicas.push({ node: node.id, partition, ...log, highWatermark, epochs: readEpochs(disk, directory) })
    }
    return replicas
  })
}

/** Every node's copy of the metadata log; of nodes that are shut down. */
export function inspectMetadataLogs(
  cluster: Cluster,
  images: ReadonlyMap<ClusterNode, MetadataLogEvidence['image']>,
): MetadataLogEvidence[] {
  return cluster.nodes.map(node => {
    const log = readLog(node.host.disk, METADATA_LOG_DIRECTORY)
    const image = images.get(node)
    return {
      node: node.id,
      voter: node.isController,
      highWatermark: mostCommitted(cluster, node),
      image,
      ...(log ?? { startOffset: 0, endOffset: 0, batches: [] }),
    }
  })
}

function mostCommitted({ observations }: Cluster, { id }: ClusterNode): number | undefined {
  let most: number | undefined
  for (const event of observations.events) {
    if (event.kind === 'quorum-high-watermark' && event.node === id) most = Math.max(most ?? 0, event.highWatermark)
  }
  return most
}

/** Undefined when there is no such log. Reads without taking virtual time. */
function readLog(disk: SimulatedDisk, directory: string): StoredLog | undefined {
  const segments = segmentsIn(disk, directory)
  const [first] = segments
  if (first === undefined) return undefined
  const batches = segments.flatMap(({ path }) => readBatches(disk.contents(path) ?? Buffer.alloc(0)))
  const startOffset = first.baseOffset
  const last = batches.findLast(({ sound }) => sound)
  return { startOffset, endOffset: last === undefined ? startOffset : last.lastOffset + 1, batches }
}

/** Up to the first batch whose numbers make no sense, which a rotten disk can hold. */
function readBatches(bytes: Buffer): StoredBatch[] {
  const batches: StoredBatch[] = []
  for (const batch of batchesIn(bytes)) {
    try {
      batches.push(storedBatch(batch))
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error
      break
    }
  }
  return batches
}

function storedBatch(batch: RecordBatchView): StoredBatch {
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    epoch: batch.partitionLeaderEpoch,
    crc: crc32(batch.bytes()),
    sound: batch.isValidCrc(),
    control: batch.isControl,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
  }
}

function readEpochs(disk: SimulatedDisk, directory: string): EpochStart[] {
  const text = disk.contents(`${directory}/${LEADER_EPOCH_CHECKPOINT_FILE}`)?.toString('utf8') ?? ''
  const entries = text
    .trimEnd()
    .split('\n')
    .slice(2) // version and number of entries
    .map(parseEpochLine)
  return entries.filter(entry => entry !== undefined)
}
