import { expect, test } from 'vitest'
import { ConsumerGroupUnderTest } from '../../support/consumer-group-under-test.ts'
import { GROUP } from '../../support/shard-under-test.ts'

const PATTERN = { topics: null, subscribedTopicRegex: 'orders.*' }

/** A group whose only member A reads `orders.*`, which is resolved. */
function resolvedGroup(topics: Readonly<Record<string, number>> = { orders: 2 }): ConsumerGroupUnderTest {
  const coordinator = new ConsumerGroupUnderTest(topics)
  coordinator.join('A', PATTERN)
  coordinator.executor.run()
  coordinator.heartbeat('A', 1)
  return coordinator
}

function resolvedTopics({ group }: ConsumerGroupUnderTest): Record<string, readonly string[]> {
  return Object.fromEntries([...group.resolvedRegularExpressions].map(([regex, { topics }]) => [regex, topics]))
}

test('a member that subscribes by a pattern gets its topics when it is resolved, with its next heartbeat', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2, 'orders-x': 1, payments: 1 })

  expect(coordinator.join('A', PATTERN)).toMatchObject({ error: 'NONE', epoch: 1, partitions: [] })
  expect(coordinator.executor.keys).toEqual([`${GROUP}-regex`])
  coordinator.executor.run()

  const partitions = ['orders-0', 'orders-1', 'orders-x-0']
  expect(coordinator.heartbeat('A', 1)).toMatchObject({ error: 'NONE', epoch: 2, partitions })
  expect(resolvedTopics(coordinator)).toEqual({ 'orders.*': ['orders', 'orders-x'] })
  expect(resolvedTopics(coordinator.failover())).toEqual({ 'orders.*': ['orders', 'orders-x'] })
  expect(coordinator.failover().heartbeat('A', 2)).toMatchObject({ error: 'NONE', epoch: 2, partitions: undefined })
})

test('names and a pattern count together', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 1, payments: 1 })
  coordinator.join('A', { topics: ['payments'], subscribedTopicRegex: 'orders.*' })
  coordinator.executor.run()

  expect(coordinator.heartbeat('A', 1).partitions).toEqual(['orders-0', 'payments-0'])
})

test('a pattern that is no regular expression is refused, and nothing is written', () => {
  const coordinator = new ConsumerGroupUnderTest()

  expect(coordinator.join('A', { topics: null, subscribedTopicRegex: 'orders(' }).error).toBe(
    'INVALID_REGULAR_EXPRESSION',
  )
  expect(coordinator.log).toEqual([])
  expect(coordinator.executor.keys).toEqual([])
})

test('a second member with the same pattern begins an epoch at once: what it stands for is known', () => {
  const coordinator = resolvedGroup()

  expect(coordinator.join('B', PATTERN)).toMatchObject({ error: 'NONE', epoch: 3 })
  expect(coordinator.executor.keys).toEqual([])
  expect(coordinator.heartbeat('A', 2, { owned: { orders: [0, 1] } }).partitions).toHaveLength(1)
})

test('new topics are looked for with the next heartbeat, but not within ten seconds of the last time', () => {
  const coordinator = resolvedGroup()
  coordinator.createTopics({ 'orders-x': 1 })
  coordinator.timer.advance(10_000)
  coordinator.heartbeat('A', 2)
  expect(coordinator.executor.keys).toEqual([])

  coordinator.timer.advance(1)
  coordinator.heartbeat('A', 2)
  coordinator.executor.run()

  expect(coordinator.heartbeat('A', 2)).toMatchObject({ epoch: 3, partitions: ['orders-0', 'orders-1', 'orders-x-0'] })
  coordinator.timer.advance(20_000)
  coordinator.heartbeat('A', 3)
  expect(coordinator.executor.keys).toEqual([])
})

test('a topic that does not match begins no epoch', () => {
  const coordinator = resolvedGroup()
  coordinator.createTopics({ payments: 1 })
  coordinator.timer.advance(10_001)
  coordinator.heartbeat('A', 2)
  coordinator.executor.run()

  expect(coordinator.heartbeat('A', 2).epoch).toBe(2)
  expect(coordinator.group.groupEpoch).toBe(2)
})

