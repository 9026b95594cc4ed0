import { afterEach, beforeEach } from 'vitest'
import type { ConfigValues } from '../../../src/clients/abstract-config.ts'
import { KafkaConsumer } from '../../../src/clients/consumer/kafka-consumer.ts'
import { stringSerde } from '../../../src/clients/serialization.ts'
import type { Api } from '../../../src/protocol/api.ts'
import { ApiVersions } from '../../../src/protocol/apis/api-versions.ts'
import {
  ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatRequest,
} from '../../../src/protocol/apis/consumer-group-heartbeat.ts'
import { Fetch } from '../../../src/protocol/apis/fetch.ts'
import { FindCoordinator } from '../../../src/protocol/apis/find-coordinator.ts'
import { ListOffsets } from '../../../src/protocol/apis/list-offsets.ts'
import { Metadata, type MetadataRequest } from '../../../src/protocol/apis/metadata.ts'
import { OffsetCommit, type OffsetCommitRequest } from '../../../src/protocol/apis/offset-commit.ts'
import { OffsetFetch, type OffsetFetchRequest } from '../../../src/protocol/apis/offset-fetch.ts'
import type { Timer } from '../../../src/runtime/runtime.ts'
import { createManualRuntime, type ManualRuntime } from '../../support/manual-runtime.ts'
import { ScriptedBroker, type ScriptedRequest, topicIdOf } from '../../support/scripted-broker.ts'
import type { TextConsumer } from './consumer-fixture.ts'

const APIS = [
  ApiVersions,
  ConsumerGroupHeartbeat,
  Fetch,
  FindCoordinator,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
]

const FETCH_WAIT_MS = 500

/** What a heartbeat is answered with; what is left out: no error, the epoch as asked (1 for who joins), no partitions. */
export interface HeartbeatAnswer {
  readonly errorCode?: number
  readonly errorMessage?: string
  readonly memberEpoch?: number
  readonly assignment?: { readonly topicPartitions: { topicId: string; partitions: number[] }[] } | null
}

/** A coordinator that says what a test wants, and the leader of topics of which nobody gets anything. */
export class ScriptedGroup {
  readonly heartbeats: ConsumerGroupHeartbeatRequest[] = []
  readonly commits: OffsetCommitRequest[] = []
  readonly fetchedOffsets: OffsetFetchRequest[] = []
  /** The newest version of ConsumerGroupHeartbeat; undefined: the broker does not have it. */
  heartbeatVersion: number | undefined = 1
  /** Undefined: no answer. */
  onHeartbeat: (heartbeat: ConsumerGroupHeartbeatRequest) => HeartbeatAnswer | undefined = () => ({})
  /** Error codes for all partitions of one commit. */
  onCommit: (commit: OffsetCommitRequest) => number = () => 0
  onOffsetFetch: (request: OffsetFetchRequest) => number = () => 0
  readonly runtime: ManualRuntime
  readonly broker: ScriptedBroker
  readonly consumers: TextConsumer[] = []
  readonly #fetches = new Map<number, { readonly request: ScriptedRequest; readonly timer: Timer }>()

  constructor(runtime: ManualRuntime, broker: ScriptedBroker) {
    this.runtime = runtime
    this.broker = broker
    broker.onRequest = request => this.#take(request)
  }

  consumer(config: ConfigValues = {}): TextConsumer {
    const consumer = new KafkaConsumer<string, string>(
      this.runtime,
      {
        'bootstrap.servers': this.broker.bootstrap,
        'group.id': 'group',
        'group.protocol': 'consumer',
        'enable.auto.commit': false,
        ...config,
      },
      { keyDeserializer: stringSerde, valueDeserializer: stringSerde },
    )
    this.consumers.push(consumer)
    return consumer
  }

  run<T>(body: () => Promise<T>): Promise<T> {
    return this.runtime.run(body)
  }

  /** Subscribes to `orders` and polls for a while. */
  async subscribed(config: ConfigValues = {}): Promise<TextConsumer> {
    const consumer = this.consumer(config)
    await this.run(() => consumer.subscribe(['orders']))
    await this.run(() => consumer.poll(2000))
    return consumer
  }

