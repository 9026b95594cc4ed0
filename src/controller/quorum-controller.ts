import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/apis/alter-partition.ts'
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/apis/alter-partition-reassignments.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/apis/assign-replicas-to-dirs.ts'
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../protocol/apis/create-partitions.ts'
import type { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/apis/create-topics.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/apis/elect-leaders.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { randomUuid } from '../protocol/uuid.ts'
import {
  AppendBufferFullError,
  type LeaderAndEpoch,
  NotLeaderError,
  type RaftBatch,
  type RaftListener,
  type SnapshotReader,
} from '../raft/raft-client.ts'
import type { RandomStream, Runtime } from '../runtime/runtime.ts'
import { bootstrapRecords } from './bootstrap-records.ts'
import type { ConfigResource } from './config-resource.ts'
import type { ConfigResourceChanges, ConfigResults } from './configuration-control-manager.ts'
import type {
  AllocateProducerIdsReply,
  AllocateProducerIdsRequest,
  BrokerHeartbeatReply,
  BrokerHeartbeatRequest,
  BrokerRegistrationReply,
  BrokerRegistrationRequest,
} from './controller-channel.ts'
import { asApiError, ControllerFault, isExpected } from './controller-errors.ts'
import { ControllerEventQueue } from './controller-event-queue.ts'
import { ControllerFuture } from './controller-future.ts'
import { type ControllerManagers, createManagers } from './controller-managers.ts'
import { ControllerPurgatory } from './controller-purgatory.ts'
import type { ControllerResult } from './controller-result.ts'
import { ControllerState } from './controller-state.ts'
import { ELIGIBLE_LEADER_REPLICAS_FEATURE, type FeatureUpdate } from './feature-control-manager.ts'
import type { MetadataImage } from './image/metadata-image.ts'
import { readSnapshot } from './image/read-snapshot.ts'
import type { MetadataRecord } from './metadata-records.ts'
import type { QuorumControllerOptions } from './quorum-controller-options.ts'
import type { HeartbeatResult } from './replication-control-manager.ts'

/** How long the work of a deadline waits when the log has no room for its records. */
const DEADLINE_RETRY_MS = 100

const EVENT_COST_US = 20
const RECORD_COST_US = 3

/** Options of one write operation. */
interface WriteOptions<C> {
  /** Monotonic milliseconds after which it is answered with REQUEST_TIMED_OUT instead of being begun. */
  readonly deadlineMs?: number
  /** Called with the offset at which everything appended so far will end, the operation's records included. */
  readonly onAppended?: (result: C, lastOffset: number) => void
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
  readonly #managers: ControllerManagers
  readonly #events: ControllerEventQueue
  readonly #purgatory = new ControllerPurgatory()
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
    this.#topicIds = runtime.random.stream('topic ids')
    this.#managers = createManagers(runtime, this.#state, options, () => randomUuid(this.#topicIds))
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

  /** The epoch of the metadata log in which this controller is active; -1 when it is not. */
  get claimEpoch(): number {
    return this.#claimEpoch
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
    return this.#write('createTopics', () => this.#managers.replication.createTopics(request), { deadlineMs })
  }

  /** Error by topic id. */
  deleteTopics(ids: readonly string[], deadlineMs: number): Promise<ReadonlyMap<string, ApiError | undefined>> {
    return this.#write('deleteTopics', () => this.#managers.replication.deleteTopics(ids), { deadlineMs })
  }

  createPartitions(request: CreatePartitionsRequest, deadlineMs: number): Promise<CreatePartitionsResponse['results']> {
    return this.#write('createPartitions', () => this.#managers.replication.createPartitions(request), { deadlineMs })
  }

  incrementalAlterConfigs(resources: readonly ConfigResourceChanges[], validateOnly: boolean): Promise<ConfigResults> {
    return this.#write('incrementalAlterConfigs', () =>
      withoutRecordsIf(validateOnly, this.#managers.configuration.incrementalAlterConfigs(resources)),
    )
  }

  legacyAlterConfigs(
    resources: readonly { readonly resource: ConfigResource; readonly configs: ReadonlyMap<string, string | null> }[],
    validateOnly: boolean,
  ): Promise<ConfigResults> {
    return this.#write('legacyAlterConfigs', () =>
      withoutRecordsIf(validateOnly, this.#managers.configuration.legacyAlterConfigs(resources)),
    )
  }

  registerBroker(request: BrokerRegistrationRequest): Promise<BrokerRegistrationReply> {
    return this.#write('registerBroker', () => this.#managers.cluster.registerBroker(request))
  }

  async processBrokerHeartbeat(request: BrokerHeartbeatRequest): Promise<BrokerHeartbeatReply> {
    // Before it waits for its turn: a busy controller must not take a broker for dead that it has heard of.
    this.#managers.cluster.trackBrokerHeartbeat(request.brokerId, request.brokerEpoch)
    return this.#write<BrokerHeartbeatReply, HeartbeatResult>(
      'processBrokerHeartbeat',
      () => this.#managers.replication.processBrokerHeartbeat(request),
      {
        onAppended: ({ inControlledShutdown }, lastOffset) => {
          if (inControlledShutdown) this.#managers.replication.controlledShutdownAppended(request.brokerId, lastOffset)
        },
      },
    )
  }

  /** Rejects with BROKER_ID_NOT_REGISTERED. */
  unregisterBroker(brokerId: number): Promise<undefined> {
    return this.#write('unregisterBroker', () => this.#managers.replication.unregisterBroker(brokerId))
  }

  allocateProducerIds(request: AllocateProducerIdsRequest): Promise<AllocateProducerIdsReply> {
    const { brokerId, brokerEpoch } = request
    return this.#write('allocateProducerIds', () =>
      this.#managers.producerIds.generateNextProducerId(brokerId, brokerEpoch),
    )
  }

  /** Rejects with STALE_BROKER_EPOCH. */
  alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    return this.#write('alterPartition', () => this.#managers.replication.alterPartition(request))
  }

  electLeaders(request: ElectLeadersRequest, deadlineMs: number): Promise<ElectLeadersResponse> {
    return this.#write('electLeaders', () => this.#managers.replication.electLeaders(request), { deadlineMs })
  }

  alterPartitionReassignments(
    request: AlterPartitionReassignmentsRequest,
    deadlineMs: number,
  ): Promise<AlterPartitionReassignmentsResponse> {
    const operation = () => this.#managers.replication.alterPartitionReassignments(request)
    return this.#write('alterPartitionReassignments', operation, { deadlineMs })
  }

  /** Rejects with STALE_BROKER_EPOCH. */
  assignReplicasToDirs(request: AssignReplicasToDirsRequest): Promise<AssignReplicasToDirsResponse> {
    return this.#write('assignReplicasToDirs', () => this.#managers.replication.assignReplicasToDirs(request))
  }

  /** All or none. Rejects with INVALID_UPDATE_VERSION. */
  updateFeatures(updates: readonly FeatureUpdate[], validateOnly: boolean): Promise<undefined> {
    return this.#write('updateFeatures', () => {
      const records = this.#managers.features.updateFeatures(updates)
      const elr = updates.some(({ feature, level }) => feature === ELIGIBLE_LEADER_REPLICAS_FEATURE && level > 0)
      const safety = elr ? this.#managers.configuration.elrSafetyRecords() : []
      return withoutRecordsIf(validateOnly, { records: [...safety, ...records], response: undefined })
    })
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
      this.#purgatory.completeUpTo(this.#state.committed.offset)
      return cost
    })
  }

  async handleLoadSnapshot(reader: SnapshotReader<MetadataRecord>): Promise<void> {
    const image = await readSnapshot(reader)
    await this.#inTurn('handleLoadSnapshot', () => {
      if (this.isActive) throw new ControllerFault('a snapshot was loaded while this controller was active')
      this.#state.load(image)
      return EVENT_COST_US
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
  async #write<R, C extends ControllerResult<R> = ControllerResult<R>>(
    name: string,
    operation: () => C,
    options: WriteOptions<C> = {},
  ): Promise<R> {
    const future = new ControllerFuture<R>(this.#runtime, `${this.name} ${name}`)
    await this.#enqueue(future, () => {
      let records: readonly MetadataRecord[] = []
      try {
        this.#checkTurn(options.deadlineMs)
        const result = operation()
        records = result.records
        const offset = this.#append(records)
        options.onAppended?.(result, offset)
        this.#purgatory.add({
          offset,
          complete: () => future.complete(result.response),
          fail: error => future.fail(error),
        })
        this.#purgatory.completeUpTo(this.#state.committed.offset)
      } catch (error) {
        future.fail(asApiError(error, () => this.#notController()))
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
    this.#managers.cluster.afterReplay(records)
    raftClient.schedulePreparedAppend()
    this.#lastWriteMs = this.#runtime.clock.monotonicMs()
    return lastOffset
  }

  #claim(epoch: number): number {
    this.#claimEpoch = epoch
    // A host may give the same draws for the same label after a restart; an epoch never comes again.
    this.#topicIds = this.#runtime.random.stream(`topic ids of epoch ${epoch}`)
    this.#managers.cluster.activate()
    this.#managers.periodicTasks.activate()
    this.#lastWriteMs = this.#runtime.clock.monotonicMs()
    const records = bootstrapRecords(this.#managers.features.newFeatures, this.#options.configSchema)
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
    this.#managers.cluster.deactivate()
    this.#managers.periodicTasks.deactivate()
    this.#purgatory.failAll(() => this.#notController())
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

  /** When a session ends, a task is due, or the log has been idle for too long. */
  #nextDeadlineMs(): number | undefined {
    if (!this.isActive) return undefined
    const sessionEndMs = this.#managers.cluster.heartbeatManager.nextCheckMs ?? Number.POSITIVE_INFINITY
    const taskMs = this.#managers.periodicTasks.nextDeadlineMs ?? Number.POSITIVE_INFINITY
    // A session still counts in the millisecond in which it ends.
    const next = Math.min(sessionEndMs + 1, taskMs, this.#idleEndMs())
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(next, this.#deadlineFloorMs)
  }

  #idleEndMs(): number {
    const { maxIdleIntervalMs } = this.#options
    return maxIdleIntervalMs > 0 ? this.#lastWriteMs + maxIdleIntervalMs : Number.POSITIVE_INFINITY
  }

  #onDeadline(): number {
    const nowMs = this.#runtime.clock.monotonicMs()
    const records = this.#recordsDue(nowMs)
    try {
      this.#append(records)
    } catch (error) {
      if (error instanceof NotLeaderError) this.#renounce()
      else if (error instanceof AppendBufferFullError) this.#deadlineFloorMs = nowMs + DEADLINE_RETRY_MS
      else throw error
    }
    return EVENT_COST_US + records.length * RECORD_COST_US
  }

  #recordsDue(nowMs: number): readonly MetadataRecord[] {
    const fencing = this.#managers.replication.maybeFenceOneStaleBroker()
    if (fencing.response) return fencing.records
    const periodic = this.#managers.periodicTasks.runOne()
    if (periodic !== undefined) return periodic.records
    return nowMs >= this.#idleEndMs() ? [{ type: 'NoOpRecord', data: {} }] : []
  }
}

function withoutRecordsIf<R>(validateOnly: boolean, result: ControllerResult<R>): ControllerResult<R> {
  return validateOnly ? { records: [], response: result.response } : result
}
