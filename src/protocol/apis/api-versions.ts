import { api } from '../api.ts'
import { array, bool, int16, int32, int64, type Message, message, string } from '../schema.ts'

export const ApiVersionsRequest = message({
  clientSoftwareName: string({ since: 3, ignorable: true }),
  clientSoftwareVersion: string({ since: 3, ignorable: true }),
})
export type ApiVersionsRequest = Message<typeof ApiVersionsRequest>

export const ApiVersionsResponse = message({
  errorCode: int16(),
  apiKeys: array({
    apiKey: int16(),
    minVersion: int16(),
    maxVersion: int16(),
  }),
  throttleTimeMs: int32({ since: 1, ignorable: true }),
  supportedFeatures: array(
    {
      name: string(),
      minVersion: int16(),
      maxVersion: int16(),
    },
    { since: 3, tag: 0, ignorable: true },
  ),
  finalizedFeaturesEpoch: int64({ since: 3, tag: 1, default: -1, ignorable: true }),
  finalizedFeatures: array(
    {
      name: string(),
      maxVersionLevel: int16(),
      minVersionLevel: int16(),
    },
    { since: 3, tag: 2, ignorable: true },
  ),
  zkMigrationReady: bool({ since: 3, tag: 3, default: false, ignorable: true }),
})
export type ApiVersionsResponse = Message<typeof ApiVersionsResponse>

/**
 * What a client asks first. The response's header keeps version 0 and its first field stays where it is in all versions,
 * so that a client can read the answer of a server that does not know the version it asked in (KIP-511).
 */
export const ApiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexibleSince: 3,
  plainResponseHeader: true,
  request: ApiVersionsRequest,
  response: ApiVersionsResponse,
})
