import type { ExploreOptions } from '../explore/explore-options.ts'
import type { GuaranteeName } from '../trial/scenario.ts'
import { brokerSettings, features, topicSettings, type VerdictConfiguration } from './configuration.ts'
import { pinnedGroup } from './consumer-configuration.ts'
import type { FaultModelName } from './fault-models.ts'

/** What is put on trial, and what may happen to it. */
export interface VerdictPlan {
  readonly configuration: VerdictConfiguration
  readonly models: readonly FaultModelName[]
  /** Nodes that faults may have down, cut off or standing still at the same time. */
  readonly atOnce: number
  /** Machines that may lose power in one trial. */
  readonly powerLosses: number
}

/**
 * What a smaller scenario must keep to be a counterexample of this configuration: everything that was asked about, and
 * nothing that was drawn.
 */
export function pinned(plan: VerdictPlan, guarantees: readonly GuaranteeName[]): ExploreOptions {
  const { configuration } = plan
  const { producer, client, replicationFactor, consumer } = configuration
  return {
    set: { ...brokerSettings(configuration), ...topicSettings(configuration) },
    require: guarantees,
    acks: producer.acks,
    idempotent: producer.idempotent,
    replicationFactor,
    features: features(configuration),
    ...(client === undefined ? {} : { client }),
    ...(consumer === undefined ? {} : { workload: 'group', group: pinnedGroup(consumer) }),
    ...(producer.maxInFlight === undefined ? {} : { maxInFlight: producer.maxInFlight }),
    ...(producer.retries === undefined ? {} : { retries: producer.retries }),
    ...(producer.sequential === undefined ? {} : { sequential: producer.sequential }),
    ...(producer.renewAfterError === undefined ? {} : { renewAfterError: producer.renewAfterError }),
  }
}
