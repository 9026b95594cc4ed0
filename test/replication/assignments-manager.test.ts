import { describe, expect, test } from 'vitest'
import { ClusterImage } from '../../src/controller/image/cluster-image.ts'
import { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import { TopicsDelta } from '../../src/controller/image/topics-delta.ts'
import { TopicsImage } from '../../src/controller/image/topics-image.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../../src/protocol/apis/assign-replicas-to-dirs.ts'
import { ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import { AssignmentsManager } from '../../src/replication/assignments-manager.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

const BROKER_ID = 1
const ORDERS = 'dGhlLXRvcGljLWlkLTAwMQ'
const PAYMENTS = 'dGhlLXRvcGljLWlkLTAwMg'
const DISK_A = 'ZGlyZWN0b3J5LWlkLTAwYQ'
const DISK_B = 'ZGlyZWN0b3J5LWlkLTAwYg'

/** Topics with one partition each, all hosted by the brokers. */
function topicsOf(partitions: Readonly<Record<string, number>>, replicas: readonly number[] = [BROKER_ID]) {
  const delta = new TopicsDelta(TopicsImage.EMPTY)
  for (const [topicId, count] of Object.entries(partitions)) {
    delta.replay({ type: 'TopicRecord', data: { name: `topic-${topicId}`, topicId } })
    for (let partitionId = 0; partitionId < count; partitionId++) {
      delta.replay({
        type: 'PartitionRecord',
        data: {
          partitionId,
          topicId,
          replicas: [...replicas],
          isr: [...replicas],
          leader: replicas[0] ?? -1,
          leaderEpoch: 0,
          partitionEpoch: 0,
          removingReplicas: [],
          addingReplicas: [],
          leaderRecoveryState: 0,
          directories: replicas.map(() => DISK_A),
          eligibleLeaderReplicas: null,
          lastKnownElr: null,
        },
      })
    }
  }
  return delta.apply()
}

const CLUSTER = new ClusterImage(
  new Map([
    [
      BROKER_ID,
      {
        id: BROKER_ID,
        epoch: 101,
        incarnationId: 'aW5jYXJuYXRpb24taWQtMQ',
        listeners: new Map(),
        supportedFeatures: new Map(),
        rack: null,
        fenced: false,
        inControlledShutdown: false,
        directories: [DISK_A, DISK_B],
      },
    ],
  ]),
)

/** A controller that answers when the test says what. */
function createManager(topics: TopicsImage = topicsOf({ [ORDERS]: 3, [PAYMENTS]: 1 })) {
  const runtime = createManualRuntime()
  const requests: AssignReplicasToDirsRequest[] = []
  const answers: ((answer: AssignReplicasToDirsResponse | Error) => void)[] = []
  const metadataCache = { image: new MetadataImage({ ...MetadataImage.EMPTY, cluster: CLUSTER, topics }) }
  const manager = new AssignmentsManager(runtime, {
    brokerId: BROKER_ID,
    metadataCache,
    channel: {
      assignReplicasToDirs: request => {
        requests.push(request)
        const { promise, resolve, reject } = Promise.withResolvers<AssignReplicasToDirsResponse>()
        answers.push(answer => (answer instanceof Error ? reject(answer) : resolve(answer)))
        return promise
      },
    },
  })
  /** Answers the oldest request; every partition with `errorCode`, unless a whole answer is given. */
  const answer = async (what: number | AssignReplicasToDirsResponse | Error = ErrorCode.NONE) => {
    const request = requests.at(-answers.length)
    if (request === undefined) throw new Error('there is no request to answer')
    answers.shift()?.(typeof what === 'number' ? echo(request, what) : what)
    await runtime.settle()
  }
  const setTopics = (changed: TopicsImage) => {
    metadataCache.image = new MetadataImage({ ...metadataCache.image, topics: changed })
  }
  return { runtime, manager, requests, answer, setTopics }
}

function echo(request: AssignReplicasToDirsRequest, errorCode: number): AssignReplicasToDirsResponse {
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }))
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, directories }
}

const refused = (errorCode: number): AssignReplicasToDirsResponse => ({ throttleTimeMs: 0, errorCode, directories: [] })

/** `directory: topic/partition …` of each directory of a request. */
function placesIn(request: AssignReplicasToDirsRequest | undefined): string[] {
  return (request?.directories ?? []).flatMap(({ id, topics }) =>
    topics.flatMap(({ topicId, partitions }) => partitions.map(p => `${id}: ${topicId}/${p.partitionIndex}`)),
  )
}

