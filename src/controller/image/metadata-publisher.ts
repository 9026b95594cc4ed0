import type { MetadataDelta } from './metadata-delta.ts'
import type { MetadataImage } from './metadata-image.ts'

/** Someone who acts on changed metadata: the replica manager, the metadata cache, … */
export interface MetadataPublisher {
  /** For messages. */
  readonly name: string
  /**
   * Called for each published change, in the order of the log, never twice at a time. `delta.image` is the image
   * before, `newImage` the one after; the first call has the empty image before. An error that leaves it is a fault of
   * the process.
   */
  onMetadataUpdate(delta: MetadataDelta, newImage: MetadataImage): Promise<void> | void
  /** Called once, when there will be no more updates. */
  close?(): void
}
