import { ControllerApis } from '../controller/controller-apis.ts'
import type { ControllerChannel } from '../controller/controller-channel.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { KafkaConfigSchema } from '../controller/kafka-config-schema.ts'
import type { MetadataRecord } from '../controller/metadata-records.ts'
import { QuorumController } from '../controller/quorum-controller.ts'
import type { RaftClient } from '../raft/raft-client.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { KafkaConfig } from './config/kafka-config.ts'

export interface ControllerServerOptions {
  readonly clusterId: string
  readonly raftClient: RaftClient<MetadataRecord>
  readonly configSchema: KafkaConfigSchema
  /** The controller's state and the metadata log are at odds: the process must halt. */
  readonly onFault: (error: unknown) => void
}

/**
 * A node's controller role (Kafka's ControllerServer): the quorum controller and the face that brokers talk to, here within
 * the process.
 */
export class ControllerServer {
  /** What brokers call. */
  readonly channel: ControllerChannel
  readonly #controller: QuorumController

  constructor(runtime: Runtime, config: KafkaConfig, options: ControllerServerOptions) {
    this.#controller = new QuorumController(runtime, {
      nodeId: config.nodeId,
      clusterId: options.clusterId,
      raftClient: options.raftClient,
      configSchema: options.configSchema,
      defaultNumPartitions: config.getNumber('num.partitions'),
      defaultReplicationFactor: config.getNumber('default.replication.factor'),
      sessionTimeoutMs: config.getNumber('broker.session.timeout.ms'),
      maxIdleIntervalMs: config.getNumber('metadata.max.idle.interval.ms'),
      onFault: options.onFault,
    })
    this.channel = new ControllerApis(runtime, this.#controller, {
      deleteTopicEnable: config.getBoolean('delete.topic.enable'),
    })
  }

  get isActive(): boolean {
    return this.#controller.isActive
  }

  /** The metadata as this controller has committed it. */
  get committedImage(): MetadataImage {
    return this.#controller.committedImage
  }

  start(): void {
    this.#controller.start()
  }

  /** Answers what waits with NOT_CONTROLLER, and ends. */
  async close(): Promise<void> {
    await this.#controller.close()
  }
}
