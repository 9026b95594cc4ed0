import type { RaftBatch } from '../raft/raft-client.ts'
import { MetadataDelta } from './image/metadata-delta.ts'
import { MetadataImage } from './image/metadata-image.ts'
import type { MetadataRecord } from './metadata-records.ts'

/**
 * What the controller knows, which is what the log says: the image of everything committed, and the image after the
 * records that it has appended and that are not committed yet. Operations work on the latter, so that each sees those
 * before it; losing the leadership is one step back to the former.
 */
export class ControllerState {
  #committed: MetadataImage = MetadataImage.EMPTY
  /** The image after each uncommitted append, oldest first. */
  #uncommitted: MetadataImage[] = []

  /** Everything committed. */
  get committed(): MetadataImage {
    return this.#committed
  }

  /** Everything appended, committed or not. */
  get current(): MetadataImage {
    return this.#uncommitted.at(-1) ?? this.#committed
  }

  /** Offset that the next append will begin with, while this node leads. */
  get nextWriteOffset(): number {
    return this.current.offset + 1
  }

  /** Throws MetadataReplayError, with nothing changed, when the records contradict the state. */
  replayUncommitted(records: readonly MetadataRecord[], lastOffset: number, epoch: number): void {
    const delta = new MetadataDelta(this.current)
    for (const record of records) delta.replay(record)
    this.#uncommitted.push(
      delta.apply({ lastContainedOffset: lastOffset, lastContainedEpoch: epoch, lastContainedLogTimeMs: -1 }),
    )
  }

  /** Takes over a committed batch: one of the own appends, or one of another leader. */
  commit(batch: RaftBatch<MetadataRecord>): void {
    if (this.#uncommitted.length > 0) {
      const index = this.#uncommitted.findIndex(image => image.offset === batch.lastOffset)
      const image = this.#uncommitted[index]
      if (image === undefined) {
        const appended = this.#uncommitted.map(({ offset }) => offset).join(', ')
        throw new Error(`committed up to offset ${batch.lastOffset}, but the own appends end at ${appended}`)
      }
      this.#uncommitted.splice(0, index + 1)
      this.#committed = image
      return
    }
    const delta = new MetadataDelta(this.#committed)
    for (const record of batch.records) delta.replay(record)
    this.#committed = delta.apply({
      lastContainedOffset: batch.lastOffset,
      lastContainedEpoch: batch.epoch,
      lastContainedLogTimeMs: batch.appendTimestampMs,
    })
  }

  /** Takes over what a snapshot says, whatever was known before. */
  load(image: MetadataImage): void {
    this.#committed = image
    this.#uncommitted = []
  }

  /** Forgets what is not committed. */
  revert(): void {
    this.#uncommitted = []
  }
}
