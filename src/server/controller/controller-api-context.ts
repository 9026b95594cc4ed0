import type { ControllerChannel } from '../../controller/controller-channel.ts'
import type { MetadataRecord } from '../../controller/metadata-records.ts'
import type { KafkaRaftClient } from '../../raft/kafka-raft-client.ts'
import type { ApiVersionsContext } from '../api-handler.ts'
import type { ControllerNode } from '../node-to-controller-channel-manager.ts'

/** What a controller's API handlers work with. */
export interface ControllerApiContext extends ApiVersionsContext {
  readonly clusterId: string
  readonly controller: ControllerChannel
  readonly raftClient: KafkaRaftClient<MetadataRecord>
  /** All controllers, ascending by id. */
  readonly controllerNodes: readonly ControllerNode[]
}
