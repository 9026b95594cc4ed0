import { PartitionMetadataFile } from '../log/partition-metadata-file.ts'
import type { Api } from '../protocol/api.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import { METADATA_TOPIC_ID } from '../protocol/uuid.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { KafkaMetadataLog } from './kafka-metadata-log.ts'
import { KafkaNetworkChannel } from './kafka-network-channel.ts'
import { QuorumState } from './quorum-state.ts'
import { QuorumStateStore } from './quorum-state-store.ts'
import {
  type LeaderAndEpoch,
  NotLeaderError,
  type OffsetAndEpoch,
  type RaftClient,
  type RaftListener,
  type RecordSerde,
  type SnapshotWriter,
} from './raft-client.ts'
import { RaftCore } from './raft-core.ts'
import { RaftIoThread } from './raft-io-thread.ts'
import { RaftListeners } from './raft-listeners.ts'
import type { RaftObserver } from './raft-observer.ts'
import type { QuorumVoterEndpoint, RaftTransport } from './raft-transport.ts'
import { RecordsSnapshotWriter } from './records-snapshot-writer.ts'
import { RequestManager } from './request-manager.ts'
import { compareOffsetAndEpoch } from './snapshot-files.ts'

export type { QuorumVoterEndpoint, RaftTransport } from './raft-transport.ts'

/** The metadata log's directory in the metadata log directory. */
export const CLUSTER_METADATA_DIRECTORY = '__cluster_metadata-0'

const DEFAULT_SEGMENT_BYTES = 1024 * 1024 * 1024

export interface KafkaRaftClientOptions<T> {
  readonly nodeId: number
  readonly clusterId: string
  /** `controller.quorum.voters`; a node that is not among them is an observer. */
  readonly voters: readonly QuorumVoterEndpoint[]
  /** The metadata log becomes a directory in it. */
  readonly logDirectory: string
  readonly serde: RecordSerde<T>
  /** Called once when the log cannot go on (a failed disk, a listener's error, a broken promise of the protocol). */
  readonly onFault: (error: unknown) => void
  readonly observer?: RaftObserver | undefined
  /** `metadata.log.segment.bytes`; default 1 GiB. */
  readonly segmentBytes?: number | undefined
  /** `controller.quorum.election.timeout.ms` */
  readonly electionTimeoutMs: number
  /** `controller.quorum.fetch.timeout.ms` */
  readonly fetchTimeoutMs: number
  /** `controller.quorum.election.backoff.max.ms` */
  readonly electionBackoffMaxMs: number
  /** `controller.quorum.request.timeout.ms` */
  readonly requestTimeoutMs: number
  /** `controller.quorum.retry.backoff.ms` */
  readonly retryBackoffMs: number
  /** `controller.quorum.append.linger.ms` */
  readonly appendLingerMs: number
  /** Name of the listener on which voters answer, for DescribeQuorum; default `CONTROLLER`. */
  readonly listenerName?: string
  /** How voters are reached; default: over the network. */
  readonly transport?: RaftTransport
}

/**
 * A member of the metadata quorum, or an observer of it (Kafka's KafkaRaftClient): Raft in which followers fetch (KIP-595),
 * with snapshots (KIP-630), pre-votes (KIP-996) and a leader that resigns when a majority no longer fetches from it
 * (KAFKA-15489). The voters are those of the configuration.
 *
 * Why no record that was delivered is ever lost: a voter has a record on disk before it says so (with its next fetch), and
 * its vote before it gives it; a leader counts a record only when a majority has it and one of its own epoch; and a voter
 * votes only for a log that is at least as long as its own. So whoever is elected has all that was counted.
 */
export class KafkaRaftClient<T> implements RaftClient<T> {
  readonly nodeId: number
  readonly voters: readonly QuorumVoterEndpoint[]
  readonly isVoter: boolean
  readonly #runtime: Runtime
  readonly #options: KafkaRaftClientOptions<T>
  readonly #directory: string
  readonly #listeners: RaftListeners<T>
  readonly #io: RaftIoThread<T>
  #core: RaftCore<T> | undefined
  #started = false
  #failed = false

