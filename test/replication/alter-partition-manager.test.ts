import { describe, expect, test } from 'vitest'
import type { AlterPartitionRequest, AlterPartitionResponse } from '../../src/protocol/apis/alter-partition.ts'
import { ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import {
  AlterPartitionManager,
  type AlterPartitionResult,
  type ProposedLeaderAndIsr,
} from '../../src/replication/alter-partition-manager.ts'
import { TOPIC_ID } from '../log/log-fixture.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

const OTHER_ID = 'dGhlLXRvcGljLWlkLTAwMg'
const PROPOSED: ProposedLeaderAndIsr = {
  leaderEpoch: 3,
  partitionEpoch: 7,
  isr: [
    { brokerId: 1, brokerEpoch: 101 },
    { brokerId: 2, brokerEpoch: -1 },
  ],
  leaderRecoveryState: 0,
}

/** A controller that answers when the test says what. */
function createManager() {
  const runtime = createManualRuntime()
  const requests: AlterPartitionRequest[] = []
  const answers: ((answer: AlterPartitionResponse | Error) => void)[] = []
  const manager = new AlterPartitionManager(runtime, {
    brokerId: 1,
    brokerEpoch: () => 101,
    channel: {
      alterPartition: request => {
        requests.push(request)
        const { promise, resolve, reject } = Promise.withResolvers<AlterPartitionResponse>()
        answers.push(answer => (answer instanceof Error ? reject(answer) : resolve(answer)))
        return promise
      },
    },
  })
  const submit = (topic: string, partition = 0) => {
    const results: AlterPartitionResult[] = []
    const topicId = topic === 'orders' ? TOPIC_ID : OTHER_ID
    manager.submit({ topic, topicId, partition }, PROPOSED, result => results.push(result))
    return results
  }
  const answer = async (what: AlterPartitionResponse | Error) => {
    answers.shift()?.(what)
    await runtime.settle()
  }
  return { runtime, manager, requests, submit, answer }
}

function response(topicId: string, partitionIndex: number, errorCode = 0): AlterPartitionResponse {
  const committed = { leaderId: 1, leaderEpoch: 3, isr: [1, 2], leaderRecoveryState: 0, partitionEpoch: 8 }
  const partitions = [{ partitionIndex, errorCode, ...committed }]
  return { throttleTimeMs: 0, errorCode: 0, topics: [{ topicId, partitions }] }
}

const failed = (errorCode: number): AlterPartitionResponse => ({ throttleTimeMs: 0, errorCode, topics: [] })

describe('proposals', () => {
  test('carry the epochs under which the leader knows everybody', async () => {
    const { runtime, requests, submit, answer } = createManager()
    const results = submit('orders')
    await runtime.settle()
    expect(requests).toMatchObject([
      {
        brokerId: 1,
        brokerEpoch: 101,
        topics: [
          {
            topicId: TOPIC_ID,
            partitions: [
              { partitionIndex: 0, leaderEpoch: 3, partitionEpoch: 7, newIsrWithEpochs: PROPOSED.isr, newIsr: [] },
            ],
          },
        ],
      },
    ])
    await answer(response(TOPIC_ID, 0))
    expect(results).toMatchObject([{ errorCode: 0, committed: { isr: [1, 2], partitionEpoch: 8 } }])
  })

  test('go out one request at a time, with all that waits', async () => {
    const { runtime, requests, submit, answer } = createManager()
    submit('orders', 0)
    await runtime.settle()
    submit('orders', 1)
    submit('payments', 0)
    await runtime.settle()
    expect(requests).toHaveLength(1)
    await answer(response(TOPIC_ID, 0))
    expect(requests).toHaveLength(2)
    expect(
      requests[1]?.topics.map(({ topicId, partitions }) => [topicId, partitions.map(p => p.partitionIndex)]),
    ).toEqual([
      [TOPIC_ID, [1]],
      [OTHER_ID, [0]],
    ])
  })

  test('for a partition that has one under way are not attempted', async () => {
    const { submit, answer, runtime } = createManager()
    submit('orders')
    expect(submit('orders')).toEqual([{ errorCode: ErrorCode.OPERATION_NOT_ATTEMPTED }])
    await runtime.settle()
    await answer(response(TOPIC_ID, 0, ErrorCode.INELIGIBLE_REPLICA))
    expect(submit('orders')).toEqual([])
  })

  test.each([
    ['a stale broker epoch', failed(ErrorCode.STALE_BROKER_EPOCH)],
    ['an unknown error', failed(ErrorCode.UNKNOWN_SERVER_ERROR)],
    ['a lost connection', new Error('the connection is gone')],
    ['no controller', new ApiError(ErrorCode.NOT_CONTROLLER)],
  ])('are repeated soon after %s', async (_, error) => {
    const { runtime, requests, submit, answer } = createManager()
    const results = submit('orders')
    await runtime.settle()
    await answer(error)
    await runtime.advance(49)
    expect(requests).toHaveLength(1)
    await runtime.advance(1)
    expect(requests).toHaveLength(2)
    expect(requests[1]).toEqual(requests[0])
    await answer(response(TOPIC_ID, 0))
    expect(results).toHaveLength(1)
  })

  test('that the answer leaves out are sent again', async () => {
    const { runtime, requests, submit, answer } = createManager()
    const results = submit('orders')
    await runtime.settle()
    await answer(response(OTHER_ID, 0))
    expect(results).toEqual([])
    expect(requests).toHaveLength(2)
  })

  test('are forgotten when the broker shuts down', async () => {
    const { runtime, requests, manager, submit, answer } = createManager()
    const results = submit('orders')
    await runtime.settle()
    manager.shutdown()
    await answer(failed(ErrorCode.STALE_BROKER_EPOCH))
    await runtime.advance(1000)
    expect(results).toEqual([])
    expect(requests).toHaveLength(1)
    expect(runtime.pendingTimers).toBe(0)
  })
})
