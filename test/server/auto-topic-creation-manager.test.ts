import { expect, test } from 'vitest'
import type { CreateTopicsRequest } from '../../src/protocol/apis/create-topics.ts'
import { ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import { AutoTopicCreationManager } from '../../src/server/auto-topic-creation-manager.ts'
import { fakeControllerChannel } from '../support/fake-controller-channel.ts'

test('a missing topic is created with the defaults, and its name answered as unknown', async () => {
  const { manager, requests } = setUp()

  const codes = manager.createTopics(['orders'])

  expect([...codes]).toEqual([['orders', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]])
  expect(requests[0]).toMatchObject({
    topics: [{ name: 'orders', numPartitions: 3, replicationFactor: 1 }],
    timeoutMs: 30_000,
    validateOnly: false,
  })
})

test('a name that no topic can have is told and not asked for', () => {
  const { manager, requests } = setUp()

  const codes = manager.createTopics(['a/b', '..', ''])

  expect([...codes.values()]).toEqual(Array(3).fill(ErrorCode.INVALID_TOPIC_EXCEPTION))
  expect(requests).toEqual([])
})

test('a topic is asked for once while the request is under way, and again when it has failed', async () => {
  const { manager, requests, settle } = setUp()
  manager.createTopics(['orders'])
  manager.createTopics(['orders', 'users'])
  expect(requests.map(request => request.topics.map(topic => topic.name))).toEqual([['orders'], ['users']])

  for (const reject of settle) reject(new ApiError(ErrorCode.REQUEST_TIMED_OUT))
  await new Promise(resolve => setImmediate(resolve))
  manager.createTopics(['orders'])

  expect(requests).toHaveLength(3)
})

test("a topic of Kafka's own is created as it must be, whatever the defaults are", () => {
  const { manager, requests } = setUp()

  manager.createTopics(['__consumer_offsets'])

  expect(requests[0]?.topics).toMatchObject([
    {
      name: '__consumer_offsets',
      numPartitions: 50,
      replicationFactor: 2,
      configs: [{ name: 'cleanup.policy', value: 'compact' }],
    },
  ])
})

function setUp() {
  const requests: CreateTopicsRequest[] = []
  const settle: ((error: Error) => void)[] = []
  const controller = fakeControllerChannel({
    createTopics: request => {
      requests.push(request)
      return new Promise((_, reject) => settle.push(reject))
    },
  })
  const internal = { numPartitions: 50, replicationFactor: 2, configs: new Map([['cleanup.policy', 'compact']]) }
  const internalTopics = new Map([['__consumer_offsets', internal]])
  const defaults = { numPartitions: 3, replicationFactor: 1, requestTimeoutMs: 30_000, internalTopics }
  return { requests, settle, manager: new AutoTopicCreationManager(controller, defaults) }
}
