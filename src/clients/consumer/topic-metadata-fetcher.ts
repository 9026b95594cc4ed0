import { Metadata, type MetadataResponse } from '../../protocol/apis/metadata.ts'
import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import {
  exceptionFor,
  InvalidTopicException,
  KafkaError,
  TimeoutException,
  TopicAuthorizationException,
} from '../errors.ts'
import type { ExponentialBackoff } from '../exponential-backoff.ts'
import { MetadataSnapshot, type PartitionInfo, type PartitionMetadata } from '../metadata-snapshot.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { Timer } from './timer.ts'

/** Asks any broker for the partitions of topics, beside the metadata that the consumer keeps (Kafka's TopicMetadataFetcher). */
export class TopicMetadataFetcher {
  readonly #client: ConsumerNetworkClient
  readonly #retryBackoff: ExponentialBackoff

  constructor(client: ConsumerNetworkClient, retryBackoff: ExponentialBackoff) {
    this.#client = client
    this.#retryBackoff = retryBackoff
  }

  /** By topic; topics that are not there are missing. @param topic undefined: all. @throws TimeoutException, KafkaError */
  async fetch(
    topic: string | undefined,
    allowAutoTopicCreation: boolean,
    timer: Timer,
  ): Promise<Map<string, PartitionInfo[]>> {
    for (let attempts = 0; timer.notExpired || attempts === 0; attempts++) {
      const node = this.#client.leastLoadedNode()
      if (node === undefined) {
        await this.#client.poll(timer)
        continue
      }
      const topics = topic === undefined ? null : [{ name: topic }]
      const future = this.#client.send(node, { api: Metadata, body: { topics, allowAutoTopicCreation } })
      await this.#client.pollUntilDone(future, timer)
      if (future.failed && !future.isRetriable) throw future.exception
      if (future.succeeded) {
        const snapshot = snapshotOf(future.value.body)
        if (snapshot !== undefined) {
          return new Map(snapshot.topics.map(name => [name, snapshot.partitionsForTopic(name)]))
        }
      }
      await timer.sleep(this.#retryBackoff.backoff(attempts))
    }
    throw new TimeoutException('timeout expired while fetching topic metadata')
  }
}

/** Undefined: to be asked again. */
function snapshotOf({ brokers, clusterId, controllerId, topics }: MetadataResponse): MetadataSnapshot | undefined {
  const partitions: PartitionMetadata[] = []
  let mustRetry = false
  for (const { name, errorCode, partitions: told } of topics) {
    if (name === null || errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) continue
    if (errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED) throw new TopicAuthorizationException([name])
    if (errorCode === ErrorCode.INVALID_TOPIC_EXCEPTION) throw new InvalidTopicException([name])
    if (errorCode !== ErrorCode.NONE && !isRetriable(errorCode)) {
      throw new KafkaError(`unexpected error fetching metadata for topic ${name}`, { cause: exceptionFor(errorCode) })
    }
    if (errorCode !== ErrorCode.NONE) mustRetry = true
    for (const partition of told) {
      partitions.push({
        topic: name,
        partition: partition.partitionIndex,
        errorCode: partition.errorCode,
        leaderId: partition.leaderId < 0 ? undefined : partition.leaderId,
        leaderEpoch: partition.leaderEpoch < 0 ? undefined : partition.leaderEpoch,
        replicaIds: partition.replicaNodes,
        inSyncReplicaIds: partition.isrNodes,
        offlineReplicaIds: partition.offlineReplicas,
      })
    }
  }
  if (mustRetry) return undefined
  const nodes = brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
  return new MetadataSnapshot({ clusterId, controllerId, nodes, partitions })
}
