import type { Runtime } from '../runtime/runtime.ts'
import { ClusterControlManager } from './cluster-control-manager.ts'
import { ConfigurationControlManager } from './configuration-control-manager.ts'
import type { ControllerState } from './controller-state.ts'
import { BOOTSTRAP_FEATURES, FeatureControlManager } from './feature-control-manager.ts'
import { type PeriodicTask, PeriodicTaskControlManager } from './periodic-task-control-manager.ts'
import { ProducerIdControlManager } from './producer-id-control-manager.ts'
import type { QuorumControllerOptions } from './quorum-controller-options.ts'
import { ReplicationControlManager } from './replication-control-manager.ts'
import { StripedReplicaPlacer } from './striped-replica-placer.ts'
import { TopicAssigner } from './topic-creation.ts'

const DEFAULT_UNCLEAN_ELECTION_INTERVAL_MS = 300_000

/** Who makes records of operations. All of them look at one state. */
export interface ControllerManagers {
  readonly features: FeatureControlManager
  readonly cluster: ClusterControlManager
  readonly configuration: ConfigurationControlManager
  readonly producerIds: ProducerIdControlManager
  readonly replication: ReplicationControlManager
  readonly periodicTasks: PeriodicTaskControlManager
}

export function createManagers(
  runtime: Runtime,
  state: ControllerState,
  options: QuorumControllerOptions,
  newTopicId: () => string,
): ControllerManagers {
  const { clusterId, sessionTimeoutMs, nodeId } = options
  const features = new FeatureControlManager(state, options.bootstrapFeatures ?? BOOTSTRAP_FEATURES, nodeId)
  const cluster = new ClusterControlManager(runtime.clock, state, features, {
    clusterId,
    sessionTimeoutMs,
    shutdownRecords: (brokerId, isCleanShutdown) => replication.brokerShutdownRecords(brokerId, isCleanShutdown),
  })
  const configuration = new ConfigurationControlManager(state, options.configSchema, features, nodeId)
  const assigner = new TopicAssigner(
    cluster,
    new StripedReplicaPlacer(runtime.random.stream('replica placer')),
    broker => state.current.cluster.isActive(broker),
    { numPartitions: options.defaultNumPartitions, replicationFactor: options.defaultReplicationFactor },
  )
  const replication = new ReplicationControlManager({ state, cluster, configuration, features, assigner, newTopicId })
  return {
    features,
    cluster,
    configuration,
    producerIds: new ProducerIdControlManager(state, cluster),
    replication,
    periodicTasks: new PeriodicTaskControlManager(runtime.clock, periodicTasks(replication, options)),
  }
}

function periodicTasks(replication: ReplicationControlManager, options: QuorumControllerOptions): PeriodicTask[] {
  const electUnclean: PeriodicTask = {
    name: 'electUnclean',
    periodMs: options.uncleanLeaderElectionCheckIntervalMs ?? DEFAULT_UNCLEAN_ELECTION_INTERVAL_MS,
    run: () => replication.maybeElectUncleanLeaders(),
  }
  if (options.leaderImbalanceCheckIntervalMs === undefined) return [electUnclean]
  const electPreferred: PeriodicTask = {
    name: 'electPreferred',
    periodMs: options.leaderImbalanceCheckIntervalMs,
    run: () => replication.maybeBalancePartitionLeaders(),
  }
  return [electPreferred, electUnclean]
}
