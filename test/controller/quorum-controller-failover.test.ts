import { describe, expect, test } from 'vitest'
import type { KafkaConfigSchema } from '../../src/controller/kafka-config-schema.ts'
import type { MetadataRecord } from '../../src/controller/metadata-records.ts'
import { QuorumController } from '../../src/controller/quorum-controller.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import {
  AppendBufferFullError,
  type LeaderAndEpoch,
  type RaftClient,
  type RaftListener,
} from '../../src/raft/raft-client.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'
import { CLUSTER_ID, registration } from './controller-fixture.ts'

const NO_CONFIGS: KafkaConfigSchema = {
  isSplittable: () => false,
  defaultValue: () => null,
  validate: () => {},
  effectiveTopicConfig: name => ({ name, value: null, source: 5, isSensitive: false, isReadOnly: false }),
  effectiveTopicConfigs: () => [],
}

/** A log whose commits and leaders are what the test says. */
class ScriptedRaftClient implements RaftClient<MetadataRecord> {
  readonly nodeId = 1
  leaderAndEpoch: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }
  highWatermark = 0
  logEndOffset = 0
  failure: Error | undefined
  readonly pending: { baseOffset: number; lastOffset: number; epoch: number; records: readonly MetadataRecord[] }[] = []
  #listener: RaftListener<MetadataRecord> | undefined

  register(listener: RaftListener<MetadataRecord>): void {
    this.#listener = listener
  }

  unregister(): void {
    this.#listener = undefined
  }

  prepareAppend(epoch: number, records: readonly MetadataRecord[]): number {
    if (this.failure !== undefined) throw this.failure
    const baseOffset = this.logEndOffset
    const lastOffset = baseOffset + records.length - 1
    this.pending.push({ baseOffset, lastOffset, epoch, records })
    this.logEndOffset = lastOffset + 1
    return lastOffset
  }

  schedulePreparedAppend(): void {}

  readonly latestSnapshotId = undefined

  async createSnapshot(): Promise<undefined> {}

  resign(): void {}

  async shutdown(): Promise<void> {}

  /** Commits the oldest append, or a batch of another leader. */
  async commit(other?: { epoch: number; records: readonly MetadataRecord[] }): Promise<void> {
    const baseOffset = this.highWatermark
    const batch =
      other === undefined
        ? this.pending.shift()
        : { baseOffset, lastOffset: baseOffset + other.records.length - 1, ...other }
    if (batch === undefined) throw new Error('nothing to commit')
    this.highWatermark = batch.lastOffset + 1
    this.logEndOffset = Math.max(this.logEndOffset, this.highWatermark)
    await this.#listener?.handleCommit([{ ...batch, appendTimestampMs: 0, sizeBytes: 0 }])
  }

  async lead(leaderId: number | undefined, epoch: number): Promise<void> {
    this.leaderAndEpoch = { leaderId, epoch }
    if (leaderId !== this.nodeId) {
      this.pending.length = 0
      this.logEndOffset = this.highWatermark
    }
    await this.#listener?.handleLeaderChange(this.leaderAndEpoch)
  }
}

async function start() {
  const runtime = createManualRuntime()
  const raft = new ScriptedRaftClient()
  const faults: unknown[] = []
  const controller = new QuorumController(runtime, {
    nodeId: 1,
    clusterId: CLUSTER_ID,
    raftClient: raft,
    configSchema: NO_CONFIGS,
    defaultNumPartitions: 1,
    defaultReplicationFactor: 1,
    sessionTimeoutMs: 9000,
    maxIdleIntervalMs: 0,
    onFault: error => faults.push(error),
  })
  controller.start()
  return { runtime, raft, controller, faults }
}

/** A controller that leads in epoch 1, with one unfenced broker. */
async function startActive() {
  const fixture = await start()
  const { runtime, raft, controller } = fixture
  await runtime.run(() => raft.lead(1, 1))
  await runtime.run(() => raft.commit())
  const registered = observe(controller.registerBroker(registration(1, 'Incarnation0000000001A')))
  await turn(runtime)
  await runtime.run(() => raft.commit())
  await turn(runtime)
  const { brokerEpoch } = registered.value ?? { brokerEpoch: -1 }
  const heartbeat = {
    brokerId: 1,
    brokerEpoch,
    currentMetadataOffset: brokerEpoch,
    wantFence: false,
    wantShutDown: false,
  }
  void observe(controller.processBrokerHeartbeat({ ...heartbeat, offlineLogDirs: [] }))
  await turn(runtime)
  await runtime.run(() => raft.commit())
  return fixture
}

