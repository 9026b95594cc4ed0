import type { Api } from '../api.ts'
import { AllocateProducerIds } from './allocate-producer-ids.ts'
import { AlterConfigs } from './alter-configs.ts'
import { AlterPartition } from './alter-partition.ts'
import { AlterPartitionReassignments } from './alter-partition-reassignments.ts'
import { ApiVersions } from './api-versions.ts'
import { AssignReplicasToDirs } from './assign-replicas-to-dirs.ts'
import { BeginQuorumEpoch } from './begin-quorum-epoch.ts'
import { BrokerHeartbeat } from './broker-heartbeat.ts'
import { BrokerRegistration } from './broker-registration.ts'
import { CreatePartitions } from './create-partitions.ts'
import { CreateTopics } from './create-topics.ts'
import { DeleteRecords } from './delete-records.ts'
import { DeleteTopics } from './delete-topics.ts'
import { DescribeCluster } from './describe-cluster.ts'
import { DescribeConfigs } from './describe-configs.ts'
import { DescribeQuorum } from './describe-quorum.ts'
import { ElectLeaders } from './elect-leaders.ts'
import { EndQuorumEpoch } from './end-quorum-epoch.ts'
import { Envelope } from './envelope.ts'
import { Fetch } from './fetch.ts'
import { FetchSnapshot } from './fetch-snapshot.ts'
import { FindCoordinator } from './find-coordinator.ts'
import { IncrementalAlterConfigs } from './incremental-alter-configs.ts'
import { InitProducerId } from './init-producer-id.ts'
import { ListOffsets } from './list-offsets.ts'
import { ListPartitionReassignments } from './list-partition-reassignments.ts'
import { Metadata } from './metadata.ts'
import { OffsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { Produce } from './produce.ts'
import { UnregisterBroker } from './unregister-broker.ts'
import { UpdateFeatures } from './update-features.ts'
import { Vote } from './vote.ts'

/** Every API that is spoken, by its number on the wire, in ascending order. */
export const API_BY_KEY: ReadonlyMap<number, Api> = new Map(
  [
    Produce,
    Fetch,
    ListOffsets,
    Metadata,
    FindCoordinator,
    ApiVersions,
    CreateTopics,
    DeleteTopics,
    DeleteRecords,
    InitProducerId,
    OffsetForLeaderEpoch,
    DescribeConfigs,
    AlterConfigs,
    CreatePartitions,
    ElectLeaders,
    IncrementalAlterConfigs,
    AlterPartitionReassignments,
    ListPartitionReassignments,
    Vote,
    BeginQuorumEpoch,
    EndQuorumEpoch,
    DescribeQuorum,
    AlterPartition,
    UpdateFeatures,
    Envelope,
    FetchSnapshot,
    DescribeCluster,
    BrokerRegistration,
    BrokerHeartbeat,
    UnregisterBroker,
    AllocateProducerIds,
    AssignReplicasToDirs,
  ].map(api => [api.key, api]),
)
