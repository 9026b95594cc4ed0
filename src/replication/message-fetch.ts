import type { MetadataImage } from '../controller/image/metadata-image.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { partitionKey } from '../protocol/topic-partition.ts'
import type { DelayedOperationPurgatory } from '../runtime/delayed-operation-purgatory.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { DelayedFetch } from './delayed-fetch.ts'
import type { FetchCallback, FetchParams, FetchPartitionRequest } from './fetch-params.ts'
import type { HostedPartitions } from './hosted-partitions.ts'
import { type ReadSource, readFromPartitions } from './local-read.ts'
import type { Partition } from './partition.ts'
import { findPreferredReadReplica, type ReplicaSelector } from './replica-selector.ts'

export interface MessageFetchOptions {
  readonly partitions: HostedPartitions
  readonly purgatory: DelayedOperationPurgatory<DelayedFetch>
  readonly metadataCache: { readonly image: MetadataImage }
  /** Undefined: everybody reads from the leader. */
  readonly replicaSelector: ReplicaSelector | undefined
}

/** Answers fetches of consumers and followers, at once or when there is enough (the fetching half of Kafka's ReplicaManager). */
export class MessageFetch implements ReadSource {
  readonly #runtime: Runtime
  readonly #options: MessageFetchOptions

  constructor(runtime: Runtime, options: MessageFetchOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** See `ReplicaManager.fetchMessages`. */
  async fetchMessages(
    params: FetchParams,
    requests: readonly FetchPartitionRequest[],
    callback: FetchCallback,
  ): Promise<void> {
    const results = await readFromPartitions(params, requests, this, false)
    let bytes = 0
    let urgent = params.maxWaitMs <= 0 || requests.length === 0
    for (const { data } of results) {
      bytes += data.records.length
      if (data.errorCode !== ErrorCode.NONE || data.divergingEpoch !== undefined) urgent = true
      if (data.preferredReadReplica !== undefined) urgent = true
    }
    if (urgent || bytes >= params.minBytes) {
      callback(results.map(({ data }) => data))
      return
    }
    const status = requests.flatMap((request, index) => {
      const startOffsetMetadata = results[index]?.fetchOffsetMetadata
      return startOffsetMetadata === undefined ? [] : [{ request, startOffsetMetadata }]
    })
    const delayed = new DelayedFetch({
      params,
      status,
      getPartition: request => this.getPartition(request),
      complete: expired => this.#complete(expired, () => this.#answer(params, requests, callback)),
    })
    this.#options.purgatory.tryCompleteElseWatch(
      delayed,
      requests.map(({ topicIdPartition }) => partitionKey(topicIdPartition)),
    )
  }

  getPartition({ topicIdPartition }: FetchPartitionRequest): Partition {
    return this.#options.partitions.getByIdOrThrow(topicIdPartition, ErrorCode.INCONSISTENT_TOPIC_ID)
  }

  preferredReadReplica(
    partition: Partition,
    { fetchOffset }: FetchPartitionRequest,
    { clientMetadata }: FetchParams,
  ): number | undefined {
    const { replicaSelector, metadataCache } = this.#options
    if (replicaSelector === undefined || clientMetadata === undefined) return undefined
    const nowMs = this.#runtime.clock.wallMs()
    return findPreferredReadReplica(replicaSelector, partition, clientMetadata, fetchOffset, metadataCache.image, nowMs)
  }

  async #answer(
    params: FetchParams,
    requests: readonly FetchPartitionRequest[],
    callback: FetchCallback,
  ): Promise<void> {
    const results = await readFromPartitions(params, requests, this, true)
    callback(results.map(({ data }) => data))
  }

  /**
   * What expires is answered where the timer runs it, as by Kafka's expiration thread. Who completes a fetch by an append or a
   * fetch of its own goes on: the answer has a thread of its own, since it may wait for the disk.
   */
  #complete(expired: boolean, answer: () => Promise<void>): void {
    const { threads } = this.#runtime
    if (!expired) threads.start('delayed-fetch', answer)
    else answer().catch(error => threads.start('delayed-fetch', () => Promise.reject(error))) // a crash, of a thread
  }
}
