import { metadataRecordSerde } from '../controller/metadata-record-serde.ts'
import type { MetadataRecord } from '../controller/metadata-records.ts'
import { SingleVoterRaftClient } from '../raft/single-voter-raft-client.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { BrokerConfigSchema } from './config/broker-config-schema.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { ControllerServer } from './controller-server.ts'
import { type FormattedStorage, formatIfNeeded } from './storage-format.ts'

const RAFT_SHUTDOWN_TIMEOUT_MS = 5_000

export interface SharedServerOptions {
  readonly configSchema: BrokerConfigSchema
  /** The cluster that a node with empty directories joins; default: a new one. */
  readonly clusterId?: string | undefined
  /** Metadata log or controller cannot go on: the process must halt. */
  readonly onFault: (error: unknown) => void
}

/** What the roles of one process have in common (Kafka's SharedServer): its storage, the metadata log, the controller. */
export class SharedServer {
  readonly #runtime: Runtime
  readonly #config: KafkaConfig
  readonly #options: SharedServerOptions
  #started: StartedSharedServer | undefined

  constructor(runtime: Runtime, config: KafkaConfig, options: SharedServerOptions) {
    this.#runtime = runtime
    this.#config = config
    this.#options = options
  }

  /** Formats new log directories, opens the metadata log and starts the controller. */
  async start(): Promise<StartedSharedServer> {
    const { nodeId, logDirs, metadataLogDir } = this.#config
    const { clusterId, configSchema, onFault } = this.#options
    const storage = await formatIfNeeded(this.#runtime, {
      logDirs: [...new Set([metadataLogDir, ...logDirs])],
      nodeId,
      ...(clusterId !== undefined && { clusterId }),
    })
    const raftClient = new SingleVoterRaftClient<MetadataRecord>(this.#runtime, {
      nodeId,
      logDirectory: metadataLogDir,
      serde: metadataRecordSerde,
      onFault,
    })
    await raftClient.start()
    const controller = new ControllerServer(this.#runtime, this.#config, {
      clusterId: storage.clusterId,
      raftClient,
      configSchema,
      onFault,
    })
    controller.start()
    this.#started = { storage, raftClient, controller }
    return this.#started
  }

  /** Stops the controller and closes the metadata log. */
  async stop(): Promise<void> {
    if (this.#started === undefined) return
    await this.#started.controller.close()
    await this.#started.raftClient.shutdown(RAFT_SHUTDOWN_TIMEOUT_MS)
  }
}

export interface StartedSharedServer {
  readonly storage: FormattedStorage
  readonly raftClient: SingleVoterRaftClient<MetadataRecord>
  readonly controller: ControllerServer
}
