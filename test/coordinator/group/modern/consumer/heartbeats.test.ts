import { expect, test } from 'vitest'
import { ConsumerGroupUnderTest } from '../../support/consumer-group-under-test.ts'

const FIRST_THREE = ['orders-0', 'orders-1', 'orders-2']
const LAST_THREE = ['orders-3', 'orders-4', 'orders-5']
const ALL_SIX = [...FIRST_THREE, ...LAST_THREE]

test('the first member has all partitions with its first heartbeat, in epoch 1', () => {
  const coordinator = new ConsumerGroupUnderTest()

  expect(coordinator.join('A')).toEqual({ error: 'NONE', memberId: 'A', epoch: 1, partitions: ALL_SIX })
  expect(coordinator.group.state).toBe('Stable')
})

test('a heartbeat that changes nothing writes nothing and tells no partitions', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  const written = coordinator.log.length

  expect(coordinator.heartbeat('A', 1)).toEqual({ error: 'NONE', memberId: 'A', epoch: 1, partitions: undefined })
  expect(coordinator.log.length).toBe(written)
})

test('a heartbeat that says all of the member is told its partitions again', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')

  const full = coordinator.heartbeat('A', 1, {
    topics: ['orders'],
    rebalanceTimeoutMs: 30_000,
    owned: { orders: [0, 1, 2, 3, 4, 5] },
  })

  expect(full.partitions).toEqual(ALL_SIX)
})

test('a second member gets its share only when the first one has given it up', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')

  expect(coordinator.join('B')).toMatchObject({ epoch: 2, partitions: [] })
  expect(coordinator.group.state).toBe('Reconciling')
  const kept = coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2, 3, 4, 5] } })
  expect(kept).toMatchObject({ epoch: 1, partitions: FIRST_THREE })
  expect(coordinator.heartbeat('B', 2)).toMatchObject({ epoch: 2, partitions: undefined })
  expect(coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2] } })).toMatchObject({ epoch: 2 })
  expect(coordinator.heartbeat('B', 2)).toMatchObject({ epoch: 2, partitions: LAST_THREE })
  expect(coordinator.group.state).toBe('Stable')
})

test('what a member has that leaves goes to the others', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.join('B')
  coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2] } })

  expect(coordinator.heartbeat('A', -1)).toMatchObject({ error: 'NONE', memberId: 'A', epoch: -1 })

  expect(coordinator.heartbeat('B', 2)).toMatchObject({ epoch: 3, partitions: ALL_SIX })
  expect(coordinator.group.members.map(({ memberId }) => memberId)).toEqual(['B'])
})

test('a member that is silent for its session is taken out', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.timer.advance(30_000)
  coordinator.join('B')
  coordinator.timer.advance(15_000)

  expect(coordinator.heartbeat('B', 2)).toMatchObject({ epoch: 3, partitions: ALL_SIX })
  expect(coordinator.heartbeat('A', 1).error).toBe('UNKNOWN_MEMBER_ID')
})

test('a member that does not give up its partitions in time is taken out, though it sends heartbeats', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A', { rebalanceTimeoutMs: 10_000 })
  coordinator.join('B')
  const owned = { orders: [0, 1, 2, 3, 4, 5] }
  coordinator.heartbeat('A', 1, { owned })
  coordinator.timer.advance(9_999)
  expect(coordinator.heartbeat('A', 1, { owned }).error).toBe('NONE')

  coordinator.timer.advance(1)

  expect(coordinator.heartbeat('A', 1, { owned }).error).toBe('UNKNOWN_MEMBER_ID')
  expect(coordinator.heartbeat('B', 2)).toMatchObject({ partitions: ALL_SIX })
})

test('a member that has given up its partitions in time stays', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A', { rebalanceTimeoutMs: 10_000 })
  coordinator.join('B')
  coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2, 3, 4, 5] } })
  coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2] } })

  coordinator.timer.advance(20_000)

  expect(coordinator.heartbeat('A', 2).error).toBe('NONE')
})

test('who comes with a later epoch than its own is fenced', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')

  expect(coordinator.heartbeat('A', 2).error).toBe('FENCED_MEMBER_EPOCH')
})

