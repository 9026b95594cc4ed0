import type { SupportedVersionRange } from '../controller/broker-registration.ts'
import { ELIGIBLE_LEADER_REPLICAS_FEATURE, METADATA_VERSION } from '../controller/feature-control-manager.ts'
import { METADATA_VERSION_FEATURE } from '../controller/image/features-image.ts'

/** 3.3-IV3: the lowest metadata version of Kafka 4. */
const MINIMUM_METADATA_VERSION = 7

/** The features that a broker supports, with the lowest and highest level of each. */
export const SUPPORTED_FEATURES: ReadonlyMap<string, SupportedVersionRange> = new Map([
  [METADATA_VERSION_FEATURE, { min: MINIMUM_METADATA_VERSION, max: METADATA_VERSION }],
  [ELIGIBLE_LEADER_REPLICAS_FEATURE, { min: 0, max: 1 }],
])
