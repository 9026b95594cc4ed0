import { expect, test } from 'vitest'
import { Metrics } from '../../src/network/metrics.ts'
import type { FetchRequest } from '../../src/protocol/apis/fetch.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { type FetchContext, FetchManager, type FetchResult } from '../../src/server/fetch-manager.ts'
import type { FetchResponsePartition } from '../../src/server/fetch-session.ts'
import { FetchSessionCache } from '../../src/server/fetch-session-cache.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

const EVICTION_MS = 120_000
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

test('a full fetch creates a session, and the next request need not name its partitions', () => {
  const { manager } = setUp()
  const first = manager.newContext(11, request({ partitions: [0, 1] }), false, noNames)
  const sessionId = answer(first, { 0: { highWatermark: 5 }, 1: { highWatermark: 5 } }).sessionId

  const second = manager.newContext(11, request({ sessionId, sessionEpoch: 1 }), false, noNames)

  expect(sessionId).toBeGreaterThan(0)
  expect(second.partitions.map(({ id }) => id.partition)).toEqual([0, 1])
})

test('R10, KAFKA-9338: what a session remembers keeps its leader epoch, so that each fetch can be fenced', () => {
  const { manager } = setUp()
  const full = request({ partitions: [0] })
  const topics = full.topics.map(topic => ({
    ...topic,
    partitions: topic.partitions.map(partition => ({ ...partition, currentLeaderEpoch: 4, lastFetchedEpoch: 3 })),
  }))
  const { sessionId } = answer(manager.newContext(11, { ...full, topics }, true, noNames), {})

  const second = manager.newContext(11, request({ sessionId, sessionEpoch: 1 }), true, noNames)

  expect(second.partitions).toMatchObject([{ data: { currentLeaderEpoch: 4, lastFetchedEpoch: 3 } }])
})

test('an incremental response carries only partitions with something new', () => {
  const { manager } = setUp()
  const first = manager.newContext(11, request({ partitions: [0, 1, 2, 3] }), false, noNames)
  const sessionId = answer(first, {}).sessionId

  const second = manager.newContext(11, request({ sessionId, sessionEpoch: 1 }), false, noNames)
  const response = answer(second, {
    1: { records: Buffer.alloc(10) },
    2: { highWatermark: 9 },
    3: { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER },
  })

  expect(response.responses.flatMap(topic => topic.partitions.map(p => p.partitionIndex))).toEqual([1, 2, 3])
})

test('a partition whose error has gone is sent again though nothing else is new', () => {
  const { manager } = setUp()
  const sessionId = answer(manager.newContext(11, request({ partitions: [0] }), false, noNames), {}).sessionId
  const failing = manager.newContext(11, request({ sessionId, sessionEpoch: 1 }), false, noNames)
  answer(failing, { 0: { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, highWatermark: 0 } })

  const healed = answer(manager.newContext(11, request({ sessionId, sessionEpoch: 2 }), false, noNames), {})
  const quiet = answer(manager.newContext(11, request({ sessionId, sessionEpoch: 3 }), false, noNames), {})

  expect(healed.responses).toHaveLength(1)
  expect(quiet.responses).toHaveLength(0)
})

test('a partition that gave data is read last the next time', () => {
  const { manager } = setUp()
  const first = manager.newContext(11, request({ partitions: [0, 1, 2] }), false, noNames)
  const sessionId = answer(first, {}).sessionId
  answer(manager.newContext(11, request({ sessionId, sessionEpoch: 1 }), false, noNames), {
    0: { records: Buffer.alloc(1) },
  })

  const third = manager.newContext(11, request({ sessionId, sessionEpoch: 2 }), false, noNames)

  expect(third.partitions.map(({ id }) => id.partition)).toEqual([1, 2, 0])
})

test('partitions are added, changed and forgotten in a session', () => {
  const { manager } = setUp()
  const first = manager.newContext(11, request({ partitions: [0, 1] }), false, noNames)
  const sessionId = answer(first, {}).sessionId

  const change = request({ sessionId, sessionEpoch: 1, partitions: [1, 2], fetchOffset: 7, forgotten: [0] })
  const second = manager.newContext(11, change, false, noNames)

  expect(second.partitions.map(({ id, data }) => [id.partition, data.fetchOffset])).toEqual([
    [1, 7],
    [2, 7],
  ])
})

test('a session whose last partition is forgotten ends', () => {
  const { manager, cache } = setUp()
  const sessionId = answer(manager.newContext(11, request({ partitions: [0] }), false, noNames), {}).sessionId

  const last = manager.newContext(11, request({ sessionId, sessionEpoch: 1, forgotten: [0] }), false, noNames)

  expect(answer(last, {}).sessionId).toBe(0)
  expect(cache.size).toBe(0)
})

