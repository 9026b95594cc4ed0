import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string } from '../schema.ts'

/** Values of `upgradeType` (KIP-584, KIP-778). */
export const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

/**
 * UpdateFeatures Request (Version: 0-2, flexible from 0) => timeout_ms [feature_updates] validate_only
 *   timeout_ms => INT32
 *   feature_updates => feature max_version_level allow_downgrade upgrade_type
 *     feature => STRING
 *     max_version_level => INT16
 *     allow_downgrade (0-0) => BOOLEAN
 *     upgrade_type (1+) => INT8
 *   validate_only (1+) => BOOLEAN
 */
export const UpdateFeaturesRequest = message({
  timeoutMs: int32({ default: 60_000 }),
  featureUpdates: array({
    feature: string(),
    /** 0 turns the feature off. */
    maxVersionLevel: int16(),
    allowDowngrade: bool({ until: 0 }),
    upgradeType: int8({ since: 1, default: UpgradeType.UPGRADE }),
  }),
  validateOnly: bool({ since: 1, default: false }),
})
export type UpdateFeaturesRequest = Message<typeof UpdateFeaturesRequest>

/**
 * UpdateFeatures Response (Version: 0-2, flexible from 0) => throttle_time_ms error_code error_message [results]
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   error_message => NULLABLE_STRING
 *   results (0-1) => feature error_code error_message
 *     feature => STRING
 *     error_code => INT16
 *     error_message => NULLABLE_STRING
 */
export const UpdateFeaturesResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ default: 0 }),
  errorMessage: string({ nullable: true, default: null }),
  results: array(
    { feature: string(), errorCode: int16(), errorMessage: string({ nullable: true, default: null }) },
    { until: 1, ignorable: true },
  ),
})
export type UpdateFeaturesResponse = Message<typeof UpdateFeaturesResponse>

/** Finalizes features at other levels, all or none. */
export const UpdateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: [0, 2],
  flexibleSince: 0,
  request: UpdateFeaturesRequest,
  response: UpdateFeaturesResponse,
})
