import type { RaftClient } from '../raft/raft-client.ts'
import type { KafkaConfigSchema } from './kafka-config-schema.ts'
import type { MetadataRecord } from './metadata-records.ts'

export interface QuorumControllerOptions {
  readonly nodeId: number
  readonly clusterId: string
  readonly raftClient: RaftClient<MetadataRecord>
  readonly configSchema: KafkaConfigSchema
  /** `num.partitions`. */
  readonly defaultNumPartitions: number
  /** `default.replication.factor`. */
  readonly defaultReplicationFactor: number
  /** `broker.session.timeout.ms`. */
  readonly sessionTimeoutMs: number
  /** `metadata.max.idle.interval.ms`: an idle active controller writes a NoOpRecord this often; 0: never. */
  readonly maxIdleIntervalMs: number
  /** `leader.imbalance.check.interval.seconds`, in milliseconds; undefined without `auto.leader.rebalance.enable`. */
  readonly leaderImbalanceCheckIntervalMs?: number | undefined
  /** `unclean.leader.election.interval.ms`; default 5 minutes. */
  readonly uncleanLeaderElectionCheckIntervalMs?: number
  /** Called once when state and log disagree or an operation fails in a way nobody foresaw: the process should halt. */
  readonly onFault: (error: unknown) => void
  /** Features of a new cluster; default `BOOTSTRAP_FEATURES`. */
  readonly bootstrapFeatures?: ReadonlyMap<string, number>
}
