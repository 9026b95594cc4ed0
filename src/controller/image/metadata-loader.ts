import type { LeaderAndEpoch, RaftBatch, RaftListener } from '../../raft/raft-client.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { ControllerFuture } from '../controller-future.ts'
import type { MetadataRecord } from '../metadata-records.ts'
import { MetadataDelta } from './metadata-delta.ts'
import { MetadataImage } from './metadata-image.ts'
import type { MetadataPublisher } from './metadata-publisher.ts'

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
  readonly #runtime: Runtime
  readonly #options: MetadataLoaderOptions
  readonly #waiters = new Set<{ readonly offset: number; readonly future: ControllerFuture<undefined> }>()
  #published: MetadataImage = MetadataImage.EMPTY
  /** What was replayed since `#published`. */
  #delta = new MetadataDelta(MetadataImage.EMPTY)
  #leader: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }
  #caughtUp = false
  #closed = false

  constructor(runtime: Runtime, options: MetadataLoaderOptions) {
    this.#runtime = runtime
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

  /** Waits until all publishers have acted on the record at `offset`. Rejects when the loader is closed before. */
  async awaitPublished(offset: number): Promise<void> {
    if (this.publishedOffset >= offset) return
    const future = new ControllerFuture<undefined>(this.#runtime, `${this.name} offset ${offset}`)
    if (this.#closed) future.fail(this.#closedError())
    else this.#waiters.add({ offset, future })
    await future.get()
  }

  async handleCommit(batches: readonly RaftBatch<MetadataRecord>[]): Promise<void> {
    const last = batches.at(-1)
    if (last === undefined) return
    for (const batch of batches) for (const record of batch.records) this.#delta.replay(record)
    if (!this.#caughtUp) {
      const highWatermark = this.#options.highWatermark()
      if (highWatermark === undefined || last.lastOffset < highWatermark - 1) return
      this.#caughtUp = true
    }
    const delta = this.#delta
    const image = delta.apply({
      lastContainedOffset: last.lastOffset,
      lastContainedEpoch: last.epoch,
      lastContainedLogTimeMs: last.appendTimestampMs,
    })
    this.#delta = new MetadataDelta(image)
    for (const publisher of this.#options.publishers) {
      const done = publisher.onMetadataUpdate(delta, image)
      if (done !== undefined) await done
    }
    this.#published = image
    for (const waiter of this.#waiters) {
      if (waiter.offset > image.offset) continue
      this.#waiters.delete(waiter)
      waiter.future.complete(undefined)
    }
  }

  handleLeaderChange(leader: LeaderAndEpoch): void {
    this.#leader = leader
  }

  beginShutdown(): void {
    if (this.#closed) return
    this.#closed = true
    for (const publisher of this.#options.publishers) publisher.close?.()
    for (const { future } of this.#waiters) future.fail(this.#closedError())
    this.#waiters.clear()
  }

  #closedError(): Error {
    return new Error(`${this.name} is closed`)
  }
}
