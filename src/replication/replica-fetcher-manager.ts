import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { BrokerEndPoint, LeaderEndPoint } from './leader-end-point.ts'
import type { InitialFetchState } from './partition-fetch-state.ts'
import { RemoteLeaderEndPoint } from './remote-leader-end-point.ts'
import { type FollowerReplicas, ReplicaFetcherThread } from './replica-fetcher-thread.ts'
import type { ReplicationConfig } from './replication-config.ts'
import type { ReplicationObserver } from './replication-observer.ts'

/** Makes what a fetcher thread talks to. */
export type CreateLeaderEndPoint = (broker: BrokerEndPoint, fetcherId: number) => LeaderEndPoint

export interface ReplicaFetcherManagerOptions {
  /** `node.id` */
  readonly brokerId: number
  readonly brokerEpoch: () => number
  readonly config: ReplicationConfig
  readonly replicas: FollowerReplicas
  /** Default: a connection to the broker. */
  readonly createLeaderEndPoint?: CreateLeaderEndPoint | undefined
  readonly observer?: ReplicationObserver | undefined
}

/**
 * The fetcher threads of a broker (Kafka's ReplicaFetcherManager): `num.replica.fetchers` for each leader; a hash decides which
 * one copies a partition. Threads without partitions are ended by `shutdownIdleFetcherThreads`.
 */
export class ReplicaFetcherManager {
  readonly #runtime: Runtime
  readonly #options: ReplicaFetcherManagerOptions
  readonly #createLeaderEndPoint: CreateLeaderEndPoint
  /** By broker id and fetcher id. */
  readonly #threads = new Map<string, ReplicaFetcherThread>()
  readonly #failedPartitions = new Set<string>()

  constructor(runtime: Runtime, options: ReplicaFetcherManagerOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#createLeaderEndPoint =
      options.createLeaderEndPoint ?? ((broker, fetcherId) => this.#remoteLeader(broker, fetcherId))
  }

  /** Keys of partitions that nobody copies any more, because of an error that waiting does not mend. */
  get failedPartitions(): ReadonlySet<string> {
    return this.#failedPartitions
  }

  get fetcherThreads(): readonly ReplicaFetcherThread[] {
    return [...this.#threads.values()]
  }

  /** The fetcher that would copy the partition: Kafka's hash, so that partitions spread as there. */
  fetcherIdOf({ topic, partition }: TopicPartition): number {
    let hash = 0
    for (let index = 0; index < topic.length; index++) hash = (Math.imul(31, hash) + topic.charCodeAt(index)) | 0
    const sum = (Math.imul(31, hash) + partition) | 0
    // As Java's `Utils.abs`: the smallest integer has no positive counterpart.
    const positive = sum === -0x8000_0000 ? 0 : Math.abs(sum)
    return positive % this.#options.config.numReplicaFetchers
  }

  /** Begins to copy partitions; each from its leader. */
  async addFetcherForPartitions(initial: readonly InitialFetchState[]): Promise<void> {
    const byThread = new Map<string, InitialFetchState[]>()
    for (const state of initial) {
      const key = `${state.leader.id}:${this.fetcherIdOf(state.partition)}`
      const states = byThread.get(key)
      if (states === undefined) byThread.set(key, [state])
      else states.push(state)
    }
    for (const [key, states] of byThread) {
      const [first] = states
      if (first === undefined) continue
      const thread = await this.#threadFor(key, first.leader, this.fetcherIdOf(first.partition))
      await thread.addPartitions(states)
    }
  }

  /** Stops copying; nothing is appended or cut off after this has resolved. */
  async removeFetcherForPartitions(keys: Iterable<string>): Promise<void> {
    const removed = [...keys]
    if (removed.length === 0) return
    for (const thread of this.#threads.values()) await thread.removePartitions(removed)
    for (const key of removed) this.#failedPartitions.delete(key)
  }

  /** Nobody copies the partition until it is added again. */
  addFailedPartition(topicPartition: TopicPartition): void {
    this.#failedPartitions.add(partitionKey(topicPartition))
  }

  async shutdownIdleFetcherThreads(): Promise<void> {
    for (const [key, thread] of [...this.#threads]) {
      if (thread.partitionCount > 0) continue
      this.#threads.delete(key)
      await thread.shutdown()
    }
  }

  /** Ends all threads. */
  async shutdown(): Promise<void> {
    const threads = this.fetcherThreads
    this.#threads.clear()
    await Promise.all(threads.map(thread => thread.shutdown()))
  }

  async #threadFor(key: string, leader: BrokerEndPoint, fetcherId: number): Promise<ReplicaFetcherThread> {
    const running = this.#threads.get(key)
    if (running !== undefined) {
      const { host, port } = running.leader.broker
      if (host === leader.host && port === leader.port) return running
      // The broker has another address now.
      await running.shutdown()
    }
    const thread = new ReplicaFetcherThread(this.#runtime, {
      name: `ReplicaFetcherThread-${fetcherId}-${leader.id}`,
      leader: this.#createLeaderEndPoint(leader, fetcherId),
      replicas: this.#options.replicas,
      fetchBackoffMs: this.#options.config.replicaFetchBackoffMs,
      failedPartitions: this.#failedPartitions,
      observer: this.#options.observer,
    })
    this.#threads.set(key, thread)
    thread.start()
    return thread
  }

  #remoteLeader(broker: BrokerEndPoint, fetcherId: number): LeaderEndPoint {
    const { brokerId, brokerEpoch, config } = this.#options
    const clientId = `broker-${brokerId}-fetcher-${fetcherId}`
    return new RemoteLeaderEndPoint(this.#runtime, { broker, clientId, brokerId, brokerEpoch, config })
  }
}
