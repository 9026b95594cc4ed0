import {
  type FetchedPartition,
  FetchSessionHandler,
  type FetchTarget,
  type SessionRequest,
} from '../../network/fetch-session-handler.ts'
import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/apis/fetch.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { MessageInput } from '../../protocol/schema.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { LeaderIdAndEpoch, Metadata } from '../metadata.ts'
import type { Node } from '../node.ts'
import { CompletedFetch } from './completed-fetch.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ConsumerNetworkClient, ConsumerResponse } from './consumer-network-client.ts'
import { FetchBuffer } from './fetch-buffer.ts'
import { type CollectedFetch, FetchCollector } from './fetch-collector.ts'
import type { Deserializers, FetchConfig } from './fetch-config.ts'
import { canValidatePositions } from './offset-for-leader-epoch-support.ts'
import type { RequestFuture } from './request-future.ts'
import type { SubscriptionState } from './subscription-state.ts'
import type { Timer } from './timer.ts'

/** The last version that names topics instead of telling their ids. */
const LAST_VERSION_WITH_NAMES = 12

export interface FetcherOptions<K, V> {
  readonly client: ConsumerNetworkClient
  readonly metadata: Metadata
  readonly subscriptions: SubscriptionState
  readonly config: FetchConfig
  readonly deserializers: Deserializers<K, V>
  readonly metrics: ConsumerMetrics
}

/** What is to be asked of one node. */
interface NodeTargets {
  readonly node: Node
  readonly targets: FetchTarget[]
}

/**
 * Fetches the assigned partitions from their leaders, or from followers that leaders told to read from (KIP-392), with one
 * request a node at a time and one session a node (Kafka's Fetcher and AbstractFetch).
 */
export class Fetcher<K, V> {
  readonly #runtime: Runtime
  readonly #options: FetcherOptions<K, V>
  readonly #buffer = new FetchBuffer()
  readonly #collector: FetchCollector<K, V>
  readonly #sessions = new Map<number, FetchSessionHandler>()
  readonly #nodesWithPendingRequests = new Set<number>()

  constructor(runtime: Runtime, options: FetcherOptions<K, V>) {
    this.#runtime = runtime
    this.#options = options
    this.#collector = new FetchCollector(runtime, options)
  }

  /** Whether a poll would find something. */
  get hasAvailableFetches(): boolean {
    const { subscriptions } = this.#options
    return this.#buffer.hasCompletedFetches(({ partition }) => subscriptions.isFetchable(partition))
  }

  /** Takes what was fetched. Errors as for `FetchCollector.collectFetch`. */
  collectFetch(): CollectedFetch<K, V> {
    return this.#collector.collectFetch(this.#buffer)
  }

  /** Drops what is buffered of other partitions. */
  clearBufferedDataForUnassignedPartitions(assigned: Iterable<TopicPartition>): void {
    this.#buffer.retainAll(assigned)
  }

