import type { Api } from '../protocol/api.ts'
import type { ApiVersionsResponse } from '../protocol/apis/api-versions.ts'
import { UnsupportedVersionException } from './errors.ts'

/** The versions of the APIs that a node serves, as its ApiVersions response told (Kafka's NodeApiVersions). */
export class NodeApiVersions {
  readonly #versions: ReadonlyMap<number, readonly [min: number, max: number]>
  /** Finalized features of the cluster by name, with their levels: `transaction.version` → 2. */
  readonly finalizedFeatures: ReadonlyMap<string, number>
  readonly finalizedFeaturesEpoch: number

  constructor(response: ApiVersionsResponse) {
    this.#versions = new Map(
      response.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]),
    )
    this.finalizedFeatures = new Map(
      response.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
    )
    this.finalizedFeaturesEpoch = response.finalizedFeaturesEpoch
  }

  /**
   * The newest version that the node, this client and the request have in common.
   *
   * @param oldest the least version that can say what is asked
   * @param latest the greatest version that can
   * @throws UnsupportedVersionException when there is none
   */
  latestUsableVersion(
    api: Pick<Api, 'key' | 'name' | 'versions'>,
    oldest: number = api.versions[0],
    latest: number = api.versions[1],
  ): number {
    const served = this.#versions.get(api.key)
    if (served === undefined) throw new UnsupportedVersionException(`the node does not support ${api.name}`)
    const version = Math.min(latest, served[1])
    if (version >= oldest && version >= served[0]) return version
    throw new UnsupportedVersionException(
      `the node does not support ${api.name} with version in range [${oldest},${latest}]. The supported range is [${served[0]},${served[1]}].`,
    )
  }
}
