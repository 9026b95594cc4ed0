import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { LogSegments } from './log-segments.ts'
import type { ProducerStateManager } from './producer-state-manager.ts'

export interface RebuildOptions {
  readonly segments: LogSegments
  readonly logStartOffset: number
  /** The log's end. */
  readonly lastOffset: number
  readonly nowMs: number
  /** The broker was shut down cleanly: a log without snapshots has no producers either. */
  readonly reloadFromCleanShutdown: boolean
}

/**
 * Brings the producer state to the log's end: the newest snapshot that fits, then the batches after it. Takes snapshots at
 * the last two segments and at the end, so that the next time is short (Kafka's UnifiedLog.rebuildProducerState).
 */
export async function rebuildProducerState(manager: ProducerStateManager, options: RebuildOptions): Promise<void> {
  const { segments, logStartOffset, lastOffset, nowMs } = options
  const bases = segments.values().map(segment => segment.baseOffset)
  if (manager.latestSnapshotOffset === undefined && options.reloadFromCleanShutdown) {
    for (const offset of [...bases.slice(-2), lastOffset]) {
      manager.updateMapEndOffset(offset)
      await manager.takeSnapshot()
    }
    return
  }
  // When nobody was active before a truncation, nobody is after it: no need to read.
  const knownEmpty = manager.isEmpty && manager.mapEndOffset >= lastOffset
  await manager.truncateAndReload(logStartOffset, lastOffset, nowMs)
  if (lastOffset > manager.mapEndOffset && !knownEmpty) {
    const snapshotAt = new Set(bases.slice(-2))
    for (const segment of segments.valuesBetween(manager.mapEndOffset, lastOffset)) {
      const startOffset = Math.max(segment.baseOffset, manager.mapEndOffset, logStartOffset)
      manager.updateMapEndOffset(startOffset)
      if (snapshotAt.has(segment.baseOffset)) await manager.takeSnapshot()
      const from = segment.offsetIndex.lookup(startOffset).position
      for await (const { batch } of segment.scan(from)) {
        if (batch.lastOffset < startOffset) continue
        if (batch.baseOffset >= lastOffset) break
        noteBatch(manager, batch)
      }
    }
  }
  manager.updateMapEndOffset(lastOffset)
  await manager.takeSnapshot()
}

function noteBatch(manager: ProducerStateManager, batch: RecordBatchView): void {
  if (!batch.hasProducerId || batch.isControl) return
  const appendInfo = manager.prepareUpdate(batch.producerId, 'replication')
  appendInfo.append(batch)
  manager.update(appendInfo)
}
