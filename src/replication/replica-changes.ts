import type { LocalPartition } from '../controller/image/local-replica-changes.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { TopicsDelta } from '../controller/image/topics-delta.ts'
import { directoryOf, NO_LEADER } from '../controller/partition-registration.ts'
import { KafkaStorageError } from '../log/log-errors.ts'
import type { LogManager } from '../log/log-manager.ts'
import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import type { AssignmentsManager } from './assignments-manager.ts'
import type { HostedPartitions } from './hosted-partitions.ts'
import { Partition } from './partition.ts'
import type { PartitionContext } from './partition-context.ts'
import type { InitialFetchState } from './partition-fetch-state.ts'
import type { ReplicaFetcherManager } from './replica-fetcher-manager.ts'

export interface ReplicaChangesOptions {
  readonly context: PartitionContext
  readonly partitions: HostedPartitions
  readonly logManager: LogManager
  readonly fetcherManager: ReplicaFetcherManager
  readonly assignmentsManager: Pick<AssignmentsManager, 'onAssignment'> | undefined
  readonly interBrokerListenerName: string
}

/**
 * Does what changed metadata asks of a broker: makes, leads, follows and deletes replicas (the KRaft half of Kafka's
 * ReplicaManager). Copying from the old leader always ends before a replica takes its new role, and from the new one begins
 * after it.
 */
export class ReplicaChanges {
  readonly #options: ReplicaChangesOptions
  readonly #partitions: HostedPartitions
  #isFirst = true
  #isShuttingDown = false

  constructor(options: ReplicaChangesOptions) {
    this.#options = options
    this.#partitions = options.partitions
  }

  /** The controller is moving leaderships away: what this broker can no longer follow is not copied any more. */
  beginControlledShutdown(): void {
    this.#isShuttingDown = true
  }

  /** See `ReplicaManager.applyDelta`. */
  async apply(delta: TopicsDelta, newImage: MetadataImage): Promise<void> {
    if (this.#isFirst) {
      this.#isFirst = false
      await this.#setStrayLogsAside(newImage)
    }
    const { deletes, leaders, followers, placed } = delta.localChanges(this.#options.context.brokerId)
    await this.#stopPartitions(deletes)
    if (leaders.length > 0) await this.#makeLeaders(leaders)
    if (followers.length > 0) await this.#makeFollowers(followers, newImage)
    if (deletes.length + leaders.length + followers.length > 0) {
      await this.#options.fetcherManager.shutdownIdleFetcherThreads()
    }
    for (const local of placed) this.#tellDirectory(local)
  }

  async #makeLeaders(locals: readonly LocalPartition[]): Promise<void> {
    await this.#options.fetcherManager.removeFetcherForPartitions(locals.map(partitionKey))
    for (const local of locals) {
      await this.#takeRole(local, partition => partition.makeLeader(local.registration))
      this.#options.context.completeDelayedRequests(partitionKey(local))
    }
  }

