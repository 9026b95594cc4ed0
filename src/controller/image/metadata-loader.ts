import type { LeaderAndEpoch, RaftBatch, RaftListener, SnapshotReader } from '../../raft/raft-client.ts'
import type { MetadataRecord } from '../metadata-records.ts'
import { recordsBetween } from './image-records.ts'
import { MetadataDelta } from './metadata-delta.ts'
import { MetadataImage, type MetadataProvenance } from './metadata-image.ts'
import type { LoaderManifest, MetadataPublisher } from './metadata-publisher.ts'
import { readSnapshot } from './read-snapshot.ts'

export interface MetadataLoaderOptions {
  readonly nodeId: number
  /**
   * One more than the last committed offset of the metadata log, or undefined while it is not known. Nothing is
   * published before the log was read up to it once, so that nobody acts on what is long past.
   */
  readonly highWatermark: () => number | undefined
  /** Who acts on the metadata, in this order. */
  readonly publishers: readonly MetadataPublisher[]
}

/**
 * Follows the metadata log on a broker: replays each delivery into a delta and hands delta and new image to the
 * publishers, one after the other. The next delivery waits until all of them are done. Kafka's MetadataLoader.
 */
export class MetadataLoader implements RaftListener<MetadataRecord> {
  readonly name: string
  readonly #options: MetadataLoaderOptions
  #published: MetadataImage = MetadataImage.EMPTY
  /** What was replayed since `#published`. */
  #delta = new MetadataDelta(MetadataImage.EMPTY)
  /** Bytes of the log that `#delta` stands for. */
  #replayedBytes = 0
  /** Whether `#delta` holds a snapshot. */
  #fromSnapshot = false
  #leader: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }
  #caughtUp = false
  #closed = false

  constructor(options: MetadataLoaderOptions) {
    this.#options = options
    this.name = `metadata-loader-${options.nodeId}`
  }

  /** Who leads the metadata log, as far as this loader was told. */
  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#leader
  }

  /** Offset of the last record that all publishers have acted on, -1 when there is none. */
  get publishedOffset(): number {
    return this.#published.offset
  }

  async handleCommit(batches: readonly RaftBatch<MetadataRecord>[]): Promise<void> {
    const last = batches.at(-1)
    if (last === undefined) return
    for (const batch of batches) {
      for (const record of batch.records) this.#delta.replay(record)
      this.#replayedBytes += batch.sizeBytes
    }
    await this.#maybePublish({
      lastContainedOffset: last.lastOffset,
      lastContainedEpoch: last.epoch,
      lastContainedLogTimeMs: last.appendTimestampMs,
    })
  }

  /** Publishers see what the snapshot changes, also what is no longer there, as one delta. */
  async handleLoadSnapshot(reader: SnapshotReader<MetadataRecord>): Promise<void> {
    const image = await readSnapshot(reader)
    this.#delta = new MetadataDelta(this.#published)
    for (const record of recordsBetween(this.#published, image)) this.#delta.replay(record)
    this.#fromSnapshot = true
    await this.#maybePublish(image.provenance)
  }

  handleLeaderChange(leader: LeaderAndEpoch): void {
    this.#leader = leader
  }

  beginShutdown(): void {
    if (this.#closed) return
    this.#closed = true
    for (const publisher of this.#options.publishers) publisher.close?.()
  }

  async #maybePublish(provenance: MetadataProvenance): Promise<void> {
    if (!this.#caughtUp) {
      const highWatermark = this.#options.highWatermark()
      if (highWatermark === undefined || provenance.lastContainedOffset < highWatermark - 1) return
      this.#caughtUp = true
    }
    const delta = this.#delta
    const image = delta.apply(provenance)
    const manifest: LoaderManifest = this.#fromSnapshot
      ? { type: 'snapshot' }
      : { type: 'log-delta', bytes: this.#replayedBytes }
    this.#delta = new MetadataDelta(image)
    this.#replayedBytes = 0
    this.#fromSnapshot = false
    for (const publisher of this.#options.publishers) {
      const done = publisher.onMetadataUpdate(delta, image, manifest)
      if (done !== undefined) await done
    }
    this.#published = image
  }
}
