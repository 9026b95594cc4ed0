import { LOG_FILE_SUFFIX, offsetFromFileName } from '../../src/log/log-file-utils.ts'
import { RecordsError } from '../../src/protocol/records/errors.ts'
import { BATCH_OVERHEAD } from '../../src/protocol/records/layout.ts'
import { RecordBatchView } from '../../src/protocol/records/record-batch-view.ts'
import type { SimulatedDisk } from '../world/disk.ts'

export interface SegmentFile {
  readonly path: string
  readonly baseOffset: number
}

/** The segments of a log as they lie on a disk, by base offset. Takes no virtual time. */
export function segmentsIn(disk: SimulatedDisk, directory: string): SegmentFile[] {
  return disk
    .filesIn(directory)
    .map(path => ({ path, baseOffset: offsetFromFileName(path.slice(directory.length + 1), LOG_FILE_SUFFIX) }))
    .filter((segment): segment is SegmentFile => segment.baseOffset !== undefined)
}

/** The batches of a segment up to the first bytes that are none. */
export function* batchesIn(bytes: Buffer): Generator<RecordBatchView> {
  for (let position = 0; bytes.length - position >= BATCH_OVERHEAD; ) {
    const batch = batchAt(bytes, position)
    if (batch === undefined) return
    yield batch
    position += batch.sizeInBytes
  }
}

function batchAt(bytes: Buffer, position: number): RecordBatchView | undefined {
  try {
    return new RecordBatchView(bytes, position)
  } catch (error) {
    if (error instanceof RecordsError) return undefined
    throw error
  }
}
