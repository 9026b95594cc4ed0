import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { RecordAccumulator } from './record-accumulator.ts'
import type { TransactionManager } from './transaction-manager.ts'

/**
 * Takes the first batch of each partition that a node leads, until a request is full (RecordAccumulator
 * .drainBatchesForOneNode). It begins where it stopped the last time, so that no partition starves. Here batches get their
 * sequence numbers.
 */
export function drainBatchesForOneNode(
  accumulator: RecordAccumulator,
  cluster: MetadataSnapshot,
  nodeId: number,
  maxSize: number,
  nowMs: number,
): ProducerBatch[] {
  const partitions = cluster.partitionsForNode(nodeId)
  const ready: ProducerBatch[] = []
  if (partitions.length === 0) return ready
  const { transactionManager } = accumulator.options
  const start = accumulator.drainIndex(nodeId) % partitions.length
  let size = 0
  for (let step = 0; step < partitions.length; step++) {
    const index = (start + step) % partitions.length
    accumulator.updateDrainIndex(nodeId, index)
    const partition = partitions[index]
    if (partition === undefined || accumulator.isMuted(partition)) continue
    const queue = accumulator.queue(partition)
    const first = queue?.[0]
    if (queue === undefined || first === undefined) continue
    first.maybeUpdateLeaderEpoch(partition.leaderEpoch)
    if (accumulator.shouldBackoff(first, first.waitedTimeMs(nowMs))) continue
    if (size + first.estimatedSizeInBytes > maxSize && ready.length > 0) break
    if (transactionManager !== undefined && mustWait(first, partition, transactionManager)) break
    queue.shift()
    if (transactionManager !== undefined && !first.hasSequence) assignSequence(first, transactionManager)
    first.close()
    accumulator.observeCompression(first)
    size += first.records().length
    ready.push(first)
    first.drained(nowMs)
  }
  return ready
}

/** Whether sequence numbers forbid to send the batch now (RecordAccumulator.shouldStopDrainBatchesForPartition). */
function mustWait(first: ProducerBatch, partition: TopicPartition, transactionManager: TransactionManager): boolean {
  if (transactionManager.hasFatalError || !transactionManager.hasProducerId) return true
  if (!first.hasSequence) {
    // What is in flight has another epoch: until it is through, the new epoch could overtake it.
    if (transactionManager.hasInFlightBatches(partition) && transactionManager.hasStaleProducerIdAndEpoch(partition)) {
      return true
    }
    if (transactionManager.hasUnresolvedSequence(partition)) return true
  }
  const firstInFlight = transactionManager.firstInFlightSequence(partition)
  // A retry goes alone, first things first.
  return firstInFlight >= 0 && first.hasSequence && first.baseSequence !== firstInFlight
}

function assignSequence(batch: ProducerBatch, transactionManager: TransactionManager): void {
  const { topicPartition, recordCount } = batch
  transactionManager.maybeUpdateProducerIdAndEpoch(topicPartition)
  const { producerId, epoch } = transactionManager.producerIdAndEpoch
  const baseSequence = transactionManager.sequenceNumber(topicPartition)
  batch.setProducerState({ producerId, producerEpoch: epoch, baseSequence, isTransactional: false })
  transactionManager.incrementSequenceNumber(topicPartition, recordCount)
  transactionManager.addInFlightBatch(batch)
}
