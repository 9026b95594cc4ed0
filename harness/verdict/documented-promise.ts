import type { VerdictConfiguration } from './configuration.ts'
import type { FaultModelName } from './fault-models.ts'

/** What Kafka's documentation says about a guarantee in a configuration. */
export interface DocumentedPromise {
  readonly promised: boolean
  /** In a sentence, not in Kafka's words. */
  readonly text: string
  /** Where Kafka says it: a section of its documentation, a configuration's description, a KIP. */
  readonly source: string
}

/** What is judged, and under what. */
export interface PromiseContext {
  readonly configuration: VerdictConfiguration
  readonly models: readonly FaultModelName[]
  /** Machines that may lose power before the cluster has recovered. */
  readonly powerLosses: number
}
