import type { Api } from '../../src/protocol/api.ts'
import { ApiVersions } from '../../src/protocol/apis/api-versions.ts'
import { InitProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { Produce, type ProduceRequest } from '../../src/protocol/apis/produce.ts'
import { decodeRequestBody, encodeResponse, parseRequestHeader } from '../../src/protocol/codec.ts'
import { produceBatch, type RecordBatchView } from '../../src/protocol/records/batch.ts'
import type { Fields, Message, MessageInput } from '../../src/protocol/schema.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { type Connection, END_OF_STREAM, type Listener } from '../../src/runtime/network.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'

/** A request as the script sees it, and what it may do with it: exactly one of the three, now or later, or nothing at all. */
export interface ScriptedRequest {
  readonly api: Api
  readonly version: number
  readonly body: unknown
  /** Which connection it came on, from 0. */
  readonly connection: number
  answer(body: object): void
  disconnect(): void
}

/** One batch of a Produce request. */
export interface ReceivedBatch {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly batch: RecordBatchView
  readonly values: readonly string[]
}

/** A received Produce request. */
export interface ReceivedProduce {
  readonly batches: readonly ReceivedBatch[]
  readonly request: ScriptedRequest
  /** Answers all its batches: with an error, or with consecutive offsets of each partition. */
  respond(errorCode?: number, extra?: object): void
}

/**
 * A broker that says what a test wants it to say. By default it answers ApiVersions, Metadata (`topics`, all led by itself) and
 * InitProducerId (ids from 1000); Produce goes to `onProduce`, which answers at once unless the test says otherwise.
 */
export class ScriptedBroker {
  readonly id: number
  readonly topics = new Map<string, number>()
  readonly produced: ReceivedProduce[] = []
  readonly requests: ScriptedRequest[] = []
  leaderEpoch = 0
  onProduce: (produce: ReceivedProduce) => void = produce => produce.respond()
  /** True: the script has taken care of it. */
  onRequest: (request: ScriptedRequest) => boolean = () => false
  readonly #runtime: Runtime
  readonly #offsets = new Map<string, number>()
  readonly #connections = new Set<Connection>()
  #listener: Listener | undefined
  #port = 0
  #nextProducerId = 1000
  #nextConnection = 0

  constructor(runtime: Runtime, id = 1) {
    this.#runtime = runtime
    this.id = id
  }

  static async started(runtime: Runtime, topics: Readonly<Record<string, number>>, id = 1): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(runtime, id)
    for (const [topic, partitions] of Object.entries(topics)) broker.topics.set(topic, partitions)
    await broker.start()
    return broker
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.#port}`
  }

  get connections(): number {
    return this.#connections.size
  }

  /** All values that were received, by request. */
  get values(): string[][] {
    return this.produced.map(({ batches }) => batches.flatMap(({ values }) => values))
  }

  async start(): Promise<void> {
    const listener = await this.#runtime.network.listen({ host: '127.0.0.1', port: this.#port, backlog: 10 })
    this.#listener = listener
    this.#port = listener.address.port
    listener.onReady(() => {
      for (let next = listener.accept(); next !== null; next = listener.accept()) this.#serve(next)
    })
  }

  /** Refuses connections and resets those there are. */
  stop(): void {
    this.#listener?.close()
    this.disconnectAll()
  }

  disconnectAll(): void {
    for (const connection of this.#connections) connection.reset()
    this.#connections.clear()
  }

  #serve(connection: Connection): void {
    let received = Buffer.alloc(0)
    const number = this.#nextConnection++
    this.#connections.add(connection)
    connection.onReady(() => {
      try {
        for (let chunk = connection.read(1 << 20); chunk !== null; chunk = connection.read(1 << 20)) {
          if (chunk === END_OF_STREAM) {
            this.#connections.delete(connection)
            connection.close()
            return
          }
          received = Buffer.concat([received, chunk])
        }
      } catch {
        this.#connections.delete(connection)
        return
      }
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const size = received.readInt32BE(0)
        const frame = Buffer.from(received.subarray(4, 4 + size))
        received = received.subarray(4 + size)
        this.#receive(connection, number, frame)
      }
    })
  }

  #receive(connection: Connection, number: number, frame: Buffer): void {
    const { api, header, bodyOffset } = parseRequestHeader(frame)
    const body: unknown = decodeRequestBody(api, header.apiVersion, frame, bodyOffset)
    const request: ScriptedRequest = {
      api,
      version: header.apiVersion,
      body,
      connection: number,
      answer: answer => {
        const payload = encodeResponse(
          api as Api<Fields, Fields>,
          header.apiVersion,
          header.correlationId,
          answer as MessageInput<Fields>,
        )
        const size = Buffer.alloc(4)
        size.writeInt32BE(payload.length)
        if (this.#connections.has(connection)) connection.write(Buffer.concat([size, payload]))
      },
      disconnect: () => {
        this.#connections.delete(connection)
        connection.reset()
      },
    }
    this.requests.push(request)
    if (!this.onRequest(request)) this.#answer(request)
  }

  #answer(request: ScriptedRequest): void {
    const { api, body } = request
    if (api.key === ApiVersions.key) {
      const apis: readonly Api[] = [ApiVersions, Metadata, InitProducerId, Produce] as unknown as readonly Api[]
      const apiKeys = apis.map(({ key, versions }) => ({
        apiKey: key,
        minVersion: versions[0],
        maxVersion: versions[1],
      }))
      request.answer({ errorCode: 0, apiKeys })
    } else if (api.key === Metadata.key) {
      request.answer(this.metadata(body as Message<(typeof Metadata)['request']['fields']>))
    } else if (api.key === InitProducerId.key) {
      request.answer({ errorCode: 0, producerId: this.#nextProducerId++, producerEpoch: 0 })
    } else {
      this.#produce(request)
    }
  }

  /** What it tells of the cluster: of what was asked, as far as it is in `topics`. */
  metadata(asked: Message<(typeof Metadata)['request']['fields']>): object {
    const names = asked.topics?.map(({ name }) => name ?? '') ?? [...this.topics.keys()]
    return {
      brokers: [{ nodeId: this.id, host: '127.0.0.1', port: this.#port }],
      clusterId: 'scripted',
      controllerId: this.id,
      topics: names.map(name => ({
        errorCode: this.topics.has(name) ? 0 : 3,
        name,
        topicId: this.topics.has(name) ? topicIdOf(name) : ZERO_UUID,
        partitions: Array.from({ length: this.topics.get(name) ?? 0 }, (_, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: this.id,
          leaderEpoch: this.leaderEpoch,
          replicaNodes: [this.id],
          isrNodes: [this.id],
        })),
      })),
    }
  }

  #produce(request: ScriptedRequest): void {
    const { topicData } = request.body as ProduceRequest
    const names = new Map([...this.topics.keys()].map(name => [topicIdOf(name), name]))
    const batches: ReceivedBatch[] = topicData.flatMap(({ topicId, partitionData }) =>
      partitionData.map(({ index, records }) => {
        const batch = produceBatch(records, request.version)
        const values = [...batch.records()].map(({ value }) => value?.toString() ?? 'null')
        return { topic: names.get(topicId) ?? '', topicId, partition: index, batch, values }
      }),
    )
    const respond = (errorCode = 0, extra: object = {}) =>
      request.answer({
        responses: batches.map(({ topic, partition, batch }) => ({
          topicId: topicIdOf(topic),
          partitionResponses: [
            {
              index: partition,
              errorCode,
              baseOffset: errorCode === 0 ? this.#append(topic, partition, batch) : -1,
              ...extra,
            },
          ],
        })),
      })
    const produce: ReceivedProduce = { batches, request, respond }
    this.produced.push(produce)
    this.onProduce(produce)
  }

  #append(topic: string, partition: number, batch: RecordBatchView): number {
    const key = `${topic}-${partition}`
    const offset = this.#offsets.get(key) ?? 0
    this.#offsets.set(key, offset + batch.recordCount)
    return offset
  }
}

/** The same id for the same name. */
export function topicIdOf(name: string): string {
  return Buffer.from(name.padEnd(16, '.').slice(0, 16)).toString('base64url')
}
