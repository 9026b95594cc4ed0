import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { AppendOrigin } from './append-origin.ts'
import type { ProducerAppendInfo } from './producer-append-info.ts'
import type { BatchMetadata } from './producer-state-entry.ts'
import type { ProducerStateManager } from './producer-state-manager.ts'

/** The batch in the log that a client's batch repeats; undefined when none does. */
export function findDuplicate(
  manager: ProducerStateManager,
  batches: readonly RecordBatchView[],
  origin: AppendOrigin,
): BatchMetadata | undefined {
  if (origin !== 'client') return undefined
  for (const batch of batches) {
    if (!batch.hasProducerId) continue
    const duplicate = manager.lastEntry(batch.producerId)?.findDuplicateBatch(batch)
    if (duplicate !== undefined) return duplicate
  }
  return undefined
}

/**
 * Checks the batches against what is known of their producers. What they change is in the result, one entry a producer, for
 * `ProducerStateManager.update` once they are in the log. Throws as `ProducerAppendInfo.append` does.
 */
export function checkProducers(
  manager: ProducerStateManager,
  batches: readonly RecordBatchView[],
  origin: AppendOrigin,
): Iterable<ProducerAppendInfo> {
  const producers = new Map<number, ProducerAppendInfo>()
  for (const batch of batches) {
    if (!batch.hasProducerId || batch.isControl) continue
    let producer = producers.get(batch.producerId)
    if (producer === undefined) {
      producer = manager.prepareUpdate(batch.producerId, origin)
      producers.set(batch.producerId, producer)
    }
    producer.append(batch)
  }
  return producers.values()
}
