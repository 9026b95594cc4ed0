import type { Runtime } from '../runtime/runtime.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { NodeToControllerChannelManager } from './node-to-controller-channel-manager.ts'
import type { SharedServer } from './shared-server.ts'

/** How long a forwarded request is tried (Kafka's constant). */
const FORWARDING_TIMEOUT_MS = 60_000
/** How long a request with directory assignments is tried before it counts as failed (Kafka's constant). */
const DIRECTORY_ASSIGNMENTS_TIMEOUT_MS = 60_000

/** A broker's connections to the controller. */
export interface ControllerChannels {
  readonly heartbeat: NodeToControllerChannelManager
  readonly alterPartition: NodeToControllerChannelManager
  readonly directoryAssignments: NodeToControllerChannelManager
  readonly forwarding: NodeToControllerChannelManager
  readonly all: readonly NodeToControllerChannelManager[]
}

/** Makes the connections, as Kafka's BrokerServer has them; nothing is opened yet. */
export function createControllerChannels(
  runtime: Runtime,
  config: KafkaConfig,
  shared: Pick<SharedServer, 'controllerNode'>,
): ControllerChannels {
  const create = (channelName: string, retryTimeoutMs: number) =>
    new NodeToControllerChannelManager(runtime, {
      channelName,
      nodeId: config.nodeId,
      controllerNode: () => shared.controllerNode,
      retryTimeoutMs,
      requestTimeoutMs: config.getNumber('controller.socket.timeout.ms'),
      connectionSetupTimeoutMs: config.getNumber('socket.connection.setup.timeout.ms'),
    })
  // No longer than until the next one is due, so that heartbeats that are lost leave time for others (KAFKA-19294).
  const heartbeat = create('heartbeat', config.getNumber('broker.heartbeat.interval.ms'))
  const alterPartition = create('alter-partition', Number.POSITIVE_INFINITY)
  const directoryAssignments = create('directory-assignments', DIRECTORY_ASSIGNMENTS_TIMEOUT_MS)
  const forwarding = create('forwarding', FORWARDING_TIMEOUT_MS)
  const all = [heartbeat, alterPartition, directoryAssignments, forwarding]
  return { heartbeat, alterPartition, directoryAssignments, forwarding, all }
}