  #take(request: ScriptedRequest): boolean {
    const { api, body } = request
    // In order: what waits on this connection is answered before.
    this.#endFetch(request.connection)
    if (api.key === ApiVersions.key) request.answer({ errorCode: 0, apiKeys: this.#apiKeys() })
    else if (api.key === FindCoordinator.key) request.answer({ coordinators: [this.#coordinator()] })
    else if (api.key === ConsumerGroupHeartbeat.key) this.#heartbeat(request, body as ConsumerGroupHeartbeatRequest)
    else if (api.key === OffsetCommit.key) this.#commit(request, body as OffsetCommitRequest)
    else if (api.key === OffsetFetch.key) this.#fetchOffsets(request, body as OffsetFetchRequest)
    else if (api.key === Metadata.key) request.answer(this.#metadata(body as MetadataRequest))
    else if (api.key === Fetch.key) this.#fetch(request)
    return true
  }

  /** Waits for records, which never come. */
  #fetch(request: ScriptedRequest): void {
    const timer = this.runtime.timers.after(FETCH_WAIT_MS, () => this.#endFetch(request.connection))
    this.#fetches.set(request.connection, { request, timer })
  }

  #endFetch(connection: number): void {
    const fetch = this.#fetches.get(connection)
    this.#fetches.delete(connection)
    fetch?.timer.cancel()
    fetch?.request.answer({ responses: [] })
  }

  #apiKeys() {
    return (APIS as unknown as readonly Api[]).flatMap(({ key, versions: [minVersion, maxVersion] }) => {
      if (key !== ConsumerGroupHeartbeat.key) return [{ apiKey: key, minVersion, maxVersion }]
      return this.heartbeatVersion === undefined ? [] : [{ apiKey: key, minVersion, maxVersion: this.heartbeatVersion }]
    })
  }

  #metadata({ topics, ...asked }: MetadataRequest): object {
    const names = new Map([...this.broker.topics.keys()].map(name => [topicIdOf(name), name]))
    const named = topics?.map(({ topicId, name }) => ({ topicId, name: name ?? names.get(topicId) ?? '' })) ?? null
    return this.broker.metadata({ ...asked, topics: named })
  }

  #coordinator() {
    const [host = '', port] = this.broker.bootstrap.split(':')
    return { key: 'group', nodeId: this.broker.id, host, port: Number(port), errorCode: 0 }
  }

  #heartbeat(request: ScriptedRequest, body: ConsumerGroupHeartbeatRequest): void {
    this.heartbeats.push(body)
    const answer = this.onHeartbeat(body)
    if (answer === undefined) return
    const joins = body.memberEpoch === 0
    const unless = { memberEpoch: joins ? 1 : body.memberEpoch, assignment: joins ? ofOrders() : null }
    request.answer({ errorCode: 0, memberId: body.memberId, heartbeatIntervalMs: 1000, ...unless, ...answer })
  }

  #commit(request: ScriptedRequest, body: OffsetCommitRequest): void {
    this.commits.push(body)
    const errorCode = this.onCommit(body)
    const topics = body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    }))
    request.answer({ topics })
  }

  /** Offset 5 is committed everywhere. */
  #fetchOffsets(request: ScriptedRequest, body: OffsetFetchRequest): void {
    this.fetchedOffsets.push(body)
    const errorCode = this.onOffsetFetch(body)
    const groups = body.groups.map(({ groupId, topics }) => ({
      groupId,
      errorCode,
      topics: (errorCode === 0 ? (topics ?? []) : []).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map(partitionIndex => ({
          partitionIndex,
          committedOffset: 5,
          metadata: '',
          errorCode: 0,
        })),
      })),
    }))
    request.answer({ groups })
  }
}

/** Partitions of `orders` as heartbeats hold them. */
export function ofOrders(...partitions: number[]) {
  return { topicPartitions: partitions.length === 0 ? [] : [{ topicId: topicIdOf('orders'), partitions }] }
}

/** A scripted coordinator of topic `orders` with two partitions for each test; consumers are closed at its end. */
export function useScriptedGroup(): { readonly current: ScriptedGroup } {
  let group: ScriptedGroup
  beforeEach(async () => {
    const runtime = createManualRuntime()
    group = new ScriptedGroup(runtime, await ScriptedBroker.started(runtime, { orders: 2 }))
  })
  afterEach(async () => {
    for (const consumer of group.consumers) await group.run(() => consumer.close({ timeoutMs: 100 }))
    await group.runtime.advance(60_000)
    if (group.runtime.pendingTimers > 0) throw new Error('a consumer has left timers')
  })
  return {
    get current() {
      return group
    },
  }
}
