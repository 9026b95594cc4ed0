import { afterEach, describe, expect, test } from 'vitest'
import { Fetch, type FetchRequest } from '../../src/protocol/apis/fetch.ts'
import { ListOffsets, type ListOffsetsRequest } from '../../src/protocol/apis/list-offsets.ts'
import { ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import { type FetchTarget, LeaderUnreachableError } from '../../src/replication/leader-end-point.ts'
import { RemoteLeaderEndPoint } from '../../src/replication/remote-leader-end-point.ts'
import { DEFAULT_REPLICATION_CONFIG } from '../../src/replication/replication-config.ts'
import { batch, TOPIC_ID } from '../log/log-fixture.ts'
import { ServerUnderTest } from '../support/server-under-test.ts'

const PARTITION = { topic: 'orders', topicId: TOPIC_ID, partition: 0 }
const TARGET: FetchTarget = {
  partition: PARTITION,
  fetchOffset: 5,
  logStartOffset: 2,
  currentLeaderEpoch: 3,
  lastFetchedEpoch: 1,
}

type Conduct = 'answer' | 'be silent' | 'hang up'

let stop: (() => Promise<void>) | undefined
afterEach(async () => {
  await stop?.()
  stop = undefined
})

/** A leader that conducts itself as the test says, and a follower's end of the line to it. */
async function connected(conduct: Conduct = 'answer') {
  const server = await ServerUnderTest.started()
  stop = () => server.stop()
  const { runtime } = server
  const leader = {
    conduct,
    fetches: [] as FetchRequest[],
    lookUps: [] as ListOffsetsRequest[],
    offsetError: 0,
    offset: 42,
  }
  server.handle = async request => {
    const { requestChannel } = server.server
    const isFetch = request.api.key === Fetch.key
    if (isFetch) leader.fetches.push(request.bodyOf(Fetch))
    else leader.lookUps.push(request.bodyOf(ListOffsets))
    if (leader.conduct === 'hang up') requestChannel.closeConnection(request)
    if (leader.conduct !== 'answer') return
    if (isFetch) {
      const isFull = request.bodyOf(Fetch).sessionEpoch === 0
      const partitions = isFull ? [{ partitionIndex: 0, errorCode: 0, highWatermark: 5, records: batch('a') }] : []
      requestChannel.sendResponse(request, Fetch, { sessionId: 7, responses: [{ topicId: TOPIC_ID, partitions }] })
      return
    }
    const found = {
      partitionIndex: 0,
      errorCode: leader.offsetError,
      timestamp: -1,
      offset: leader.offset,
      leaderEpoch: 3,
    }
    requestChannel.sendResponse(request, ListOffsets, { topics: [{ name: 'orders', partitions: [found] }] })
  }
  const endPoint = new RemoteLeaderEndPoint(runtime, {
    broker: { id: 1, host: '127.0.0.1', port: server.server.boundPort('PLAINTEXT') },
    clientId: 'broker-2-fetcher-0',
    brokerId: 2,
    brokerEpoch: () => 102,
    config: DEFAULT_REPLICATION_CONFIG,
  })
  return { server, runtime, leader, endPoint }
}

describe('a fetch', () => {
  test('says who asks and what is wanted, once a session', async () => {
    const { leader, endPoint, runtime } = await connected()
    const [first] = await runtime.run(() => endPoint.fetch([TARGET]))
    expect(first).toMatchObject({ target: TARGET, data: { errorCode: 0, highWatermark: 5 } })
    expect(await runtime.run(() => endPoint.fetch([TARGET]))).toEqual([])
    expect(leader.fetches).toMatchObject([
      {
        replicaState: { replicaId: 2, replicaEpoch: 102 },
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 10_485_760,
        sessionId: 0,
        sessionEpoch: 0,
        topics: [
          {
            topicId: TOPIC_ID,
            partitions: [
              {
                partition: 0,
                fetchOffset: 5,
                logStartOffset: 2,
                currentLeaderEpoch: 3,
                lastFetchedEpoch: 1,
                partitionMaxBytes: 1_048_576,
              },
            ],
          },
        ],
      },
      { sessionId: 7, sessionEpoch: 1, topics: [] },
    ])
    endPoint.close()
  })

  test('fails when the leader hangs up, and the next one connects again and begins another session', async () => {
    const { leader, endPoint, runtime, server } = await connected()
    await runtime.run(() => endPoint.fetch([TARGET]))
    leader.conduct = 'hang up'
    await expect(runtime.run(() => endPoint.fetch([TARGET]))).rejects.toThrow(LeaderUnreachableError)
    leader.conduct = 'answer'
    expect(await runtime.run(() => endPoint.fetch([TARGET]))).toHaveLength(1)
    expect(leader.fetches.at(-1)).toMatchObject({ sessionId: 7, sessionEpoch: 0 })
    await runtime.settle()
    expect(server.server.connectionCount).toBe(1)
    endPoint.close()
  })

  test('fails when nobody listens', async () => {
    const { endPoint, runtime, server } = await connected()
    await server.stop()
    stop = undefined
    await expect(runtime.run(() => endPoint.fetch([TARGET]))).rejects.toThrow(LeaderUnreachableError)
  })

  test('fails after replica.socket.timeout.ms without an answer', async () => {
    const { endPoint, runtime } = await connected('be silent')
    const started = runtime.clock.monotonicMs()
    await expect(runtime.run(() => endPoint.fetch([TARGET]))).rejects.toThrow(LeaderUnreachableError)
    expect(runtime.clock.monotonicMs() - started).toBeGreaterThanOrEqual(30_000)
  })

  test('fails at once when the end point is closed, and so does every later one', async () => {
    const { endPoint, runtime } = await connected('be silent')
    const fetch = endPoint.fetch([TARGET])
    const failed = expect(fetch).rejects.toThrow(LeaderUnreachableError)
    await runtime.settle()
    endPoint.close()
    await runtime.settle()
    await failed
    await expect(runtime.run(() => endPoint.fetch([TARGET]))).rejects.toThrow(LeaderUnreachableError)
  })
})

describe('a look-up of an offset', () => {
  test('asks as a replica, in the leader epoch', async () => {
    const { leader, endPoint, runtime } = await connected()
    expect(await runtime.run(() => endPoint.fetchLatestOffset(PARTITION, 3))).toBe(42)
    expect(await runtime.run(() => endPoint.fetchEarliestOffset(PARTITION, 3))).toBe(42)
    expect(leader.lookUps).toMatchObject([
      { replicaId: 2, topics: [{ name: 'orders', partitions: [{ currentLeaderEpoch: 3, timestamp: -1 }] }] },
      { replicaId: 2, topics: [{ name: 'orders', partitions: [{ currentLeaderEpoch: 3, timestamp: -2 }] }] },
    ])
    endPoint.close()
  })

  test('fails when no log can begin or end there', async () => {
    const { leader, endPoint, runtime } = await connected()
    leader.offset = -1
    await expect(runtime.run(() => endPoint.fetchLatestOffset(PARTITION, 3))).rejects.toThrow(ApiError)
    endPoint.close()
  })

  test('fails with the leader’s error', async () => {
    const { leader, endPoint, runtime } = await connected()
    leader.offsetError = ErrorCode.FENCED_LEADER_EPOCH
    const lookUp = runtime.run(() => endPoint.fetchLatestOffset(PARTITION, 3))
    await expect(lookUp).rejects.toThrow(ApiError)
    await expect(lookUp).rejects.toMatchObject({ code: ErrorCode.FENCED_LEADER_EPOCH })
    endPoint.close()
  })
})
