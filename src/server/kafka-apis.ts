import { ApiDispatcher, type UnexpectedErrorListener } from './api-dispatcher.ts'
import type { ApiContext, ApiHandler } from './api-handler.ts'
import { alterConfigsHandler } from './handlers/alter-configs.ts'
import { alterPartitionReassignmentsHandler } from './handlers/alter-partition-reassignments.ts'
import { apiVersionsHandler } from './handlers/api-versions.ts'
import { consumerGroupDescribeHandler } from './handlers/consumer-group-describe.ts'
import { consumerGroupHeartbeatHandler } from './handlers/consumer-group-heartbeat.ts'
import { createPartitionsHandler } from './handlers/create-partitions.ts'
import { createTopicsHandler } from './handlers/create-topics.ts'
import { deleteGroupsHandler } from './handlers/delete-groups.ts'
import { deleteRecordsHandler } from './handlers/delete-records.ts'
import { deleteTopicsHandler } from './handlers/delete-topics.ts'
import { describeClusterHandler } from './handlers/describe-cluster.ts'
import { describeConfigsHandler } from './handlers/describe-configs.ts'
import { describeGroupsHandler } from './handlers/describe-groups.ts'
import { describeQuorumHandler } from './handlers/describe-quorum.ts'
import { electLeadersHandler } from './handlers/elect-leaders.ts'
import { fetchHandler } from './handlers/fetch.ts'
import { findCoordinatorHandler } from './handlers/find-coordinator.ts'
import { heartbeatHandler } from './handlers/heartbeat.ts'
import { incrementalAlterConfigsHandler } from './handlers/incremental-alter-configs.ts'
import { initProducerIdHandler } from './handlers/init-producer-id.ts'
import { joinGroupHandler } from './handlers/join-group.ts'
import { leaveGroupHandler } from './handlers/leave-group.ts'
import { listGroupsHandler } from './handlers/list-groups.ts'
import { listOffsetsHandler } from './handlers/list-offsets.ts'
import { listPartitionReassignmentsHandler } from './handlers/list-partition-reassignments.ts'
import { metadataHandler } from './handlers/metadata.ts'
import { offsetCommitHandler } from './handlers/offset-commit.ts'
import { offsetDeleteHandler } from './handlers/offset-delete.ts'
import { offsetFetchHandler } from './handlers/offset-fetch.ts'
import { offsetForLeaderEpochHandler } from './handlers/offset-for-leader-epoch.ts'
import { produceHandler } from './handlers/produce.ts'
import { syncGroupHandler } from './handlers/sync-group.ts'
import { unregisterBrokerHandler } from './handlers/unregister-broker.ts'
import { updateFeaturesHandler } from './handlers/update-features.ts'

/** The handlers of all APIs that a broker serves, by API key in ascending order. */
export const API_HANDLERS: ReadonlyMap<number, ApiHandler> = new Map(
  [
    produceHandler,
    fetchHandler,
    listOffsetsHandler,
    metadataHandler,
    offsetCommitHandler,
    offsetFetchHandler,
    findCoordinatorHandler,
    joinGroupHandler,
    heartbeatHandler,
    leaveGroupHandler,
    syncGroupHandler,
    describeGroupsHandler,
    listGroupsHandler,
    apiVersionsHandler,
    createTopicsHandler,
    deleteTopicsHandler,
    deleteRecordsHandler,
    initProducerIdHandler,
    offsetForLeaderEpochHandler,
    describeConfigsHandler,
    alterConfigsHandler,
    createPartitionsHandler,
    deleteGroupsHandler,
    electLeadersHandler,
    incrementalAlterConfigsHandler,
    alterPartitionReassignmentsHandler,
    listPartitionReassignmentsHandler,
    offsetDeleteHandler,
    describeQuorumHandler,
    updateFeaturesHandler,
    describeClusterHandler,
    unregisterBrokerHandler,
    consumerGroupHeartbeatHandler,
    consumerGroupDescribeHandler,
  ].map(handler => [handler.api.key, handler]),
)

/** Hands each request of a broker's listeners to the handler of its API (Kafka's KafkaApis). */
export class KafkaApis extends ApiDispatcher<ApiContext> {
  constructor(context: ApiContext, onUnexpectedError: UnexpectedErrorListener) {
    super(API_HANDLERS, context, onUnexpectedError)
  }
}