/** Lets the controller take its events. */
async function turn(runtime: ManualRuntime): Promise<void> {
  await runtime.advance(1)
}

interface Observed<T> {
  value: T | undefined
  error: unknown
}

function observe<T>(promise: Promise<T>): Observed<T> {
  const observed: Observed<T> = { value: undefined, error: undefined }
  promise.then(
    value => {
      observed.value = value
    },
    error => {
      observed.error = error
    },
  )
  return observed
}

function create(controller: QuorumController, name: string) {
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  return observe(controller.createTopics({ topics, timeoutMs: 1000, validateOnly: false }, Number.POSITIVE_INFINITY))
}

describe('QuorumController on a quorum', () => {
  test('answers an operation when its records are committed, and each operation sees those before it', async () => {
    const { runtime, raft, controller } = await startActive()

    const first = create(controller, 'orders')
    const second = create(controller, 'orders')
    await turn(runtime)
    expect([first.value, second.value]).toEqual([undefined, undefined])
    expect(raft.pending).toHaveLength(1)
    await runtime.run(() => raft.commit())
    await turn(runtime)

    expect(first.value?.topics[0]?.errorCode).toBe(ErrorCode.NONE)
    expect(second.value?.topics[0]?.errorCode).toBe(ErrorCode.TOPIC_ALREADY_EXISTS)
  })

  test('losing the leadership drops what is not committed, and answers that the outcome lies with another', async () => {
    const { runtime, raft, controller, faults } = await startActive()
    const dropped = create(controller, 'dropped')
    await turn(runtime)

    await runtime.run(() => raft.lead(2, 2))
    await turn(runtime)

    expect(dropped.error).toMatchObject({
      code: ErrorCode.NOT_CONTROLLER,
      message: 'The active controller appears to be node 2.',
    })
    expect(controller.isActive).toBe(false)
    await runtime.run(() => raft.commit({ epoch: 2, records: [{ type: 'NoOpRecord', data: {} }] }))
    await runtime.run(() => raft.lead(1, 3))
    const again = create(controller, 'dropped')
    await turn(runtime)
    await runtime.run(() => raft.commit())
    await turn(runtime)
    expect(again.value?.topics[0]?.errorCode).toBe(ErrorCode.NONE)
    expect(faults).toEqual([])
  })

  test('standing by, it follows the records of others and refuses operations', async () => {
    const { runtime, raft, controller } = await start()
    await runtime.run(() => raft.lead(2, 1))
    await runtime.run(() =>
      raft.commit({
        epoch: 1,
        records: [{ type: 'TopicRecord', data: { name: 'a', topicId: 'TopicNumberOne000000AA' } }],
      }),
    )

    const refused = create(controller, 'b')
    await turn(runtime)

    expect(refused.error).toMatchObject({ code: ErrorCode.NOT_CONTROLLER })
    expect([...controller.committedImage.topics.topicsByName.keys()]).toEqual(['a'])
  })

  test('an append for which the log has no room is refused and changes nothing', async () => {
    const { runtime, raft, controller, faults } = await startActive()
    raft.failure = new AppendBufferFullError(5, 4)
    const refused = create(controller, 'orders')
    await turn(runtime)
    raft.failure = undefined
    const accepted = create(controller, 'orders')
    await turn(runtime)
    await runtime.run(() => raft.commit())
    await turn(runtime)

    expect(refused.error).toMatchObject({ code: ErrorCode.REQUEST_TIMED_OUT })
    expect(accepted.value?.topics[0]?.errorCode).toBe(ErrorCode.NONE)
    expect(faults).toEqual([])
  })

  test('a log that commits something else than what was appended is a fault, and nothing is acknowledged', async () => {
    const { runtime, raft, controller, faults } = await startActive()
    const open = create(controller, 'orders')
    await turn(runtime)

    await runtime.run(() => raft.commit({ epoch: 9, records: [{ type: 'NoOpRecord', data: {} }] }))
    await turn(runtime)

    expect(faults).toHaveLength(1)
    expect(open.value).toBeUndefined()
    expect(open.error).toMatchObject({ code: ErrorCode.NOT_CONTROLLER })
  })
})
