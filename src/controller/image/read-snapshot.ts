import type { SnapshotReader } from '../../raft/raft-client.ts'
import type { MetadataRecord } from '../metadata-records.ts'
import { MetadataDelta } from './metadata-delta.ts'
import { MetadataImage } from './metadata-image.ts'

/** The image that a snapshot describes; closes the reader. Throws MetadataReplayError when it contradicts itself. */
export async function readSnapshot(reader: SnapshotReader<MetadataRecord>): Promise<MetadataImage> {
  try {
    const delta = new MetadataDelta(MetadataImage.EMPTY)
    for await (const batch of reader.batches()) for (const record of batch.records) delta.replay(record)
    const { snapshotId, lastContainedLogTimestampMs } = reader
    return delta.apply({
      lastContainedOffset: snapshotId.offset - 1,
      lastContainedEpoch: snapshotId.epoch,
      lastContainedLogTimeMs: lastContainedLogTimestampMs,
    })
  } finally {
    await reader.close()
  }
}