test('an unknown session, a wrong epoch and a change to topic ids are each refused by their error', () => {
  const { manager } = setUp()
  const sessionId = answer(manager.newContext(11, request({ partitions: [0] }), false, noNames), {}).sessionId
  const codeOf = (version: number, sent: Partial<Sent>) =>
    manager.newContext(version, request(sent), false, noNames).response([]).errorCode

  expect(codeOf(11, { sessionId: sessionId + 1, sessionEpoch: 1 })).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  expect(codeOf(11, { sessionId, sessionEpoch: 5 })).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
  expect(codeOf(13, { sessionId, sessionEpoch: 1 })).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
})

test('a parked request that was overtaken by the next of its session is refused', () => {
  const { manager } = setUp()
  const sessionId = answer(manager.newContext(11, request({ partitions: [0] }), false, noNames), {}).sessionId
  const parked = manager.newContext(11, request({ sessionId, sessionEpoch: 1 }), false, noNames)
  manager.newContext(11, request({ sessionId, sessionEpoch: 2 }), false, noNames)

  expect(answer(parked, {})).toEqual({ errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId, responses: [] })
})

test('a full request that names a session ends it; with the final epoch it makes no new one', () => {
  const { manager, cache } = setUp()
  const sessionId = answer(manager.newContext(11, request({ partitions: [0] }), false, noNames), {}).sessionId

  const closing = manager.newContext(11, request({ sessionId, sessionEpoch: -1, partitions: [0] }), false, noNames)

  expect(answer(closing, {}).sessionId).toBe(0)
  expect(cache.size).toBe(0)
})

test('a full cache gives no session until one was not used for long enough', async () => {
  const { manager, runtime, cache } = setUp(2)
  const full = () => answer(manager.newContext(11, request({ partitions: [0] }), false, noNames), {}).sessionId
  const first = full()
  await runtime.advance(1000)
  const second = full()

  const refused = full()
  await runtime.advance(EVICTION_MS)
  const third = full()

  expect(refused).toBe(0)
  expect(third).not.toBe(0)
  expect([cache.get(first), cache.get(second)?.id]).toEqual([undefined, second])
})

test("a follower's session drives out a consumer's, not the other way round", () => {
  const { manager } = setUp(1)
  const full = (follower: boolean) =>
    answer(manager.newContext(11, request({ partitions: [0] }), follower, noNames), {}).sessionId
  full(false)

  const follower = full(true)
  const consumer = full(false)

  expect(follower).not.toBe(0)
  expect(consumer).toBe(0)
})

test('a topic id that is not known yet gets its name later within the session', () => {
  const { manager } = setUp()
  const sent = request({ partitions: [0], topicId: TOPIC_ID, topic: '' })
  const first = manager.newContext(13, sent, false, noNames)
  const before = first.partitions.map(({ id }) => id.topic)
  const sessionId = answer(first, {}).sessionId

  const second = manager.newContext(13, request({ sessionId, sessionEpoch: 1 }), false, () => 'known')

  expect(before).toEqual([null])
  expect(second.partitions.map(({ id }) => id.topic)).toEqual(['known'])
})

const noNames = () => null

function setUp(maxEntries = 1000) {
  const runtime = createManualRuntime()
  const cache = new FetchSessionCache(runtime, { maxEntries, evictionMs: EVICTION_MS, metrics: new Metrics(runtime) })
  return { runtime, cache, manager: new FetchManager(runtime, cache) }
}

interface Sent {
  sessionId: number
  sessionEpoch: number
  partitions: number[]
  forgotten: number[]
  fetchOffset: number
  topic: string
  topicId: string
}

function request(given: Partial<Sent>): FetchRequest {
  const sent = { sessionId: 0, sessionEpoch: 0, partitions: [], forgotten: [], fetchOffset: 0, topic: 't', ...given }
  const topicId = given.topicId ?? ZERO_UUID
  const partitions = sent.partitions.map(partition => ({
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: sent.fetchOffset,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    partitionMaxBytes: 1000,
    replicaDirectoryId: ZERO_UUID,
    highWatermark: Number.MAX_SAFE_INTEGER,
  }))
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1000,
    isolationLevel: 0,
    sessionId: sent.sessionId,
    sessionEpoch: sent.sessionEpoch,
    topics: partitions.length === 0 ? [] : [{ topic: sent.topic, topicId, partitions }],
    forgottenTopicsData:
      sent.forgotten.length === 0 ? [] : [{ topic: sent.topic, topicId, partitions: sent.forgotten }],
    rackId: '',
  }
}

/** Answers every partition of the context, as given by partition number; else with nothing new. As the handler, it has no null. */
function answer(context: FetchContext, given: Record<number, Partial<FetchResponsePartition>>) {
  const results: FetchResult[] = context.partitions.map(({ id }) => ({
    id: { ...id, topic: id.topic ?? '' },
    data: {
      partitionIndex: id.partition,
      errorCode: ErrorCode.NONE,
      highWatermark: 0,
      lastStableOffset: 0,
      logStartOffset: 0,
      divergingEpoch: { epoch: -1, endOffset: -1 },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: { endOffset: -1, epoch: -1 },
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: Buffer.alloc(0),
      ...given[id.partition],
    },
  }))
  return context.response(results)
}