  constructor(runtime: Runtime, options: KafkaRaftClientOptions<T>) {
    const { nodeId, voters, logDirectory, requestTimeoutMs } = options
    this.nodeId = nodeId
    this.voters = voters
    this.isVoter = voters.some(voter => voter.id === nodeId)
    this.#runtime = runtime
    this.#options = options
    this.#directory = logDirectory === '' ? CLUSTER_METADATA_DIRECTORY : `${logDirectory}/${CLUSTER_METADATA_DIRECTORY}`
    const onFault = (error: unknown): void => this.#fail(error)
    this.#listeners = new RaftListeners(runtime, { nodeId, serde: options.serde, onFault })
    this.#io = new RaftIoThread(runtime, {
      ...options,
      transport: options.transport ?? new KafkaNetworkChannel(runtime, { nodeId, requestTimeoutMs }),
      onNews: () => this.#listeners.wake(),
      onFault,
      onEnd: () => this.#listeners.finish(),
    })
  }

  /** Without a leader from the moment in which this node resigns. */
  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#core?.leaderAndEpoch ?? { leaderId: undefined, epoch: 0 }
  }

  get highWatermark(): number | undefined {
    return this.#core?.highWatermark
  }

  get logEndOffset(): number {
    return this.#core?.log.endOffset ?? 0
  }

  get latestSnapshotId(): OffsetAndEpoch | undefined {
    return this.#core?.log.snapshots.latest
  }

  /** Bytes of a torn tail that the start has cut off. */
  get truncatedBytes(): number {
    return this.#core?.log.truncatedBytes ?? 0
  }

  /** Recovers log and quorum state and starts the threads. Rejects when disk or files do not allow it. */
  async start(): Promise<void> {
    if (this.#started) throw new Error('a raft client can be started once')
    this.#started = true
    const core = await this.#createCore()
    this.#core = core
    this.#listeners.attach(core)
    await this.#io.start(core)
    this.#listeners.start()
  }

  /**
   * Answers a peer's Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch, FetchSnapshot or DescribeQuorum request. Fetch may
   * wait for up to its `maxWaitMs`. Problems are error codes in the answer; it rejects only for an API that is none of
   * these.
   */
  handleRequest<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    _version: number,
    body: Message<Q>,
  ): Promise<MessageInput<S>> {
    return this.#io.handleRequest(api, body)
  }

  register(listener: RaftListener<T>): void {
    this.#listeners.register(listener)
  }

  unregister(listener: RaftListener<T>): void {
    this.#listeners.unregister(listener)
  }

  prepareAppend(epoch: number, records: readonly T[]): number {
    const leader = this.#core?.leader
    if (leader === undefined || leader.epoch !== epoch || leader.resignRequested || !this.#io.isRunning) {
      throw new NotLeaderError(epoch, this.leaderAndEpoch)
    }
    const { clock } = this.#runtime
    return leader.accumulator.append(records, clock.monotonicMs(), clock.wallMs())
  }

  schedulePreparedAppend(): void {
    if (this.#core?.leader?.accumulator.allowDrain() === true) this.#io.wake()
  }

  async createSnapshot(
    snapshotId: OffsetAndEpoch,
    lastContainedLogTimestampMs: number,
  ): Promise<SnapshotWriter<T> | undefined> {
    const core = this.#core
    if (core === undefined) throw new Error('no snapshot can be made before the raft client was started')
    const { log, highWatermark } = core
    const { latest } = log.snapshots
    if (latest !== undefined && compareOffsetAndEpoch(latest, snapshotId) >= 0) return undefined
    if (snapshotId.offset < log.startOffset) return undefined
    if (snapshotId.offset > (highWatermark ?? 0) || snapshotId.offset <= 0) {
      throw new RangeError(`a snapshot that ends at ${snapshotId.offset}: committed is up to ${highWatermark ?? 0}`)
    }
    if (log.validateOffsetAndEpoch(snapshotId.offset, snapshotId.epoch).kind !== 'valid') {
      throw new RangeError(`the log has no offset ${snapshotId.offset} of epoch ${snapshotId.epoch}`)
    }
    return new RecordsSnapshotWriter(this.#runtime, {
      file: await log.snapshots.create(snapshotId),
      serde: this.#options.serde,
      lastContainedLogTimestampMs,
      onFrozen: () => this.#io.requestCleaning(),
    })
  }

  resign(epoch: number): void {
    const leader = this.#core?.leader
    if (leader?.epoch !== epoch) return
    leader.resignRequested = true
    this.#io.wake()
  }

  async shutdown(timeoutMs: number): Promise<void> {
    if (!this.#started) return
    this.schedulePreparedAppend()
    const deadlineMs = this.#runtime.clock.monotonicMs() + timeoutMs
    const ended = await this.#io.shutdown(deadlineMs)
    if (this.#failed) return
    if ((await this.#listeners.awaitEnd(deadlineMs)) && ended) await this.#core?.log.close()
  }

  async #createCore(): Promise<RaftCore<T>> {
    const { nodeId, logDirectory, segmentBytes, observer } = this.#options
    const { disk, random } = this.#runtime
    await disk.makeDirectory(this.#directory)
    await disk.syncDirectory(logDirectory)
    const metadata = new PartitionMetadataFile(this.#runtime, this.#directory)
    if ((await metadata.read()) === undefined) await metadata.write(METADATA_TOPIC_ID)
    const log = await KafkaMetadataLog.open(this.#runtime, this.#directory, segmentBytes ?? DEFAULT_SEGMENT_BYTES)
    const voterIds = this.voters.map(({ id }) => id)
    const stream = random.stream(`raft-${nodeId}`)
    const store = new QuorumStateStore(this.#runtime, this.#directory)
    const quorum = new QuorumState<T>(this.#runtime, { ...this.#options, voterIds, store, random: stream })
    await quorum.initialize(log.lastEpoch)
    if (quorum.state.kind === 'candidate') observer?.onVoteGranted?.(quorum.epoch, nodeId)
    const requests = new RequestManager({ ...this.#options, voterIds, random: stream })
    const options = { ...this.#options, observer }
    return new RaftCore(this.#runtime, options, { log, quorum, requests, events: this.#io })
  }

  /** What is on disk is not known any more: nothing may be acknowledged from now on. */
  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#io.stop()
    this.#listeners.stop()
    this.#options.onFault(error)
  }
}