test('without new topics patterns are resolved again after the refresh interval only', () => {
  const coordinator = resolvedGroup()
  const beat = () => {
    coordinator.timer.advance(40_000)
    coordinator.heartbeat('A', 2)
  }
  for (let beats = 0; beats < 15; beats++) beat()
  expect(coordinator.executor.keys).toEqual([])

  beat()

  expect(coordinator.executor.keys).toEqual([`${GROUP}-regex`])
})

test('a topic that is deleted is no more, before the pattern is resolved again', () => {
  const coordinator = resolvedGroup({ orders: 1, 'orders-x': 1 })
  coordinator.deleteTopic('orders-x')

  expect(coordinator.heartbeat('A', 2, { owned: { orders: [0] } })).toMatchObject({
    epoch: 3,
    partitions: ['orders-0'],
  })
})

test('the last member that leaves a pattern takes it along; with another one it gives up what it had', () => {
  const coordinator = resolvedGroup({ orders: 2, payments: 1 })
  coordinator.join('B', PATTERN)
  coordinator.heartbeat('B', -1)
  expect(Object.keys(resolvedTopics(coordinator))).toEqual(['orders.*'])
  coordinator.timer.advance(20_000)

  const changed = coordinator.heartbeat('A', 2, { subscribedTopicRegex: 'pay.*', owned: { orders: [0, 1] } })
  coordinator.executor.run()

  expect(changed).toMatchObject({ error: 'NONE', partitions: [] })
  expect(resolvedTopics(coordinator)).toEqual({ 'pay.*': ['payments'] })
  const { epoch } = coordinator.heartbeat('A', changed.epoch, { owned: {} })
  expect(coordinator.heartbeat('A', epoch, { owned: {} }).epoch).toBe(coordinator.group.groupEpoch)
  expect(coordinator.group.targetAssignment('A')?.size).toBe(1)
  coordinator.heartbeat('A', -1)
  expect(resolvedTopics(coordinator)).toEqual({})
})

test('what was found for a group that is gone, or a pattern that nobody uses any more, is forgotten', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 1 })
  coordinator.join('A', PATTERN)
  coordinator.executor.run(() => coordinator.heartbeat('A', 1, { subscribedTopicRegex: '', topics: ['orders'] }))
  expect(resolvedTopics(coordinator)).toEqual({})

  coordinator.timer.advance(20_000)
  coordinator.heartbeat('A', 2, { subscribedTopicRegex: 'orders.*' })
  const { length } = coordinator.log
  coordinator.executor.run(() => {
    coordinator.heartbeat('A', -1)
    coordinator.write(coordinator.shard.deleteGroups([GROUP]))
  })
  expect(
    coordinator.log.slice(length).every(record => record.value === null || record.type === 'ConsumerGroupMetadata'),
  ).toBe(true)
  expect(coordinator.shard.groups.hasGroup(GROUP)).toBe(false)
})

test('what could not be written is looked for again', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 1 })
  coordinator.join('A', PATTERN)
  coordinator.commitLog()
  const { length } = coordinator.log
  coordinator.executor.run()
  coordinator.revert(length)
  expect(resolvedTopics(coordinator)).toEqual({})

  coordinator.heartbeat('A', 1)
  coordinator.executor.run()

  expect(coordinator.heartbeat('A', 1).partitions).toEqual(['orders-0'])
})

test('a coordinator that takes over looks for topics that were created meanwhile', () => {
  const next = resolvedGroup().failover()
  next.createTopics({ 'orders-x': 1 })
  next.timer.advance(10_001)

  next.heartbeat('A', 2)
  next.executor.run()

  expect(next.heartbeat('A', 2).partitions).toContain('orders-x-0')
})

test('a description tells the pattern', () => {
  const coordinator = resolvedGroup()
  coordinator.commitLog()

  const [described] = coordinator.shard.groups.consumerGroups.describe([GROUP], coordinator.committedOffset)

  expect(described?.members?.[0]).toMatchObject({ subscribedTopicNames: [], subscribedTopicRegex: 'orders.*' })
})
