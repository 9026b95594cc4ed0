import type { Deserializer } from '../serialization.ts'
import type { IsolationLevel } from './subscription-state.ts'

/** What decides about fetches (Kafka's FetchConfig); the names of the configuration keys, in camel case. */
export interface FetchConfig {
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly fetchMaxWaitMs: number
  readonly maxPartitionFetchBytes: number
  readonly maxPollRecords: number
  readonly checkCrcs: boolean
  /** Empty: none. */
  readonly clientRack: string
  readonly isolationLevel: IsolationLevel
}

/** How bytes become keys and values. */
export interface Deserializers<K, V> {
  readonly key: Deserializer<K>
  readonly value: Deserializer<V>
}
