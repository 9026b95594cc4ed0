import { FetchSessionHandler } from '../network/fetch-session-handler.ts'
import { NetworkClient } from '../network/network-client.ts'
import { CorrelationIdMismatchError, DisconnectedError, RequestTimeoutError } from '../network/network-client-errors.ts'
import type { Api } from '../protocol/api.ts'
import { Fetch, type FetchRequest } from '../protocol/apis/fetch.ts'
import { ListOffsets, ListOffsetsTimestamp } from '../protocol/apis/list-offsets.ts'
import { ApiError, ErrorCode, errorCodeOf } from '../protocol/errors.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import type { TopicIdPartition } from '../protocol/topic-partition.ts'
import { NetworkError } from '../runtime/network.ts'
import type { Runtime } from '../runtime/runtime.ts'
import {
  type BrokerEndPoint,
  type FetchedPartition,
  type FetchTarget,
  type LeaderEndPoint,
  LeaderUnreachableError,
} from './leader-end-point.ts'
import type { ReplicationConfig } from './replication-config.ts'

const FETCH_VERSION = Fetch.versions[1]
const LIST_OFFSETS_VERSION = ListOffsets.versions[1]

export interface RemoteLeaderEndPointOptions {
  readonly broker: BrokerEndPoint
  readonly clientId: string
  /** Of this broker, the follower. */
  readonly brokerId: number
  /** The epoch under which this broker is registered. */
  readonly brokerEpoch: () => number
  readonly config: ReplicationConfig
}

/**
 * A leader on another broker (Kafka's RemoteLeaderEndPoint and BrokerBlockingSender): one connection, one request in flight.
 * The connection is made when it is needed and made anew after any error.
 */
export class RemoteLeaderEndPoint implements LeaderEndPoint {
  readonly broker: BrokerEndPoint
  readonly #runtime: Runtime
  readonly #options: RemoteLeaderEndPointOptions
  readonly #session = new FetchSessionHandler()
  #client: NetworkClient | undefined
  #closed = false

  constructor(runtime: Runtime, options: RemoteLeaderEndPointOptions) {
    this.#runtime = runtime
    this.#options = options
    this.broker = options.broker
  }

  async fetch(targets: readonly FetchTarget[]): Promise<readonly FetchedPartition[]> {
    const request = this.#buildFetch(targets)
    try {
      return this.#session.handleResponse(await this.#send(Fetch, FETCH_VERSION, request))
    } catch (error) {
      this.#session.handleError()
      throw error
    }
  }

  fetchEarliestOffset(partition: TopicIdPartition, currentLeaderEpoch: number): Promise<number> {
    return this.#fetchOffset(partition, currentLeaderEpoch, ListOffsetsTimestamp.EARLIEST)
  }

  fetchLatestOffset(partition: TopicIdPartition, currentLeaderEpoch: number): Promise<number> {
    return this.#fetchOffset(partition, currentLeaderEpoch, ListOffsetsTimestamp.LATEST)
  }

  close(): void {
    this.#closed = true
    this.#client?.close()
  }

  async #fetchOffset(
    { topic, partition }: TopicIdPartition,
    currentLeaderEpoch: number,
    timestamp: number,
  ): Promise<number> {
    const { topics } = await this.#send(ListOffsets, LIST_OFFSETS_VERSION, {
      replicaId: this.#options.brokerId,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch, timestamp }] }],
      timeoutMs: 0,
    })
    const answer = topics
      .find(({ name }) => name === topic)
      ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    if (answer === undefined) throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, `no offset of ${topic}-${partition}`)
    if (answer.errorCode !== ErrorCode.NONE) throw new ApiError(errorCodeOf(answer.errorCode))
    if (answer.offset >= 0) return answer.offset
    const what = `broker ${this.broker.id} lets ${topic}-${partition} begin or end at offset ${answer.offset}`
    throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, `${what}, which must be 0 or more`)
  }

  #buildFetch(targets: readonly FetchTarget[]): MessageInput<typeof FetchRequest> {
    const { brokerId, brokerEpoch, config } = this.#options
    const { sessionId, sessionEpoch, toSend, toForget } = this.#session.buildRequest(targets)
    return {
      replicaState: { replicaId: brokerId, replicaEpoch: brokerEpoch() },
      maxWaitMs: config.replicaFetchWaitMaxMs,
      minBytes: config.replicaFetchMinBytes,
      maxBytes: config.replicaFetchResponseMaxBytes,
      sessionId,
      sessionEpoch,
      topics: toSend.map(({ partition, fetchOffset, logStartOffset, currentLeaderEpoch, lastFetchedEpoch }) => ({
        topicId: partition.topicId,
        partitions: [
          {
            partition: partition.partition,
            currentLeaderEpoch,
            fetchOffset,
            lastFetchedEpoch,
            logStartOffset,
            partitionMaxBytes: config.replicaFetchMaxBytes,
          },
        ],
      })),
      forgottenTopicsData: toForget.map(({ topicId, partition }) => ({ topicId, partitions: [partition] })),
    }
  }

  async #send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: MessageInput<Q>,
  ): Promise<Message<S>> {
    try {
      const client = this.#client?.connected === true ? this.#client : await this.#connect()
      return await client.send(api, version, body)
    } catch (error) {
      this.#client?.close()
      this.#client = undefined
      if (isFailureOfPeer(error)) throw new LeaderUnreachableError(this.broker, { cause: error })
      throw error
    }
  }

  async #connect(): Promise<NetworkClient> {
    const { broker, clientId, config } = this.#options
    const client = new NetworkClient(this.#runtime, {
      host: broker.host,
      port: broker.port,
      clientId,
      requestTimeoutMs: config.replicaSocketTimeoutMs,
      maxInFlightRequests: 1,
      receiveBufferBytes: config.replicaSocketReceiveBufferBytes,
    })
    this.#client = client
    if (this.#closed) client.close()
    await client.connect()
    return client
  }
}

function isFailureOfPeer(error: unknown): boolean {
  return (
    error instanceof DisconnectedError ||
    error instanceof RequestTimeoutError ||
    error instanceof CorrelationIdMismatchError ||
    error instanceof NetworkError ||
    error instanceof ProtocolError
  )
}
