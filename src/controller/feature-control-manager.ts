import type { ControllerState } from './controller-state.ts'
import { METADATA_VERSION_FEATURE } from './image/features-image.ts'

/** KIP-966: replicas that left the ISR below `min.insync.replicas` stay eligible to lead. */
export const ELIGIBLE_LEADER_REPLICAS_FEATURE = 'eligible.leader.replicas.version'

/** Level of `metadata.version` whose records are written: 4.2-IV1. */
export const METADATA_VERSION = 29

/** The features that a new cluster begins with: those of Kafka 4.2 that are built here. */
export const BOOTSTRAP_FEATURES: ReadonlyMap<string, number> = new Map([
  [METADATA_VERSION_FEATURE, METADATA_VERSION],
  [ELIGIBLE_LEADER_REPLICAS_FEATURE, 1],
])

const NONE: ReadonlyMap<string, number> = new Map()

/** The finalized features. Kafka's class of the same name. */
export class FeatureControlManager {
  readonly #state: ControllerState
  readonly #bootstrap: ReadonlyMap<string, number>

  /** @param bootstrap levels that a new cluster begins with */
  constructor(state: ControllerState, bootstrap: ReadonlyMap<string, number>) {
    this.#state = state
    this.#bootstrap = bootstrap
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
}