describe('assignments', () => {
  test('that come within a tenth of a second are sent together, in the epoch of the registration', async () => {
    const { runtime, manager, requests, answer } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    await runtime.advance(60)
    manager.onAssignment(ORDERS, 1, DISK_B)
    manager.onAssignment(PAYMENTS, 0, DISK_A)
    await runtime.advance(39)
    expect(requests).toEqual([])

    await runtime.advance(1)

    const orders = (partitionIndex: number) => ({ topicId: ORDERS, partitions: [{ partitionIndex }] })
    const payments = { topicId: PAYMENTS, partitions: [{ partitionIndex: 0 }] }
    expect(requests).toEqual([
      {
        brokerId: BROKER_ID,
        brokerEpoch: 101,
        directories: [
          { id: DISK_A, topics: [orders(0), payments] },
          { id: DISK_B, topics: [orders(1)] },
        ],
      },
    ])
    expect(manager.pending).toBe(3)
    await answer()
    expect(manager.pending).toBe(0)
    expect(runtime.pendingTimers).toBe(0)
  })

  test('wait while a request is in flight', async () => {
    const { runtime, manager, requests, answer } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    await runtime.advance(100)
    manager.onAssignment(ORDERS, 1, DISK_A)
    await runtime.advance(60_000)
    expect(requests).toHaveLength(1)
    expect(runtime.pendingTimers).toBe(0)

    await answer()
    await runtime.advance(100)

    expect(placesIn(requests[1])).toEqual([`${DISK_A}: ${ORDERS}/1`])
  })

  test('of the same replica replace each other', async () => {
    const { runtime, manager, requests } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    manager.onAssignment(ORDERS, 0, DISK_B)
    await runtime.advance(100)
    expect(placesIn(requests[0])).toEqual([`${DISK_B}: ${ORDERS}/0`])
  })

  test('of replicas that this broker has lost are dropped', async () => {
    const { runtime, manager, requests, setTopics } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    manager.onAssignment(PAYMENTS, 0, DISK_A)
    manager.onAssignment(PAYMENTS, 1, DISK_A)
    setTopics(topicsOf({ [PAYMENTS]: 1 }))
    await runtime.advance(100)
    expect(placesIn(requests[0])).toEqual([`${DISK_A}: ${PAYMENTS}/0`])
  })

  test('are not sent at all when all of them are obsolete', async () => {
    const { runtime, manager, requests, setTopics } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    setTopics(topicsOf({ [ORDERS]: 1 }, [2, 3]))
    await runtime.advance(60_000)
    expect(requests).toEqual([])
    expect([manager.pending, runtime.pendingTimers]).toEqual([0, 0])
  })

  test('fill requests of at most 2250, the first without a pause', async () => {
    const { runtime, manager, requests, answer } = createManager(topicsOf({ [ORDERS]: 2300 }))
    for (let partition = 0; partition < 2300; partition++) manager.onAssignment(ORDERS, partition, DISK_A)
    await runtime.advance(0)
    expect(placesIn(requests[0])).toHaveLength(2250)
    await answer()
    await runtime.advance(100)
    expect(placesIn(requests[1])).toHaveLength(50)
    expect(placesIn(requests[1])[0]).toBe(`${DISK_A}: ${ORDERS}/2250`)
  })
})

describe('failures', () => {
  test('of one replica are tried again with the next request', async () => {
    const { runtime, manager, requests, answer } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    await runtime.advance(100)
    await answer(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(manager.pending).toBe(1)
    await runtime.advance(100)
    await answer()
    expect(requests).toHaveLength(2)
    expect(manager.pending).toBe(0)
  })

  test('to answer for a replica are tried again', async () => {
    const { runtime, manager, requests, answer } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    await runtime.advance(100)
    await answer({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, directories: [] })
    await runtime.advance(100)
    expect(requests).toHaveLength(2)
  })

  test.each([
    ['STALE_BROKER_EPOCH', refused(ErrorCode.STALE_BROKER_EPOCH)],
    ['a time-out', new ApiError(ErrorCode.REQUEST_TIMED_OUT, 'no controller')],
  ])('of a whole request are tried again ever later: %s', async (_what, failure) => {
    const { runtime, manager, requests, answer } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    await runtime.advance(100)
    const pausesMs: number[] = []
    for (let failures = 1; failures <= 9; failures++) {
      await answer(failure)
      const sinceMs = runtime.clock.monotonicMs()
      while (requests.length === failures) await runtime.advance(10)
      pausesMs.push(runtime.clock.monotonicMs() - sinceMs)
    }
    const expectedMs = [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]
    for (const [index, expected] of expectedMs.entries()) {
      expect(pausesMs[index]).toBeGreaterThanOrEqual(expected * 0.98)
      expect(pausesMs[index]).toBeLessThanOrEqual(expected * 1.02 + 10)
    }
    expect(placesIn(requests.at(-1))).toEqual([`${DISK_A}: ${ORDERS}/0`])
    await answer()
    manager.onAssignment(ORDERS, 1, DISK_A)
    await runtime.advance(100)
    expect(requests).toHaveLength(11)
  })

  test('do not bring back what was said before of a replica', async () => {
    const { runtime, manager, requests, answer } = createManager()
    manager.onAssignment(ORDERS, 0, DISK_A)
    await runtime.advance(100)
    manager.onAssignment(ORDERS, 0, DISK_B)
    await answer(refused(ErrorCode.STALE_BROKER_EPOCH))
    await runtime.advance(300)
    expect(placesIn(requests[1])).toEqual([`${DISK_B}: ${ORDERS}/0`])
  })
})

test('nothing is sent any more after the shutdown', async () => {
  const { runtime, manager, requests, answer } = createManager()
  manager.onAssignment(ORDERS, 0, DISK_A)
  await runtime.advance(100)
  manager.onAssignment(ORDERS, 1, DISK_A)
  manager.shutdown()
  manager.onAssignment(ORDERS, 2, DISK_A)
  await answer(refused(ErrorCode.STALE_BROKER_EPOCH))
  await runtime.advance(60_000)
  expect(requests).toHaveLength(1)
  expect(runtime.pendingTimers).toBe(0)
})
