import type { MetadataDelta } from './metadata-delta.ts'
import type { MetadataImage } from './metadata-image.ts'

/** Where an image comes from: `bytes` of the log were replayed on the one before, or a snapshot took its place. */
export type LoaderManifest = { readonly type: 'log-delta'; readonly bytes: number } | { readonly type: 'snapshot' }

/** Someone who acts on changed metadata: the replica manager, the metadata cache, … */
export interface MetadataPublisher {
  /** For messages. */
  readonly name: string
  /**
   * Called for each published change, in the order of the log, never twice at a time. `delta.image` is the image
   * before, `newImage` the one after; the first call has the empty image before. An error that leaves it is a fault of
   * the process.
   */
  onMetadataUpdate(delta: MetadataDelta, newImage: MetadataImage, manifest: LoaderManifest): Promise<void> | void
  /** Called once, when there will be no more updates. */
  close?(): void
}
