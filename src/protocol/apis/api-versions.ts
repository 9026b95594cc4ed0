import { api } from '../api.ts'
import { array, bool, int16, int32, int64, type Message, message, string } from '../schema.ts'

/**
 * ApiVersions Request (Version: 0-4, flexible from 3) => client_software_name client_software_version
 *   client_software_name (3+) => STRING
 *   client_software_version (3+) => STRING
 */
export const ApiVersionsRequest = message({
  clientSoftwareName: string({ since: 3, ignorable: true }),
  clientSoftwareVersion: string({ since: 3, ignorable: true }),
})
export type ApiVersionsRequest = Message<typeof ApiVersionsRequest>

/**
 * ApiVersions Response (Version: 0-4, flexible from 3) => error_code [api_keys] throttle_time_ms
 *     [supported_features] finalized_features_epoch [finalized_features] zk_migration_ready
 *   error_code => INT16
 *   api_keys => api_key min_version max_version
 *     api_key => INT16
 *     min_version => INT16
 *     max_version => INT16
 *   throttle_time_ms (1+) => INT32
 *   supported_features (tag 0, 3+) => name min_version max_version
 *     name => STRING
 *     min_version => INT16
 *     max_version => INT16
 *   finalized_features_epoch (tag 1, 3+) => INT64
 *   finalized_features (tag 2, 3+) => name max_version_level min_version_level
 *     name => STRING
 *     max_version_level => INT16
 *     min_version_level => INT16
 *   zk_migration_ready (tag 3, 3+) => BOOLEAN
 */
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
