import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../protocol/apis/create-partitions.ts'
import type { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/apis/create-topics.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { randomUuid } from '../protocol/uuid.ts'
import {
  AppendBufferFullError,
  BatchTooLargeError,
  type LeaderAndEpoch,
  NotLeaderError,
  type RaftBatch,
  type RaftClient,
  type RaftListener,
} from '../raft/raft-client.ts'
import type { RandomStream, Runtime } from '../runtime/runtime.ts'
import { bootstrapRecords } from './bootstrap-records.ts'
import { BrokerLeadershipControl } from './broker-leadership-control.ts'
import { ClusterControlManager } from './cluster-control-manager.ts'
import type { ConfigResource } from './config-resource.ts'
import {
  type ConfigResourceChanges,
  type ConfigResults,
  ConfigurationControlManager,
} from './configuration-control-manager.ts'
import type {
  AllocateProducerIdsReply,
  AllocateProducerIdsRequest,
  BrokerHeartbeatReply,
  BrokerHeartbeatRequest,
  BrokerRegistrationReply,
  BrokerRegistrationRequest,
} from './controller-channel.ts'
import { ControllerEventQueue } from './controller-event-queue.ts'
import { ControllerFuture } from './controller-future.ts'
import type { ControllerResult } from './controller-result.ts'
import { ControllerState } from './controller-state.ts'
import { BOOTSTRAP_FEATURES, FeatureControlManager } from './feature-control-manager.ts'
import type { MetadataImage } from './image/metadata-image.ts'
import type { KafkaConfigSchema } from './kafka-config-schema.ts'
import type { MetadataRecord } from './metadata-records.ts'
import { ProducerIdControlManager } from './producer-id-control-manager.ts'
import { ReplicationControlManager } from './replication-control-manager.ts'
import { StripedReplicaPlacer } from './striped-replica-placer.ts'
import { TopicAssigner } from './topic-creation.ts'

/** How long the work of a deadline waits when the log has no room for its records. */
const DEADLINE_RETRY_MS = 100

const EVENT_COST_US = 20
const RECORD_COST_US = 3

export interface QuorumControllerOptions {
  readonly nodeId: number
  readonly clusterId: string
  readonly raftClient: RaftClient<MetadataRecord>
  readonly configSchema: KafkaConfigSchema
  /** `num.partitions`. */
  readonly defaultNumPartitions: number
  /** `default.replication.factor`. */
  readonly defaultReplicationFactor: number
  /** `broker.session.timeout.ms`. */
  readonly sessionTimeoutMs: number
  /** `metadata.max.idle.interval.ms`: an idle active controller writes a NoOpRecord this often; 0: never. */
  readonly maxIdleIntervalMs: number
  /** Called once when state and log disagree or an operation fails in a way nobody foresaw: the process should halt. */
  readonly onFault: (error: unknown) => void
  /** Features of a new cluster; default `BOOTSTRAP_FEATURES`. */
  readonly bootstrapFeatures?: ReadonlyMap<string, number>
}

interface DeferredResult {
  /** Answered when everything up to this offset is committed. */
  readonly offset: number
  readonly complete: () => void
  readonly fail: (error: ApiError) => void
}

/** Options of one write operation. */
interface WriteOptions {
  /** Monotonic milliseconds after which it is answered with REQUEST_TIMED_OUT instead of being begun. */
  readonly deadlineMs?: number
  /** Called with the offset at which the operation's records will end. */
  readonly onAppended?: (lastOffset: number) => void
}

/**
 * The controller: one thread that takes events from a queue. On the leader of the metadata log it is active: an
 * operation looks at the state, yields records, which change the state at once and are answered when they are committed.
 * Elsewhere it stands by and follows. All it knows comes from the log, except who sent heartbeats when.
 */
export class QuorumController implements RaftListener<MetadataRecord> {
  readonly name: string
  readonly #runtime: Runtime
  readonly #options: QuorumControllerOptions
  readonly #state = new ControllerState()
  readonly #features: FeatureControlManager
  readonly #cluster: ClusterControlManager
  readonly #configuration: ConfigurationControlManager
  readonly #producerIds: ProducerIdControlManager
  readonly #replication: ReplicationControlManager
  readonly #events: ControllerEventQueue
  readonly #deferred: DeferredResult[] = []
  #leader: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }
  /** The epoch in which this controller is active; -1 when it is not. */
  #claimEpoch = -1
  #topicIds: RandomStream
  #lastWriteMs = 0
  /** Deadlines are not looked at before. */
  #deadlineFloorMs = 0

  constructor(runtime: Runtime, options: QuorumControllerOptions) {
    this.name = `quorum-controller-${options.nodeId}`
    this.#runtime = runtime
    this.#options = options
    const { clusterId, sessionTimeoutMs, nodeId } = options
    this.#topicIds = runtime.random.stream('topic ids')
    const state = this.#state
    this.#features = new FeatureControlManager(state, options.bootstrapFeatures ?? BOOTSTRAP_FEATURES)
    this.#cluster = new ClusterControlManager(runtime.clock, state, this.#features, {
      clusterId,
      sessionTimeoutMs,
      uncleanShutdownRecords: brokerId => leadership.uncleanShutdown(brokerId),
    })
    this.#configuration = new ConfigurationControlManager(state, options.configSchema, this.#features, nodeId)
    const leadership = new BrokerLeadershipControl(state, this.#cluster, this.#configuration, this.#features)
    this.#producerIds = new ProducerIdControlManager(state, this.#cluster)
    this.#replication = new ReplicationControlManager({
      state,
      cluster: this.#cluster,
      configuration: this.#configuration,
      leadership,
      assigner: new TopicAssigner(
        this.#cluster,
        new StripedReplicaPlacer(runtime.random.stream('replica placer')),
        broker => state.current.cluster.isActive(broker),
        { numPartitions: options.defaultNumPartitions, replicationFactor: options.defaultReplicationFactor },
      ),
      newTopicId: () => randomUuid(this.#topicIds),
    })
    this.#events = new ControllerEventQueue(runtime, {
      name: this.name,
      nextDeadlineMs: () => this.#nextDeadlineMs(),
      onDeadline: () => this.#onDeadline(),
      onClosed: () => this.#renounce(),
      onFault: options.onFault,
    })
  }

  /** Begins to take events and to follow the log. */
  start(): void {
    this.#events.start()
    this.#options.raftClient.register(this)
  }

  /** Answers everything that waits with NOT_CONTROLLER, and stops. */
  async close(): Promise<void> {
    this.#options.raftClient.unregister(this)
    await this.#events.close()
  }

  get isActive(): boolean {
    return this.#claimEpoch >= 0
  }

  /** Who leads the metadata log, as far as this controller was told. */
  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#leader
  }

  /** Everything committed, as this controller has replayed it. */
  get committedImage(): MetadataImage {
    return this.#state.committed
  }

  createTopics(request: CreateTopicsRequest, deadlineMs: number): Promise<CreateTopicsResponse> {
    return this.#write('createTopics', () => this.#replication.createTopics(request), { deadlineMs })
  }

  /** Error by topic id. */
  deleteTopics(ids: readonly string[], deadlineMs: number): Promise<ReadonlyMap<string, ApiError | undefined>> {
    return this.#write('deleteTopics', () => this.#replication.deleteTopics(ids), { deadlineMs })
  }

  createPartitions(request: CreatePartitionsRequest, deadlineMs: number): Promise<CreatePartitionsResponse['results']> {
    return this.#write('createPartitions', () => this.#replication.createPartitions(request), { deadlineMs })
  }

  incrementalAlterConfigs(resources: readonly ConfigResourceChanges[], validateOnly: boolean): Promise<ConfigResults> {
    return this.#write('incrementalAlterConfigs', () =>
      withoutRecordsIf(validateOnly, this.#configuration.incrementalAlterConfigs(resources)),
    )
  }

  legacyAlterConfigs(
    resources: readonly { readonly resource: ConfigResource; readonly configs: ReadonlyMap<string, string | null> }[],
    validateOnly: boolean,
  ): Promise<ConfigResults> {
    return this.#write('legacyAlterConfigs', () =>
      withoutRecordsIf(validateOnly, this.#configuration.legacyAlterConfigs(resources)),
    )
  }

  registerBroker(request: BrokerRegistrationRequest): Promise<BrokerRegistrationReply> {
    return this.#write('registerBroker', () => this.#cluster.registerBroker(request))
  }

  processBrokerHeartbeat(request: BrokerHeartbeatRequest): Promise<BrokerHeartbeatReply> {
    return this.#write('processBrokerHeartbeat', () => this.#replication.processBrokerHeartbeat(request), {
      onAppended: lastOffset => this.#replication.heartbeatAppended(request, lastOffset),
    })
  }

  allocateProducerIds(request: AllocateProducerIdsRequest): Promise<AllocateProducerIdsReply> {
    const { brokerId, brokerEpoch } = request
    return this.#write('allocateProducerIds', () => this.#producerIds.generateNextProducerId(brokerId, brokerEpoch))
  }

  /** Runs `read` on the committed image in its turn among the operations. Rejects with NOT_CONTROLLER when not active. */
  async read<R>(name: string, read: (image: MetadataImage) => R, deadlineMs?: number): Promise<R> {
    const future = new ControllerFuture<R>(this.#runtime, `${this.name} ${name}`)
    await this.#enqueue(future, () => {
      try {
        this.#checkTurn(deadlineMs)
        future.complete(read(this.#state.committed))
      } catch (error) {
        future.fail(error)
      }
      return EVENT_COST_US
    })
    return future.get()
  }

  async handleCommit(batches: readonly RaftBatch<MetadataRecord>[]): Promise<void> {
    await this.#inTurn('handleCommit', () => {
      let cost = EVENT_COST_US
      for (const batch of batches) {
        this.#state.commit(batch)
        if (!this.isActive) cost += batch.records.length * RECORD_COST_US
      }
      this.#completeUpTo(this.#state.committed.offset)
      return cost
    })
  }

  async handleLeaderChange(leader: LeaderAndEpoch): Promise<void> {
    await this.#inTurn('handleLeaderChange', () => {
      this.#leader = leader
      if (this.isActive) this.#renounce()
      return leader.leaderId === this.#options.nodeId ? this.#claim(leader.epoch) : EVENT_COST_US
    })
  }

  beginShutdown(): void {
    this.#events.beginShutdown()
  }

  /** Queues an operation, and gives its answer once what it wrote is committed. */
  async #write<R>(name: string, operation: () => ControllerResult<R>, options: WriteOptions = {}): Promise<R> {
    const future = new ControllerFuture<R>(this.#runtime, `${this.name} ${name}`)
    await this.#enqueue(future, () => {
      let records: readonly MetadataRecord[] = []
      try {
        this.#checkTurn(options.deadlineMs)
        const result = operation()
        records = result.records
        const offset = this.#append(records)
        if (records.length > 0) options.onAppended?.(offset)
        this.#deferred.push({
          offset,
          complete: () => future.complete(result.response),
          fail: error => future.fail(error),
        })
        this.#completeUpTo(this.#state.committed.offset)
      } catch (error) {
        future.fail(this.#asApiError(error))
        if (!isExpected(error)) throw error
        if (error instanceof NotLeaderError) this.#renounce()
      }
      return EVENT_COST_US + records.length * RECORD_COST_US
    })
    return future.get()
  }

  async #enqueue(future: { fail(error: unknown): void }, run: () => number): Promise<void> {
    await this.#events.append({ run, cancel: () => future.fail(this.#notController()) })
  }

  /** Runs a callback of the log on the controller's thread, and returns after it. */
  async #inTurn(name: string, callback: () => number): Promise<void> {
    const future = new ControllerFuture<undefined>(this.#runtime, `${this.name} ${name}`)
    await this.#events.append({
      run: () => {
        try {
          return callback()
        } finally {
          future.complete(undefined)
        }
      },
      cancel: () => future.complete(undefined),
    })
    await future.get()
  }

  /** Appends records and replays them. Gives the offset at which everything appended so far ends. */
  #append(records: readonly MetadataRecord[]): number {
    if (records.length === 0) return this.#state.current.offset
    const { raftClient } = this.#options
    const expected = this.#state.current.offset + records.length
    const lastOffset = raftClient.prepareAppend(this.#claimEpoch, records)
    if (lastOffset !== expected) {
      throw new ControllerFault(`append ends at offset ${lastOffset}, the controller expected ${expected}`)
    }
    try {
      this.#state.replayUncommitted(records, lastOffset, this.#claimEpoch)
    } catch (error) {
      throw new ControllerFault('records of the controller contradict its own state', { cause: error })
    }
    this.#cluster.afterReplay(records)
    raftClient.schedulePreparedAppend()
    this.#lastWriteMs = this.#runtime.clock.monotonicMs()
    return lastOffset
  }

  #completeUpTo(committed: number): void {
    while ((this.#deferred[0]?.offset ?? Number.POSITIVE_INFINITY) <= committed) this.#deferred.shift()?.complete()
  }

  #claim(epoch: number): number {
    this.#claimEpoch = epoch
    // A host may give the same draws for the same label after a restart; an epoch never comes again.
    this.#topicIds = this.#runtime.random.stream(`topic ids of epoch ${epoch}`)
    this.#cluster.activate()
    this.#lastWriteMs = this.#runtime.clock.monotonicMs()
    const records = bootstrapRecords(this.#features.newFeatures, this.#options.configSchema)
    try {
      this.#append(records)
    } catch (error) {
      // The next leader change is on its way here.
      if (!(error instanceof NotLeaderError)) throw error
      this.#renounce()
    }
    return EVENT_COST_US + records.length * RECORD_COST_US
  }

  #renounce(): void {
    this.#claimEpoch = -1
    this.#state.revert()
    this.#cluster.deactivate()
    for (const deferred of this.#deferred.splice(0)) deferred.fail(this.#notController())
  }

  #checkTurn(deadlineMs: number | undefined): void {
    if (!this.isActive) throw this.#notController()
    if (deadlineMs !== undefined && this.#runtime.clock.monotonicMs() > deadlineMs) {
      throw new ApiError(ErrorCode.REQUEST_TIMED_OUT, 'The controller did not get to the request in time.')
    }
  }

  #notController(): ApiError {
    const { leaderId } = this.#leader
    const known = leaderId !== undefined && leaderId !== this.#options.nodeId
    return new ApiError(
      ErrorCode.NOT_CONTROLLER,
      known ? `The active controller appears to be node ${leaderId}.` : 'No controller appears to be active.',
    )
  }

  /** What an operation's caller is told of a failure. */
  #asApiError(error: unknown): ApiError {
    if (error instanceof ApiError) return error
    if (error instanceof NotLeaderError) return this.#notController()
    if (error instanceof BatchTooLargeError) return new ApiError(ErrorCode.POLICY_VIOLATION, error.message)
    if (error instanceof AppendBufferFullError) return new ApiError(ErrorCode.REQUEST_TIMED_OUT, error.message)
    return new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, 'The controller has failed.', { cause: error })
  }

  /** When a session ends, or the log has been idle for too long. */
  #nextDeadlineMs(): number | undefined {
    if (!this.isActive) return undefined
    const sessionEndMs = this.#cluster.heartbeatManager.nextCheckMs ?? Number.POSITIVE_INFINITY
    const { maxIdleIntervalMs } = this.#options
    const idleEndMs = maxIdleIntervalMs > 0 ? this.#lastWriteMs + maxIdleIntervalMs : Number.POSITIVE_INFINITY
    // A session still counts in the millisecond in which it ends.
    const next = Math.min(sessionEndMs + 1, idleEndMs)
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(next, this.#deadlineFloorMs)
  }

  #onDeadline(): number {
    const nowMs = this.#runtime.clock.monotonicMs()
    let records: readonly MetadataRecord[] = this.#replication.maybeFenceOneStaleBroker().records
    const { maxIdleIntervalMs } = this.#options
    if (records.length === 0 && maxIdleIntervalMs > 0 && nowMs >= this.#lastWriteMs + maxIdleIntervalMs) {
      records = [{ type: 'NoOpRecord', data: {} }]
    }
    try {
      this.#append(records)
    } catch (error) {
      if (error instanceof NotLeaderError) this.#renounce()
      else if (error instanceof AppendBufferFullError) this.#deadlineFloorMs = nowMs + DEADLINE_RETRY_MS
      else throw error
    }
    return EVENT_COST_US + records.length * RECORD_COST_US
  }
}

/** The controller's state and the log are not one any more. */
export class ControllerFault extends Error {
  override readonly name = 'ControllerFault'
}

function withoutRecordsIf<R>(validateOnly: boolean, result: ControllerResult<R>): ControllerResult<R> {
  return validateOnly ? { records: [], response: result.response } : result
}

/** Whether a failure is one of the operation and not of the controller. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof ApiError ||
    error instanceof NotLeaderError ||
    error instanceof BatchTooLargeError ||
    error instanceof AppendBufferFullError
  )
}