test('who has missed the answer with its new epoch may come with the one before', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.join('B')
  coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2, 3, 4, 5] } })
  coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2] } })

  expect(coordinator.heartbeat('A', 1, { owned: { orders: [0, 1] } })).toMatchObject({ error: 'NONE', epoch: 2 })
  expect(coordinator.heartbeat('A', 1, { owned: { orders: [0, 3] } }).error).toBe('FENCED_MEMBER_EPOCH')
  expect(coordinator.heartbeat('A', 1).error).toBe('FENCED_MEMBER_EPOCH')
})

test('a fenced member comes back with epoch 0 and is told what it has', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')

  expect(coordinator.join('A')).toMatchObject({ error: 'NONE', epoch: 1, partitions: ALL_SIX })
  expect(coordinator.group.numMembers).toBe(1)
})

test('who is not a member cannot send heartbeats or leave', () => {
  const coordinator = new ConsumerGroupUnderTest()
  expect(coordinator.heartbeat('A', 1).error).toBe('GROUP_ID_NOT_FOUND')
  coordinator.join('A')

  expect(coordinator.heartbeat('B', 1).error).toBe('UNKNOWN_MEMBER_ID')
  expect(coordinator.heartbeat('B', -1).error).toBe('UNKNOWN_MEMBER_ID')
})

test('a member without an id is given one', () => {
  const coordinator = new ConsumerGroupUnderTest()

  const { memberId } = coordinator.join('')

  expect(memberId).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(coordinator.heartbeat(memberId, 1).error).toBe('NONE')
})

test('a full group takes no further member', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 6 }, { consumerGroupMaxSize: 1 })
  coordinator.join('A')

  expect(coordinator.join('B').error).toBe('GROUP_MAX_SIZE_REACHED')
  expect(coordinator.join('A').error).toBe('NONE')
})

test('a member that reads another topic gives up the one before and gets the other', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2, bills: 1 })
  coordinator.join('A')

  const changed = coordinator.heartbeat('A', 1, { topics: ['bills'], owned: { orders: [0, 1] } })
  expect(changed).toMatchObject({ epoch: 1, partitions: [] })
  expect(coordinator.heartbeat('A', 1, { owned: {} })).toMatchObject({ epoch: 2, partitions: ['bills-0'] })
})

test('members get the partitions that a topic is given later', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 1 })
  coordinator.join('A')

  coordinator.createTopics({ orders: 2 })

  expect(coordinator.heartbeat('A', 1)).toMatchObject({ epoch: 2, partitions: ['orders-0', 'orders-1'] })
})

test('members get a topic that is created after they have subscribed to it, and lose one that is deleted', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 1 })
  expect(coordinator.join('A', { topics: ['orders', 'bills'] })).toMatchObject({ partitions: ['orders-0'] })

  coordinator.createTopics({ bills: 1 })
  expect(coordinator.heartbeat('A', 1)).toMatchObject({ epoch: 2, partitions: ['bills-0', 'orders-0'] })
  coordinator.deleteTopic('orders')
  coordinator.heartbeat('A', 2, { owned: { orders: [0], bills: [0] } })
  expect(coordinator.heartbeat('A', 2, { owned: { bills: [0] } })).toMatchObject({ epoch: 3 })
  expect(coordinator.group.members[0]?.assignedPartitions.size).toBe(1)
})

test('another topic that changes makes nobody a new epoch', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 1, bills: 1 })
  coordinator.join('A')

  coordinator.createTopics({ bills: 2 })

  expect(coordinator.heartbeat('A', 1)).toMatchObject({ epoch: 1, partitions: undefined })
})

test('the assignor that most members ask for divides the partitions', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2, bills: 2 })
  const topics = ['orders', 'bills']
  coordinator.join('A', { topics, serverAssignor: 'range' })
  coordinator.join('B', { topics, serverAssignor: 'range' })
  const owned = { orders: [0], bills: [0] }

  expect(coordinator.heartbeat('A', 1, { owned }).partitions).toEqual(['bills-0', 'orders-0'])
})

test('a write that is lost is undone, and the member joins again', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  const written = coordinator.log.length
  coordinator.join('B')

  coordinator.revert(written)

  expect(coordinator.group.numMembers).toBe(1)
  expect(coordinator.heartbeat('B', 2).error).toBe('UNKNOWN_MEMBER_ID')
  expect(coordinator.join('B')).toMatchObject({ error: 'NONE', epoch: 2 })
})
