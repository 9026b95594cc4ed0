import { UpgradeType } from '../protocol/apis/update-features.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { SupportedVersionRange } from './broker-registration.ts'
import type { ControllerState } from './controller-state.ts'
import { METADATA_VERSION_FEATURE } from './image/features-image.ts'
import type { MetadataRecord } from './metadata-records.ts'

/** KIP-966: replicas that left the ISR below `min.insync.replicas` stay eligible to lead. */
export const ELIGIBLE_LEADER_REPLICAS_FEATURE = 'eligible.leader.replicas.version'

/** Level of `metadata.version` whose records are written: 4.2-IV1. */
export const METADATA_VERSION = 29

/** The features that a new cluster begins with: those of Kafka 4.2 that are built here. */
export const BOOTSTRAP_FEATURES: ReadonlyMap<string, number> = new Map([
  [METADATA_VERSION_FEATURE, METADATA_VERSION],
  [ELIGIBLE_LEADER_REPLICAS_FEATURE, 1],
])

/** What this controller can do; of `metadata.version` only the one whose records it writes. */
const LOCAL_FEATURES: ReadonlyMap<string, SupportedVersionRange> = new Map([
  [METADATA_VERSION_FEATURE, { min: METADATA_VERSION, max: METADATA_VERSION }],
  [ELIGIBLE_LEADER_REPLICAS_FEATURE, { min: 0, max: 1 }],
])

const NONE: ReadonlyMap<string, number> = new Map()
const DISABLED: SupportedVersionRange = { min: 0, max: 0 }

/** A feature that is to be finalized at another level. */
export interface FeatureUpdate {
  readonly feature: string
  readonly level: number
  /** One of `UpgradeType`. */
  readonly upgradeType: number
}

/** The finalized features. Kafka's class of the same name. */
export class FeatureControlManager {
  readonly #state: ControllerState
  readonly #bootstrap: ReadonlyMap<string, number>
  readonly #nodeId: number

  /** @param bootstrap levels that a new cluster begins with */
  constructor(state: ControllerState, bootstrap: ReadonlyMap<string, number>, nodeId: number) {
    this.#state = state
    this.#bootstrap = bootstrap
    this.#nodeId = nodeId
  }

  get finalizedFeatures(): ReadonlyMap<string, number> {
    return this.#state.current.features.finalizedVersions
  }

  get eligibleLeaderReplicasEnabled(): boolean {
    return this.#state.current.features.level(ELIGIBLE_LEADER_REPLICAS_FEATURE) > 0
  }

  /** The first features of a new metadata log; none when it has a metadata version already. */
  get newFeatures(): ReadonlyMap<string, number> {
    return this.#state.current.features.level(METADATA_VERSION_FEATURE) > 0 ? NONE : this.#bootstrap
  }

  /** The records that set all levels. Throws INVALID_UPDATE_VERSION when one of them cannot be. */
  updateFeatures(updates: readonly FeatureUpdate[]): MetadataRecord[] {
    return updates.map(update => {
      this.#validate(update)
      return { type: 'FeatureLevelRecord', data: { name: update.feature, featureLevel: update.level } }
    })
  }

  #validate({ feature, level, upgradeType }: FeatureUpdate): void {
    const invalid = (why: string): ApiError =>
      new ApiError(ErrorCode.INVALID_UPDATE_VERSION, `Invalid update version ${level} for feature ${feature}. ${why}`)
    const { UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE } = UpgradeType
    if (upgradeType !== UPGRADE && upgradeType !== SAFE_DOWNGRADE && upgradeType !== UNSAFE_DOWNGRADE) {
      throw invalid('The controller does not support the given upgrade type.')
    }
    if (level < 0) throw invalid('A feature version cannot be less than 0.')
    const reason = this.#reasonNotSupported(feature, level)
    if (reason !== undefined) throw invalid(reason)
    const current = this.#state.current.features.level(feature)
    if (level < current && upgradeType === UPGRADE) {
      throw invalid(
        "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
      )
    }
    if (level > current && upgradeType !== UPGRADE) throw invalid("Can't downgrade to a newer version.")
  }

  /** All who take part must know the level. */
  #reasonNotSupported(feature: string, level: number): string | undefined {
    const local = LOCAL_FEATURES.get(feature) ?? DISABLED
    const reason = reasonOutOfRange(level, `Local controller ${this.#nodeId}`, local)
    if (reason !== undefined) return reason
    for (const { id, supportedFeatures } of this.#state.current.cluster.brokers.values()) {
      const ofBroker = reasonOutOfRange(level, `Broker ${id}`, supportedFeatures.get(feature) ?? DISABLED)
      if (ofBroker !== undefined) return ofBroker
    }
    return undefined
  }
}

function reasonOutOfRange(level: number, who: string, { min, max }: SupportedVersionRange): string | undefined {
  if (level >= min && level <= max) return undefined
  return max === 0 ? `${who} does not support this feature.` : `${who} only supports versions ${min}-${max}`
}
