import { ApiDispatcher, type UnexpectedErrorListener } from './api-dispatcher.ts'
import type { ApiContext, ApiHandler } from './api-handler.ts'
import { alterConfigsHandler } from './handlers/alter-configs.ts'
import { alterPartitionReassignmentsHandler } from './handlers/alter-partition-reassignments.ts'
import { apiVersionsHandler } from './handlers/api-versions.ts'
import { createPartitionsHandler } from './handlers/create-partitions.ts'
import { createTopicsHandler } from './handlers/create-topics.ts'
import { deleteRecordsHandler } from './handlers/delete-records.ts'
import { deleteTopicsHandler } from './handlers/delete-topics.ts'
import { describeClusterHandler } from './handlers/describe-cluster.ts'
import { describeConfigsHandler } from './handlers/describe-configs.ts'
import { describeQuorumHandler } from './handlers/describe-quorum.ts'
import { electLeadersHandler } from './handlers/elect-leaders.ts'
import { fetchHandler } from './handlers/fetch.ts'
import { findCoordinatorHandler } from './handlers/find-coordinator.ts'
import { incrementalAlterConfigsHandler } from './handlers/incremental-alter-configs.ts'
import { initProducerIdHandler } from './handlers/init-producer-id.ts'
import { listOffsetsHandler } from './handlers/list-offsets.ts'
import { listPartitionReassignmentsHandler } from './handlers/list-partition-reassignments.ts'
import { metadataHandler } from './handlers/metadata.ts'
import { offsetForLeaderEpochHandler } from './handlers/offset-for-leader-epoch.ts'
import { produceHandler } from './handlers/produce.ts'
import { unregisterBrokerHandler } from './handlers/unregister-broker.ts'
import { updateFeaturesHandler } from './handlers/update-features.ts'

/** The handlers of all APIs that a broker serves, by API key in ascending order. */
export const API_HANDLERS: ReadonlyMap<number, ApiHandler> = new Map(
  [
    produceHandler,
    fetchHandler,
    listOffsetsHandler,
    metadataHandler,
    findCoordinatorHandler,
    apiVersionsHandler,
    createTopicsHandler,
    deleteTopicsHandler,
    deleteRecordsHandler,
    initProducerIdHandler,
    offsetForLeaderEpochHandler,
    describeConfigsHandler,
    alterConfigsHandler,
    createPartitionsHandler,
    electLeadersHandler,
    incrementalAlterConfigsHandler,
    alterPartitionReassignmentsHandler,
    listPartitionReassignmentsHandler,
    describeQuorumHandler,
    updateFeaturesHandler,
    describeClusterHandler,
    unregisterBrokerHandler,
  ].map(handler => [handler.api.key, handler]),
)

/** Hands each request of a broker's listeners to the handler of its API (Kafka's KafkaApis). */
export class KafkaApis extends ApiDispatcher<ApiContext> {
  constructor(context: ApiContext, onUnexpectedError: UnexpectedErrorListener) {
    super(API_HANDLERS, context, onUnexpectedError)
  }
}
