/** Kafka's settings of replication. Times in milliseconds. */
export interface ReplicationConfig {
  /** `replica.lag.time.max.ms` */
  readonly replicaLagTimeMaxMs: number
  /** `num.replica.fetchers`: threads for each leader. */
  readonly numReplicaFetchers: number
  /** `replica.fetch.wait.max.ms` */
  readonly replicaFetchWaitMaxMs: number
  /** `replica.fetch.min.bytes` */
  readonly replicaFetchMinBytes: number
  /** `replica.fetch.max.bytes`: of one partition. */
  readonly replicaFetchMaxBytes: number
  /** `replica.fetch.response.max.bytes` */
  readonly replicaFetchResponseMaxBytes: number
  /** `replica.fetch.backoff.ms` */
  readonly replicaFetchBackoffMs: number
  /** `replica.socket.timeout.ms` */
  readonly replicaSocketTimeoutMs: number
  /** `replica.socket.receive.buffer.bytes` */
  readonly replicaSocketReceiveBufferBytes: number
  /** `inter.broker.listener.name` */
  readonly interBrokerListenerName: string
  /** `replica.selector.class`; null: everybody reads from the leader (KIP-392). */
  readonly replicaSelectorClass: string | null
}

/** Kafka's defaults. */
export const DEFAULT_REPLICATION_CONFIG: ReplicationConfig = {
  replicaLagTimeMaxMs: 30_000,
  numReplicaFetchers: 1,
  replicaFetchWaitMaxMs: 500,
  replicaFetchMinBytes: 1,
  replicaFetchMaxBytes: 1_048_576,
  replicaFetchResponseMaxBytes: 10_485_760,
  replicaFetchBackoffMs: 1000,
  replicaSocketTimeoutMs: 30_000,
  replicaSocketReceiveBufferBytes: 65_536,
  interBrokerListenerName: 'PLAINTEXT',
  replicaSelectorClass: null,
}
