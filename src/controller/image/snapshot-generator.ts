import type { RaftClient } from '../../raft/raft-client.ts'
import type { Runtime, Thread } from '../../runtime/runtime.ts'
import type { MetadataRecord } from '../metadata-records.ts'
import { imageRecords } from './image-records.ts'
import type { MetadataDelta } from './metadata-delta.ts'
import type { MetadataImage } from './metadata-image.ts'
import type { LoaderManifest, MetadataPublisher } from './metadata-publisher.ts'

/** Records that are written together. */
const BATCH_SIZE = 1024

export interface SnapshotGeneratorOptions {
  readonly nodeId: number
  readonly raftClient: Pick<RaftClient<MetadataRecord>, 'createSnapshot'>
  /** `metadata.log.max.record.bytes.between.snapshots`. */
  readonly maxBytesSinceLastSnapshot: number
  /** `metadata.log.max.snapshot.interval.ms`; 0: age alone is no reason. */
  readonly maxTimeSinceLastSnapshotMs: number
  /** Called when a snapshot could not be written: the process should halt. */
  readonly onFault: (error: unknown) => void
}

/**
 * Writes a snapshot of the metadata now and then, so that the log's beginning can go: when enough was replayed, or when
 * the last one is old and something was replayed. One at a time, on a thread that lives as long as that takes. Kafka's
 * SnapshotGenerator and SnapshotEmitter.
 */
export class SnapshotGenerator implements MetadataPublisher {
  readonly name = 'SnapshotGenerator'
  readonly #runtime: Runtime
  readonly #options: SnapshotGeneratorOptions
  #bytesSinceLastSnapshot = 0
  #lastSnapshotMs: number
  #emitting: Thread | undefined
  #closed = false

  constructor(runtime: Runtime, options: SnapshotGeneratorOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#lastSnapshotMs = runtime.clock.monotonicMs()
  }

  onMetadataUpdate(_delta: MetadataDelta, newImage: MetadataImage, manifest: LoaderManifest): void {
    if (manifest.type === 'snapshot') {
      this.#resetCounters()
      return
    }
    this.#bytesSinceLastSnapshot += manifest.bytes
    if (this.#isDue() && this.#emitting === undefined && !this.#closed) this.#emit(newImage)
  }

  /** No snapshot is begun any more; resolves when the one that is being written is done. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#emitting?.done
  }

  #isDue(): boolean {
    const { maxBytesSinceLastSnapshot, maxTimeSinceLastSnapshotMs } = this.#options
    if (this.#bytesSinceLastSnapshot >= maxBytesSinceLastSnapshot) return true
    const ageMs = this.#runtime.clock.monotonicMs() - this.#lastSnapshotMs
    return maxTimeSinceLastSnapshotMs !== 0 && ageMs >= maxTimeSinceLastSnapshotMs
  }

  #resetCounters(): void {
    this.#bytesSinceLastSnapshot = 0
    this.#lastSnapshotMs = this.#runtime.clock.monotonicMs()
  }

  #emit(image: MetadataImage): void {
    this.#resetCounters()
    this.#emitting = this.#runtime.threads.start(`snapshot-generator-${this.#options.nodeId}`, async () => {
      try {
        await this.#write(image)
      } catch (error) {
        this.#options.onFault(error)
      }
      this.#emitting = undefined
    })
  }

  async #write(image: MetadataImage): Promise<void> {
    const { lastContainedOffset, lastContainedEpoch, lastContainedLogTimeMs } = image.provenance
    const snapshotId = { offset: lastContainedOffset + 1, epoch: lastContainedEpoch }
    const writer = await this.#options.raftClient.createSnapshot(snapshotId, lastContainedLogTimeMs)
    if (writer === undefined) return
    try {
      const records = imageRecords(image)
      for (let at = 0; at < records.length; at += BATCH_SIZE) await writer.append(records.slice(at, at + BATCH_SIZE))
      await writer.freeze()
    } finally {
      await writer.close()
    }
  }
}
