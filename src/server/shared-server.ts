import { MetadataLoader } from '../controller/image/metadata-loader.ts'
import type { MetadataPublisher } from '../controller/image/metadata-publisher.ts'
import { SnapshotGenerator } from '../controller/image/snapshot-generator.ts'
import { metadataRecordSerde } from '../controller/metadata-record-serde.ts'
import type { MetadataRecord } from '../controller/metadata-records.ts'
import { KafkaRaftClient } from '../raft/kafka-raft-client.ts'
import type { RaftObserver } from '../raft/raft-observer.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import type { NodeFaults } from './node-faults.ts'
import type { ControllerNode } from './node-to-controller-channel-manager.ts'
import { type FormattedStorage, formatIfNeeded } from './storage-format.ts'

const RAFT_SHUTDOWN_TIMEOUT_MS = 5_000

export interface SharedServerOptions {
  /** The cluster that a node with empty directories joins; default: a new one. */
  readonly clusterId?: string | undefined
  readonly faults: NodeFaults
  readonly raftObserver?: RaftObserver | undefined
}

/** What the roles of one node have in common (Kafka's SharedServer): its storage, the metadata log, who follows it. */
export class SharedServer {
  readonly #runtime: Runtime
  readonly #config: KafkaConfig
  readonly #options: SharedServerOptions
  #storage: FormattedStorage | undefined
  #voters: readonly ControllerNode[] = []
  #raftClient: KafkaRaftClient<MetadataRecord> | undefined
  #loader: MetadataLoader | undefined
  #snapshotGenerator: SnapshotGenerator | undefined

  constructor(runtime: Runtime, config: KafkaConfig, options: SharedServerOptions) {
    this.#runtime = runtime
    this.#config = config
    this.#options = options
  }

  /** Throws before `format`. */
  get storage(): FormattedStorage {
    return started(this.#storage)
  }

  /** Throws before `startRaftClient`. */
  get raftClient(): KafkaRaftClient<MetadataRecord> {
    return started(this.#raftClient)
  }

  /** The controllers, ascending by id. */
  get voters(): readonly ControllerNode[] {
    return this.#voters
  }

  /** Who leads the metadata quorum, as far as this node knows (Kafka's RaftControllerNodeProvider). */
  get controllerNode(): ControllerNode | undefined {
    const leaderId = this.#raftClient?.leaderAndEpoch.leaderId
    return leaderId === undefined ? undefined : this.#voters.find(({ id }) => id === leaderId)
  }

  /** Formats new log directories and checks the others. Rejects with the errors of `formatIfNeeded`. */
  async format(): Promise<void> {
    const { nodeId, logDirs, metadataLogDir } = this.#config
    const { clusterId } = this.#options
    this.#storage = await formatIfNeeded(this.#runtime, {
      logDirs: [...new Set([metadataLogDir, ...logDirs])],
      nodeId,
      ...(clusterId !== undefined && { clusterId }),
    })
  }

  /**
   * Recovers the metadata log and takes part in the quorum.
   *
   * @param controllerPort the port of this node's own controller listener, which stands for port 0 in the list of voters
   */
  async startRaftClient(controllerPort: number | undefined): Promise<void> {
    const config = this.#config
    this.#voters = config.quorumVoters
      .map(voter =>
        voter.id === config.nodeId && voter.port === 0 && controllerPort !== undefined
          ? { ...voter, port: controllerPort }
          : voter,
      )
      .sort((left, right) => left.id - right.id)
    const { raftObserver, faults } = this.#options
    this.#raftClient = new KafkaRaftClient<MetadataRecord>(this.#runtime, {
      nodeId: config.nodeId,
      clusterId: this.storage.clusterId,
      voters: this.#voters,
      logDirectory: config.metadataLogDir,
      serde: metadataRecordSerde,
      onFault: error => faults.onFault(error),
      ...(raftObserver !== undefined && { observer: raftObserver }),
      segmentBytes: config.getNumber('metadata.log.segment.bytes'),
      electionTimeoutMs: config.getNumber('controller.quorum.election.timeout.ms'),
      fetchTimeoutMs: config.getNumber('controller.quorum.fetch.timeout.ms'),
      electionBackoffMaxMs: config.getNumber('controller.quorum.election.backoff.max.ms'),
      requestTimeoutMs: config.getNumber('controller.quorum.request.timeout.ms'),
      retryBackoffMs: config.getNumber('controller.quorum.retry.backoff.ms'),
      appendLingerMs: config.getNumber('controller.quorum.append.linger.ms'),
    })
    await this.#raftClient.start()
  }

  /** Begins to follow the metadata log, and to write snapshots of it. To be called once, by the broker where there is one. */
  startLoader(publishers: readonly MetadataPublisher[]): MetadataLoader {
    const { raftClient } = this
    const { nodeId } = this.#config
    this.#snapshotGenerator = new SnapshotGenerator(this.#runtime, {
      nodeId,
      raftClient,
      maxBytesSinceLastSnapshot: this.#config.getNumber('metadata.log.max.record.bytes.between.snapshots'),
      maxTimeSinceLastSnapshotMs: this.#config.getNumber('metadata.log.max.snapshot.interval.ms'),
      onFault: error => this.#options.faults.onFault(error),
    })
    this.#loader = new MetadataLoader({
      nodeId,
      highWatermark: () => raftClient.highWatermark,
      publishers: [this.#snapshotGenerator, ...publishers],
    })
    raftClient.register(this.#loader)
    return this.#loader
  }

  /** No publisher is called any more; resolves when a snapshot that is being written is done. */
  async stopLoader(): Promise<void> {
    if (this.#loader !== undefined) this.#raftClient?.unregister(this.#loader)
    this.#loader = undefined
    await this.#snapshotGenerator?.close()
  }

  /** Gives up leadership of the quorum, and leaves it; other voters elect a new leader at once. Idempotent. */
  async stopRaftClient(): Promise<void> {
    await this.#raftClient?.shutdown(RAFT_SHUTDOWN_TIMEOUT_MS)
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the node is not started')
  return part
}
