/** The feature that says which records may stand in the metadata log. */
export const METADATA_VERSION_FEATURE = 'metadata.version'

/** Finalized features at one offset of the metadata log. Never changed in place. */
export class FeaturesImage {
  static readonly EMPTY: FeaturesImage = new FeaturesImage(new Map())

  /** Level by feature name, ascending, `metadata.version` included. A feature that is off is not there. */
  readonly finalizedVersions: ReadonlyMap<string, number>

  constructor(finalizedVersions: ReadonlyMap<string, number>) {
    this.finalizedVersions = finalizedVersions
  }

  /** 0 when the feature is off. */
  level(name: string): number {
    return this.finalizedVersions.get(name) ?? 0
  }
}
