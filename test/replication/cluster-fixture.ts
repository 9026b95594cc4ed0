import type { BrokerRegistration } from '../../src/controller/broker-registration.ts'
import { ClusterImage } from '../../src/controller/image/cluster-image.ts'
import { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import { TopicsDelta, type TopicsRecord } from '../../src/controller/image/topics-delta.ts'
import { TopicsImage } from '../../src/controller/image/topics-image.ts'
import type { PartitionChangeRecord } from '../../src/controller/metadata-records.ts'
import { NO_LEADER_CHANGE, type PartitionRegistration } from '../../src/controller/partition-registration.ts'
import { KafkaScheduler } from '../../src/log/kafka-scheduler.ts'
import type { LogConfig } from '../../src/log/log-config.ts'
import { LogDirFailureChannel } from '../../src/log/log-dir-failure-channel.ts'
import { LogManager } from '../../src/log/log-manager.ts'
import type { UnifiedLog } from '../../src/log/unified-log.ts'
import type { AlterPartitionRequest, AlterPartitionResponse } from '../../src/protocol/apis/alter-partition.ts'
import { ApiError, ErrorCode, errorCodeOf } from '../../src/protocol/errors.ts'
import type { TopicIdPartition } from '../../src/protocol/topic-partition.ts'
import { AlterPartitionManager } from '../../src/replication/alter-partition-manager.ts'
import type { ProducePartitionResult } from '../../src/replication/delayed-produce.ts'
import type { FetchParams, FetchPartitionData } from '../../src/replication/fetch-params.ts'
import {
  type BrokerEndPoint,
  type FetchedPartition,
  type FetchTarget,
  type LeaderEndPoint,
  LeaderUnreachableError,
} from '../../src/replication/leader-end-point.ts'
import type { Partition } from '../../src/replication/partition.ts'
import { ReplicaManager } from '../../src/replication/replica-manager.ts'
import { DEFAULT_REPLICATION_CONFIG, type ReplicationConfig } from '../../src/replication/replication-config.ts'
import type { ReplicationObserver } from '../../src/replication/replication-observer.ts'
import { config, recordsIn, TOPIC_ID } from '../log/log-fixture.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'

export const ORDERS = { topic: 'orders', topicId: TOPIC_ID, partition: 0 }

export interface ClusterOptions {
  readonly settings?: LogConfig
  readonly replication?: Partial<ReplicationConfig>
  readonly racks?: Readonly<Record<number, string>>
}

type Broker = BrokerRegistration

/**
 * Brokers without a network: followers call their leader's replica manager, a controller that only keeps a log of records
 * answers proposals of ISRs. What a test wants to go wrong it sets: links that are cut, answers that are held back, metadata
 * that is late, brokers that are killed.
 */
export class TestCluster {
  readonly runtime: ManualRuntime = createManualRuntime()
  readonly options: ClusterOptions
  readonly #brokers = new Map<number, TestBroker>()
  readonly records: TopicsRecord[] = []
  #image = TopicsImage.EMPTY
  #cluster: ClusterImage
  /** Links that are cut: `follower>leader`. */
  readonly cut = new Set<string>()
  /** Brokers that are told of metadata only by `deliver`. */
  readonly withoutNews = new Set<number>()
  /** Every answer to a follower passes here. */
  onFetched: (follower: number, fetched: readonly FetchedPartition[]) => Promise<readonly FetchedPartition[]> = async (
    _,
    fetched,
  ) => fetched
  /** Answers proposals instead of the controller. */
  alterPartition: (request: AlterPartitionRequest) => Promise<AlterPartitionResponse> = request =>
    this.commitIsr(request)

  private constructor(ids: readonly number[], options: ClusterOptions) {
    this.options = options
    this.#cluster = new ClusterImage(new Map(ids.map(id => [id, registrationOf(id, options)])))
  }

  /** Brokers that run, without a topic. */
  static async of(ids: readonly number[], options: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(ids, options)
    for (const id of ids) await cluster.start(id, cluster.runtime.sibling({ name: `broker-${id}` }))
    return cluster
  }

  /** Brokers with the topic `orders`: one partition, led by the first of `replicas`. */
  static async withOrders(replicas: readonly number[], options: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = await TestCluster.of(replicas, options)
    await cluster.createOrders(replicas)
    return cluster
  }

  get topics(): TopicsImage {
    return this.#image
  }

  get clusterImage(): ClusterImage {
    return this.#cluster
  }

  get orders(): PartitionRegistration {
    const found = this.#image.getPartition(TOPIC_ID, 0)
    if (found === undefined) throw new Error('there is no topic orders')
    return found
  }

  broker(id: number): TestBroker {
    const broker = this.#brokers.get(id)
    if (broker === undefined) throw new Error(`broker ${id} does not run`)
    return broker
  }

  runs(id: number): boolean {
    return this.#brokers.has(id)
  }

  async createOrders(replicas: readonly number[], isr: readonly number[] = replicas): Promise<void> {
    const leader = isr[0] ?? -1
    await this.append({ type: 'TopicRecord', data: { name: 'orders', topicId: TOPIC_ID } })
    const data = { partitionId: 0, topicId: TOPIC_ID, replicas: [...replicas], isr: [...isr], leader }
    await this.append({
      type: 'PartitionRecord',
      data: {
        ...data,
        leaderEpoch: 0,
        partitionEpoch: 0,
        removingReplicas: [],
        addingReplicas: [],
        leaderRecoveryState: 0,
        directories: [],
        eligibleLeaderReplicas: null,
        lastKnownElr: null,
      },
    })
  }

  /** Changes `orders` as the controller would; `leader` begins a leader epoch, even when it is the same one. */
  change(change: { leader?: number; isr?: readonly number[]; replicas?: readonly number[] }): Promise<void> {
    const data: PartitionChangeRecord = {
      partitionId: 0,
      topicId: TOPIC_ID,
      isr: change.isr === undefined ? null : [...change.isr],
      leader: change.leader ?? NO_LEADER_CHANGE,
      replicas: change.replicas === undefined ? null : [...change.replicas],
      removingReplicas: null,
      addingReplicas: null,
      leaderRecoveryState: -1,
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
      directories: null,
    }
    return this.append({ type: 'PartitionChangeRecord', data })
  }

  /** Changes what the metadata says about a broker. */
  async changeBroker(id: number, change: Partial<Broker>): Promise<void> {
    const before = this.#cluster.broker(id)
    if (before === undefined) throw new Error(`broker ${id} is not registered`)
    this.#cluster = new ClusterImage(new Map([...this.#cluster.brokers, [id, { ...before, ...change }]]))
    for (const broker of this.#brokers.values())
      broker.metadataCache.image = this.imageWith(broker.metadataCache.image.topics)
  }

  imageWith(topics: TopicsImage): MetadataImage {
    return new MetadataImage({ ...MetadataImage.EMPTY, cluster: this.#cluster, topics })
  }

  async append(record: TopicsRecord): Promise<void> {
    this.records.push(record)
    const delta = new TopicsDelta(this.#image)
    delta.replay(record)
    this.#image = delta.apply()
    for (const [id] of this.#brokers) if (!this.withoutNews.has(id)) await this.deliver(id)
  }

  /** Tells a broker of all metadata that it has not heard of, at once. */
  deliver(id: number): Promise<void> {
    return this.runtime.run(() => this.broker(id).catchUp())
  }

  /** The process is gone; its page cache stays. */
  async kill(id: number): Promise<ManualRuntime> {
    const { runtime, replicaManager, scheduler, alterPartitionManager } = this.broker(id)
    this.#brokers.delete(id)
    alterPartitionManager.shutdown()
    await this.runtime.run(() => scheduler.shutdown())
    await this.runtime.run(() => replicaManager.fetcherManager.shutdown())
    return runtime.sibling({ name: `broker-${id}`, disk: runtime.disk })
  }

  /** Starts a broker, by default with the disk that `runtime` has. It hears all metadata at once. */
  async start(id: number, runtime: ManualRuntime): Promise<TestBroker> {
    const broker = new TestBroker(this, id, runtime)
    await this.runtime.run(() => broker.logManager.startup())
    broker.replicaManager.startup()
    this.#brokers.set(id, broker)
    await this.deliver(id)
    return broker
  }

  /** The controller's answer: commits what builds on the present partition epoch. */
  async commitIsr(request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    const [topic] = request.topics
    const [proposed] = topic?.partitions ?? []
    if (topic === undefined || proposed === undefined) throw new Error('a proposal without a partition')
    const answer = (errorCode: number) => {
      const { leader, leaderEpoch, isr, partitionEpoch } = this.orders
      const committed = { leaderId: leader, leaderEpoch, isr: [...isr], leaderRecoveryState: 0, partitionEpoch }
      const partitions = [{ partitionIndex: proposed.partitionIndex, errorCode, ...committed }]
      return { throttleTimeMs: 0, errorCode: 0, topics: [{ topicId: topic.topicId, partitions }] }
    }
    if (proposed.leaderEpoch !== this.orders.leaderEpoch) return answer(ErrorCode.FENCED_LEADER_EPOCH)
    const isr = proposed.newIsrWithEpochs.map(({ brokerId }) => brokerId)
    const isSame = isr.length === this.orders.isr.length && isr.every(id => this.orders.isr.includes(id))
    if (isSame) return answer(ErrorCode.NONE)
    if (proposed.partitionEpoch !== this.orders.partitionEpoch) return answer(ErrorCode.INVALID_UPDATE_VERSION)
    const data = { isr, leader: NO_LEADER_CHANGE, partitionId: 0, topicId: TOPIC_ID, leaderRecoveryState: -1 }
    const nothing = { replicas: null, removingReplicas: null, addingReplicas: null, directories: null }
    const elr = { eligibleLeaderReplicas: null, lastKnownElr: null }
    const record: TopicsRecord = { type: 'PartitionChangeRecord', data: { ...data, ...nothing, ...elr } }
    this.records.push(record)
    const delta = new TopicsDelta(this.#image)
    delta.replay(record)
    this.#image = delta.apply()
    const committed = answer(ErrorCode.NONE)
    // The brokers hear of it in their own time.
    for (const [id, broker] of this.#brokers) {
      if (!this.withoutNews.has(id)) broker.runtime.threads.start('metadata', () => broker.catchUp())
    }
    return committed
  }
}

export class TestBroker {
  readonly id: number
  readonly runtime: ManualRuntime
  readonly scheduler: KafkaScheduler
  readonly logManager: LogManager
  readonly replicaManager: ReplicaManager
  readonly alterPartitionManager: AlterPartitionManager
  readonly metadataCache: { image: MetadataImage }
  /** What the observer was told, in order. */
  readonly events: string[] = []
  readonly #cluster: TestCluster
  #applied = 0
  #catchingUp: Promise<void> = Promise.resolve()

  constructor(cluster: TestCluster, id: number, runtime: ManualRuntime) {
    this.#cluster = cluster
    this.id = id
    this.runtime = runtime
    const scheduler = new KafkaScheduler(runtime, 10)
    this.scheduler = scheduler
    const failureChannel = new LogDirFailureChannel()
    const settings = cluster.options.settings ?? config()
    this.logManager = new LogManager(runtime, {
      logDirs: ['logs'],
      scheduler,
      failureChannel,
      topicConfig: () => settings,
    })
    this.metadataCache = { image: cluster.imageWith(TopicsImage.EMPTY) }
    const brokerEpoch = () => cluster.clusterImage.brokerEpoch(id)
    this.alterPartitionManager = new AlterPartitionManager(runtime, {
      brokerId: id,
      brokerEpoch,
      channel: { alterPartition: request => cluster.alterPartition(request) },
    })
    this.replicaManager = new ReplicaManager(runtime, {
      brokerId: id,
      logManager: this.logManager,
      scheduler,
      failureChannel,
      metadataCache: this.metadataCache,
      alterPartitionManager: this.alterPartitionManager,
      brokerEpoch,
      observer: this.#observer(),
      config: { ...DEFAULT_REPLICATION_CONFIG, ...cluster.options.replication },
      createLeaderEndPoint: broker => new TestLeaderEndPoint(cluster, id, broker),
    })
  }

  get partition(): Partition {
    return this.replicaManager.getPartitionOrThrow(ORDERS)
  }

  get log(): UnifiedLog {
    const { log } = this.partition
    if (log === undefined) throw new Error(`broker ${this.id} has no log of orders`)
    return log
  }

  /** Offset and value of everything in its log. */
  records(): Promise<[number, string][]> {
    return recordsIn(this.log)
  }

  async values(): Promise<string[]> {
    return (await this.records()).map(([, value]) => value)
  }

  /** Answers come in the list; there is none while the producer waits. */
  async produce(records: Buffer, requiredAcks = -1, timeoutMs = 30_000): Promise<ProducePartitionResult[]> {
    const answers: ProducePartitionResult[] = []
    const entries = [{ topicIdPartition: ORDERS, records }]
    await this.replicaManager.appendRecords({ timeoutMs, requiredAcks, origin: 'client', entries }, results =>
      answers.push(...results),
    )
    return answers
  }

  /** A fetch as it comes from a follower or consumer; by default it does not wait. */
  async fetch(
    target: Partial<FetchTarget> & { readonly fetchOffset: number },
    params: Partial<FetchParams> = {},
  ): Promise<FetchPartitionData[]> {
    const answers: FetchPartitionData[] = []
    const { fetchOffset, logStartOffset = 0, currentLeaderEpoch = -1, lastFetchedEpoch = -1 } = target
    const epochs = { currentLeaderEpoch, lastFetchedEpoch }
    const request = { topicIdPartition: ORDERS, fetchOffset, logStartOffset, maxBytes: 100_000, ...epochs }
    await this.replicaManager.fetchMessages(
      {
        replicaId: -1,
        replicaEpoch: -1,
        requireLeader: true,
        clientMetadata: undefined,
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1_000_000,
        isolation: (params.replicaId ?? -1) >= 0 ? 'log-end' : 'high-watermark',
        ...params,
      },
      [request],
      results => answers.push(...results),
    )
    return answers
  }

  /** As `fetch`, as the follower `replicaId`, registered as the cluster says, in the leader's epoch. */
  async followerFetch(
    replicaId: number,
    fetchOffset: number,
    more: Partial<FetchTarget> & { readonly replicaEpoch?: number } = {},
  ): Promise<FetchPartitionData | undefined> {
    const { replicaEpoch = this.#cluster.clusterImage.brokerEpoch(replicaId), ...target } = more
    const epochs = { currentLeaderEpoch: this.partition.leaderEpoch, ...target }
    return (await this.fetch({ fetchOffset, ...epochs }, { replicaId, replicaEpoch }))[0]
  }

  /** Applies the metadata that is new to it. */
  catchUp(): Promise<void> {
    this.#catchingUp = this.#catchingUp.then(() => this.#catchUp())
    return this.#catchingUp
  }

  async #catchUp(): Promise<void> {
    const { records } = this.#cluster
    const delta = new TopicsDelta(this.metadataCache.image.topics)
    while (this.#applied < records.length) {
      const record = records[this.#applied]
      if (record !== undefined) delta.replay(record)
      this.#applied++
    }
    this.metadataCache.image = this.#cluster.imageWith(delta.apply())
    await this.replicaManager.applyDelta(delta, this.metadataCache.image)
  }

  #observer(): Required<ReplicationObserver> {
    const note = (event: string) => this.events.push(event)
    return {
      onBecameLeader: (_, epoch, end) => note(`leads in ${epoch} from ${end}`),
      onBecameFollower: (_, epoch, leader) => note(`follows ${leader} in ${epoch}`),
      onDeleting: () => undefined,
      onDeleted: () => note('deleted'),
      onLeaderAppend: (_, epoch, base, last) => note(`appended ${base}-${last} in ${epoch}`),
      onFollowerAppend: (_, epoch, base, last) => note(`copied ${base}-${last} in ${epoch}`),
      onTruncating: () => undefined,
      onTruncated: (_, to, highWatermark) => note(`cut to ${to} at high watermark ${highWatermark}`),
      onFetchingFailed: (_, cause) => note(`fetching failed: ${cause}`),
      onHighWatermark: (_, highWatermark, isLeader) => note(`${isLeader ? 'leader' : 'follower'} hw ${highWatermark}`),
      onIsrProposed: (_, isr) => note(`proposed [${isr.join(',')}]`),
      onIsrCommitted: (_, isr, epoch) => note(`isr [${isr.join(',')}] at ${epoch}`),
    }
  }
}

/** Calls the leader's replica manager. */
class TestLeaderEndPoint implements LeaderEndPoint {
  readonly broker: BrokerEndPoint
  readonly #cluster: TestCluster
  readonly #follower: number
  #closed: (() => void) | undefined
  readonly #whenClosed = new Promise<never>((_, reject) => {
    this.#closed = () => reject(new LeaderUnreachableError(this.broker, { cause: new Error('closed') }))
  })

  constructor(cluster: TestCluster, follower: number, broker: BrokerEndPoint) {
    this.#cluster = cluster
    this.#follower = follower
    this.broker = broker
    this.#whenClosed.catch(() => {})
  }

  async fetch(targets: readonly FetchTarget[]): Promise<readonly FetchedPartition[]> {
    const leader = this.#leader()
    const { promise, resolve } = Promise.withResolvers<readonly FetchPartitionData[]>()
    await leader.replicaManager.fetchMessages(
      {
        replicaId: this.#follower,
        replicaEpoch: this.#cluster.clusterImage.brokerEpoch(this.#follower),
        requireLeader: true,
        clientMetadata: undefined,
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 1_000_000,
        isolation: 'log-end',
      },
      targets.map(({ partition, ...target }) => ({ topicIdPartition: partition, maxBytes: 100_000, ...target })),
      resolve,
    )
    const results = await Promise.race([promise, this.#whenClosed])
    this.#leader()
    const fetched = results.flatMap((data, index) => {
      const target = targets[index]
      return target === undefined ? [] : [{ target, data: toWire(data) }]
    })
    return Promise.race([this.#cluster.onFetched(this.#follower, fetched), this.#whenClosed])
  }

  fetchEarliestOffset(partition: TopicIdPartition, currentLeaderEpoch: number): Promise<number> {
    return this.#fetchOffset(partition, currentLeaderEpoch, -2)
  }

  fetchLatestOffset(partition: TopicIdPartition, currentLeaderEpoch: number): Promise<number> {
    return this.#fetchOffset(partition, currentLeaderEpoch, -1)
  }

  close(): void {
    this.#closed?.()
  }

  async #fetchOffset(partition: TopicIdPartition, currentLeaderEpoch: number, timestamp: number): Promise<number> {
    const { replicaManager } = this.#leader()
    const found = await replicaManager.fetchOffset(partition, timestamp, 'log-end', currentLeaderEpoch)
    if (found.errorCode !== ErrorCode.NONE) throw new ApiError(errorCodeOf(found.errorCode))
    return found.offset
  }

  #leader(): TestBroker {
    const isCut = this.#cluster.cut.has(`${this.#follower}>${this.broker.id}`)
    if (isCut || !this.#cluster.runs(this.broker.id)) {
      throw new LeaderUnreachableError(this.broker, { cause: new Error('cut') })
    }
    return this.#cluster.broker(this.broker.id)
  }
}

function toWire(data: FetchPartitionData): FetchedPartition['data'] {
  const { topicIdPartition, errorCode, highWatermark, lastStableOffset, logStartOffset, records } = data
  return {
    partitionIndex: topicIdPartition.partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    divergingEpoch: data.divergingEpoch ?? { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1, epoch: -1 },
    abortedTransactions: null,
    preferredReadReplica: data.preferredReadReplica ?? -1,
    records: Buffer.from(records),
  }
}

function registrationOf(id: number, { racks }: ClusterOptions): Broker {
  const endpoint = { name: 'PLAINTEXT', host: `broker-${id}`, port: 9092, securityProtocol: 0 }
  return {
    id,
    epoch: 100 + id,
    incarnationId: TOPIC_ID,
    listeners: new Map([['PLAINTEXT', endpoint]]),
    supportedFeatures: new Map(),
    rack: racks?.[id] ?? null,
    fenced: false,
    inControlledShutdown: false,
    directories: [],
  }
}