  /** Sends a request to every node that has partitions to fetch and no request under way; returns how many. */
  sendFetches(): number {
    const requests = this.#prepareFetchRequests()
    for (const { node, targets } of requests) {
      const session = this.#sessionOf(node.id)
      const request = session.buildRequest(targets)
      const latestVersion = canUseTopicIds(request, session) ? Fetch.versions[1] : LAST_VERSION_WITH_NAMES
      this.#nodesWithPendingRequests.add(node.id)
      this.#send(node, request, latestVersion).addListener({
        onSuccess: response => this.#handleSuccess(node, session, response),
        onFailure: () => this.#handleFailure(node, session),
      })
    }
    return requests.length
  }

  /** Lets brokers drop the sessions, as far as they answer in time. */
  async close(timer: Timer): Promise<void> {
    const { client, metadata } = this.#options
    client.disableWakeups()
    const futures: RequestFuture<unknown>[] = []
    for (const [nodeId, session] of this.#sessions) {
      const node = metadata.fetch().nodeById(nodeId)
      const request = session.buildCloseRequest()
      if (node === undefined || request === undefined || client.isUnavailable(node)) continue
      futures.push(this.#send(node, request, Fetch.versions[1]))
    }
    while (timer.notExpired && futures.some(({ isDone }) => !isDone)) {
      await client.poll(timer, () => futures.some(({ isDone }) => !isDone), true)
    }
    this.#buffer.retainAll([])
  }

  #sessionOf(nodeId: number): FetchSessionHandler {
    const session = this.#sessions.get(nodeId) ?? new FetchSessionHandler()
    this.#sessions.set(nodeId, session)
    return session
  }

  #prepareFetchRequests(): NodeTargets[] {
    const { client, metadata, subscriptions } = this.#options
    const buffered = this.#buffer.bufferedPartitions()
    const unbuffered = subscriptions.fetchablePartitions(partition => !buffered.has(partition))
    if (unbuffered.length === 0) return []
    // A node that hosts buffered partitions waits, so that its session need not forget them and learn them again.
    const bufferedNodes = new Set<number>()
    for (const partition of buffered) {
      const node = subscriptions.isFetchable(partition) ? this.#nodeFor(partition) : undefined
      if (node !== undefined) bufferedNodes.add(node.id)
    }
    const fetchable = new Map<number, NodeTargets>()
    for (const partition of unbuffered) {
      const node = this.#nodeFor(partition)
      const position = subscriptions.state(partition).position
      if (node === undefined || position === undefined || client.isUnavailable(node)) continue
      if (this.#nodesWithPendingRequests.has(node.id) || bufferedNodes.has(node.id)) continue
      const ofNode = fetchable.get(node.id) ?? { node, targets: [] }
      fetchable.set(node.id, ofNode)
      ofNode.targets.push({
        partition: { ...partition, topicId: metadata.fetch().topicId(partition.topic) },
        fetchOffset: position.offset,
        logStartOffset: -1,
        currentLeaderEpoch: position.currentLeader.epoch ?? -1,
        lastFetchedEpoch: -1,
      })
    }
    return [...fetchable.values()]
  }

  /** Where a partition is read; undefined when its leader is not known, which is asked for. */
  #nodeFor(partition: TopicPartition): Node | undefined {
    const { metadata, subscriptions } = this.#options
    const state = subscriptions.state(partition)
    const leader = state.position?.currentLeader.leader
    if (leader === undefined) {
      metadata.requestUpdate(false)
      return undefined
    }
    const preferred = state.preferredReadReplica(this.#runtime.clock.monotonicMs())
    if (preferred === undefined) return leader
    const known = metadata.fetch().partitionMetadata(partition)
    const isOnline = known?.replicaIds.includes(preferred) === true && !known.offlineReplicaIds.includes(preferred)
    const node = isOnline ? metadata.fetch().nodeById(preferred) : undefined
    if (node === undefined) {
      metadata.requestUpdate(false)
      state.clearPreferredReadReplica()
    }
    return node ?? leader
  }

  #send(node: Node, request: SessionRequest, latestVersion: number) {
    return this.#options.client.send(node, { api: Fetch, latestVersion, body: this.#requestBody(request) })
  }

  #requestBody({ sessionId, sessionEpoch, toSend, toForget }: SessionRequest): MessageInput<typeof FetchRequest> {
    const { config } = this.#options
    const topics = Map.groupBy(toSend, ({ partition: { topic, topicId } }) => `${topicId} ${topic}`)
    const forgotten = Map.groupBy(toForget, ({ topic, topicId }) => `${topicId} ${topic}`)
    return {
      maxWaitMs: config.fetchMaxWaitMs,
      minBytes: config.fetchMinBytes,
      maxBytes: config.fetchMaxBytes,
      isolationLevel: config.isolationLevel === 'read_committed' ? 1 : 0,
      sessionId,
      sessionEpoch,
      topics: [...topics.values()].map(targets => ({
        topic: targets[0]?.partition.topic ?? '',
        topicId: targets[0]?.partition.topicId ?? ZERO_UUID,
        partitions: targets.map(({ partition, fetchOffset, currentLeaderEpoch }) => ({
          partition: partition.partition,
          currentLeaderEpoch,
          fetchOffset,
          partitionMaxBytes: config.maxPartitionFetchBytes,
        })),
      })),
      forgottenTopicsData: [...forgotten.values()].map(partitions => ({
        topic: partitions[0]?.topic ?? '',
        topicId: partitions[0]?.topicId ?? ZERO_UUID,
        partitions: partitions.map(({ partition }) => partition),
      })),
      rackId: config.clientRack,
    }
  }

  #handleSuccess(
    node: Node,
    session: FetchSessionHandler,
    { body, latencyMs }: ConsumerResponse<typeof FetchResponse>,
  ): void {
    const { metadata, metrics } = this.#options
    this.#nodesWithPendingRequests.delete(node.id)
    const fetched = session.handleResponse(body)
    if (body.errorCode === ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR) metadata.requestUpdate(false)
    if (body.errorCode !== ErrorCode.NONE) return
    const aggregate = metrics.fetchOf(fetched.length)
    for (const { target, data } of fetched) {
      const { topic, partition } = target.partition
      const of = { topic, partition }
      this.#buffer.add(
        new CompletedFetch({
          partition: of,
          data,
          fetchOffset: target.fetchOffset,
          onDrained: (bytes, records) => {
            if (bytes > 0) this.#options.subscriptions.movePartitionToEnd(of)
            aggregate(of, bytes, records)
          },
        }),
      )
    }
    this.#updateLeaders(body, fetched)
    metrics.recordFetchLatency(latencyMs, body.throttleTimeMs)
  }

  /** Errors that tell the new leader save a metadata request (KIP-951). */
  #updateLeaders({ nodeEndpoints }: FetchResponse, fetched: readonly FetchedPartition[]): void {
    const { client, metadata, subscriptions } = this.#options
    const leaders: LeaderIdAndEpoch[] = []
    for (const { target, data } of fetched) {
      const isMoved =
        data.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || data.errorCode === ErrorCode.FENCED_LEADER_EPOCH
      const { leaderId, leaderEpoch } = data.currentLeader
      if (!isMoved || leaderId < 0 || leaderEpoch < 0) continue
      leaders.push({ topic: target.partition.topic, partition: target.partition.partition, leaderId, leaderEpoch })
    }
    if (leaders.length === 0) return
    const nodes = nodeEndpoints.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
    for (const partition of metadata.updatePartitionLeadership(leaders, nodes)) {
      const leader = metadata.currentLeader(partition)
      const versions = leader.leader === undefined ? undefined : client.apiVersions(leader.leader.id)
      subscriptions.maybeValidatePositionForCurrentLeader(partition, leader, canValidatePositions(versions))
    }
  }

  #handleFailure(node: Node, session: FetchSessionHandler): void {
    this.#nodesWithPendingRequests.delete(node.id)
    session.handleError()
    for (const partition of session.partitions) {
      this.#options.subscriptions.stateOrUndefined(partition)?.clearPreferredReadReplica()
    }
  }
}

function canUseTopicIds({ toForget }: SessionRequest, session: FetchSessionHandler): boolean {
  return [...session.partitions, ...toForget].every(({ topicId }) => topicId !== ZERO_UUID)
}
