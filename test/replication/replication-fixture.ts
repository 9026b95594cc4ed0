import { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import { TopicsDelta } from '../../src/controller/image/topics-delta.ts'
import { TopicsImage } from '../../src/controller/image/topics-image.ts'
import { NO_LEADER_CHANGE, type PartitionRegistration } from '../../src/controller/partition-registration.ts'
import { KafkaScheduler } from '../../src/log/kafka-scheduler.ts'
import type { LogConfig } from '../../src/log/log-config.ts'
import { LogDirFailureChannel } from '../../src/log/log-dir-failure-channel.ts'
import { LogManager } from '../../src/log/log-manager.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import type { DeleteRecordsResult } from '../../src/replication/delayed-delete-records.ts'
import type { ProducePartitionResult } from '../../src/replication/delayed-produce.ts'
import type { FetchParams, FetchPartitionData, TopicIdPartition } from '../../src/replication/fetch-params.ts'
import { ReplicaManager } from '../../src/replication/replica-manager.ts'
import { config, TOPIC_ID } from '../log/log-fixture.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'

export const BROKER_ID = 1
export const ORDERS: TopicIdPartition = { topicId: TOPIC_ID, topic: 'orders', partition: 0 }

export interface ReplicaWorld {
  readonly runtime: ManualRuntime
  readonly scheduler: KafkaScheduler
  readonly failureChannel: LogDirFailureChannel
  readonly logManager: LogManager
  readonly replicaManager: ReplicaManager
  /** Applies a change of the metadata. */
  change(change: (delta: TopicsDelta) => void): Promise<void>
}

export async function createReplicaWorld(
  settings: LogConfig = config(),
  runtime: ManualRuntime = createManualRuntime(),
  logDirs: readonly string[] = ['logs'],
): Promise<ReplicaWorld> {
  const scheduler = new KafkaScheduler(runtime, 10)
  const failureChannel = new LogDirFailureChannel()
  const logManager = new LogManager(runtime, { logDirs, scheduler, failureChannel, topicConfig: () => settings })
  const metadataCache = { image: MetadataImage.EMPTY }
  const options = {
    brokerId: BROKER_ID,
    logManager,
    scheduler,
    failureChannel,
    metadataCache,
    alterPartitionManager: { submit: () => {} },
    brokerEpoch: () => -1,
  }
  const replicaManager = new ReplicaManager(runtime, options)
  await logManager.startup()
  replicaManager.startup()
  let image = TopicsImage.EMPTY
  const change = async (apply: (delta: TopicsDelta) => void) => {
    const delta = new TopicsDelta(image)
    apply(delta)
    image = delta.apply()
    metadataCache.image = new MetadataImage({ ...metadataCache.image, topics: image })
    await replicaManager.applyDelta(delta, metadataCache.image)
  }
  return { runtime, scheduler, failureChannel, logManager, replicaManager, change }
}

/** Creates `orders` with one partition; by default led by this broker, its only replica. */
export function createOrders(delta: TopicsDelta, state: Partial<PartitionRegistration> = {}, topicId = TOPIC_ID): void {
  delta.replay({ type: 'TopicRecord', data: { name: 'orders', topicId } })
  const partition = { replicas: [BROKER_ID], isr: [BROKER_ID], leader: BROKER_ID, leaderEpoch: 0, ...state }
  delta.replay({
    type: 'PartitionRecord',
    data: {
      partitionId: 0,
      topicId,
      replicas: [...partition.replicas],
      isr: [...partition.isr],
      leader: partition.leader,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch ?? 0,
      removingReplicas: [],
      addingReplicas: [],
      leaderRecoveryState: 0,
      directories: [],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  })
}

export function changeOrders(delta: TopicsDelta, change: { leader?: number; isr?: number[] }): void {
  delta.replay({
    type: 'PartitionChangeRecord',
    data: {
      partitionId: 0,
      topicId: TOPIC_ID,
      isr: change.isr ?? null,
      leader: change.leader ?? NO_LEADER_CHANGE,
      replicas: null,
      removingReplicas: null,
      addingReplicas: null,
      leaderRecoveryState: -1,
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
      directories: null,
    },
  })
}

/** A fetch of a consumer. */
export const CONSUMER: FetchParams = {
  replicaId: -1,
  replicaEpoch: -1,
  requireLeader: true,
  clientMetadata: undefined,
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 1_000_000,
  isolation: 'high-watermark',
}

/** The answer to a produce, undefined while it waits. */
export interface Pending<T> {
  answers: T[]
}

export async function produce(
  { replicaManager }: ReplicaWorld,
  records: Buffer,
  requiredAcks = -1,
  timeoutMs = 1000,
  id: TopicIdPartition = ORDERS,
): Promise<Pending<ProducePartitionResult | undefined>> {
  const pending: Pending<ProducePartitionResult | undefined> = { answers: [] }
  await replicaManager.appendRecords(
    { timeoutMs, requiredAcks, origin: 'client', entries: [{ topicIdPartition: id, records }] },
    results => pending.answers.push(results[0]),
  )
  return pending
}

export async function fetch(
  { replicaManager }: ReplicaWorld,
  fetchOffset: number,
  params: Partial<FetchParams> & { currentLeaderEpoch?: number; lastFetchedEpoch?: number } = {},
  id: TopicIdPartition = ORDERS,
): Promise<Pending<FetchPartitionData | undefined>> {
  const pending: Pending<FetchPartitionData | undefined> = { answers: [] }
  const { currentLeaderEpoch = -1, lastFetchedEpoch = -1, ...rest } = params
  await replicaManager.fetchMessages(
    { ...CONSUMER, ...rest },
    [
      {
        topicIdPartition: id,
        fetchOffset,
        logStartOffset: -1,
        maxBytes: 100_000,
        currentLeaderEpoch,
        lastFetchedEpoch,
      },
    ],
    results => pending.answers.push(results[0]),
  )
  return pending
}

/** Deletes the records of `orders` below an offset. */
export async function deleteRecords(
  { replicaManager }: ReplicaWorld,
  offset: number,
  timeoutMs = 1000,
): Promise<Pending<DeleteRecordsResult | undefined>> {
  const pending: Pending<DeleteRecordsResult | undefined> = { answers: [] }
  await replicaManager.deleteRecords(timeoutMs, [{ topicPartition: ORDERS, offset }], results =>
    pending.answers.push(results[0]),
  )
  return pending
}

/** The values in fetched batches. */
export function valuesOf(data: FetchPartitionData | undefined): string[] {
  if (data === undefined) return []
  return [...batches(data.records)].flatMap(view => [...view.records()].map(record => String(record.value)))
}