  async #makeFollowers(locals: readonly LocalPartition[], image: MetadataImage): Promise<void> {
    const toStart: LocalPartition[] = []
    const toStop: string[] = []
    for (const local of locals) {
      const isNewEpoch = await this.#takeRole(local, partition => partition.makeFollower(local.registration))
      const { leader, isr } = local.registration
      const isHopeless = leader === NO_LEADER || !isr.includes(this.#options.context.brokerId)
      if (this.#isShuttingDown && isHopeless) toStop.push(partitionKey(local))
      else if (isNewEpoch) toStart.push(local)
    }
    const { fetcherManager, context } = this.#options
    await fetcherManager.removeFetcherForPartitions([...toStop, ...toStart.map(partitionKey)])
    const initial = toStart.flatMap(local => this.#initialFetchState(local, image) ?? [])
    await fetcherManager.addFetcherForPartitions(initial)
    // Who waits for a leader here waits in vain.
    for (const key of [...toStop, ...toStart.map(partitionKey)]) context.completeDelayedRequests(key)
  }

  /** Undefined when there is nobody to copy from. */
  #initialFetchState(
    { topic, topicId, partition, registration }: LocalPartition,
    image: MetadataImage,
  ): InitialFetchState | undefined {
    const broker = image.cluster.broker(registration.leader)
    const endpoint = broker?.listeners.get(this.#options.interBrokerListenerName)
    const log = this.#partitions.get({ topic, partition })?.log
    if (broker === undefined || endpoint === undefined || log === undefined) return undefined
    return {
      partition: { topic, topicId, partition },
      leader: { id: broker.id, host: endpoint.host, port: endpoint.port },
      currentLeaderEpoch: registration.leaderEpoch,
      // A log that knows its epochs is compared with the leader's by the first fetch; any other is cut to what was committed.
      initialOffset: log.latestEpoch === undefined ? log.highWatermark : log.logEndOffset,
    }
  }

  /** What `role` gives; undefined when the replica's directory has failed. */
  async #takeRole<T>(local: LocalPartition, role: (partition: Partition) => Promise<T>): Promise<T | undefined> {
    const key = partitionKey(local)
    // A failed directory stays failed until the broker is started again.
    if (this.#partitions.isOffline(key)) return undefined
    let partition = this.#partitions.get(local)
    if (partition !== undefined && partition.topicId !== local.topicId) {
      await this.#stopPartitions([local])
      partition = undefined
    }
    if (partition === undefined) {
      const { topic, partition: number, topicId } = local
      partition = new Partition(this.#options.context, { topic, partition: number }, topicId)
      this.#partitions.add(partition)
    }
    try {
      return await role(partition)
    } catch (error) {
      if (!(error instanceof KafkaStorageError)) throw error
      this.#partitions.markOffline(key)
      this.#options.fetcherManager.addFailedPartition(local)
      this.#options.context.completeDelayedRequests(key)
      return undefined
    }
  }

  /** Where a replica is not in the log directory that the metadata says, the controller has to know (KIP-858). */
  #tellDirectory(local: LocalPartition): void {
    const { assignmentsManager, logManager, context } = this.#options
    const log = logManager.getLog(local)
    const directoryId = log === undefined ? undefined : logManager.directoryId(log.parentDir)
    if (directoryId === undefined || directoryId === directoryOf(local.registration, context.brokerId)) return
    assignmentsManager?.onAssignment(local.topicId, local.partition, directoryId)
  }

  async #stopPartitions(topicPartitions: readonly TopicPartition[]): Promise<void> {
    if (topicPartitions.length === 0) return
    await this.#options.fetcherManager.removeFetcherForPartitions(topicPartitions.map(partitionKey))
    for (const topicPartition of topicPartitions) {
      const key = partitionKey(topicPartition)
      const partition = this.#partitions.get(topicPartition)
      this.#partitions.remove(key)
      if (partition !== undefined) await partition.delete()
      this.#options.context.completeDelayedRequests(key)
    }
    await this.#deleteLogs(topicPartitions, false)
  }

  async #setStrayLogsAside({ topics }: MetadataImage): Promise<void> {
    const { logManager, context } = this.#options
    const strays = logManager.allLogs.filter(({ topicPartition, topicId }) => {
      const topic = topics.getTopic(topicPartition.topic)
      const replicas = topic?.partitions.get(topicPartition.partition)?.replicas
      return topic === undefined || topic.id !== topicId || !replicas?.includes(context.brokerId)
    })
    const topicPartitions = strays.map(log => log.topicPartition)
    await this.#deleteLogs(topicPartitions, true)
  }

  async #deleteLogs(topicPartitions: readonly TopicPartition[], areStray: boolean): Promise<void> {
    const { context, logManager } = this.#options
    const { observer } = context
    for (const topicPartition of topicPartitions) observer.onDeleting?.(topicPartition)
    await logManager.asyncDelete(topicPartitions, areStray)
    for (const topicPartition of topicPartitions) observer.onDeleted?.(topicPartition)
  }
}
