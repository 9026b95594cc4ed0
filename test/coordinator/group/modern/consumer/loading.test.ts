import { expect, test } from 'vitest'
import { ConsumerGroupUnderTest } from '../../support/consumer-group-under-test.ts'

test('another coordinator goes on where the log ends', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.join('B')
  coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2, 3, 4, 5] } })

  const next = coordinator.failover()

  expect(next.group.state).toBe('Reconciling')
  expect(next.heartbeat('A', 1, { owned: { orders: [0, 1, 2] } })).toMatchObject({ error: 'NONE', epoch: 2 })
  expect(next.heartbeat('B', 2)).toMatchObject({ partitions: ['orders-3', 'orders-4', 'orders-5'] })
})

test('sessions, and the time to give up partitions, begin anew there', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.join('B')
  coordinator.heartbeat('A', 1, { owned: { orders: [0, 1, 2, 3, 4, 5] } })

  const next = coordinator.failover()

  expect(next.timer.remainingMs('session-timeout-group-A')).toBe(45_000)
  expect(next.timer.remainingMs('rebalance-timeout-group-A')).toBe(30_000)
  expect(next.timer.isScheduled('rebalance-timeout-group-B')).toBe(false)
})

test('records of a group come after those of its offsets once the log is compacted', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.commitOffset(7)
  coordinator.join('A')
  const written = coordinator.log.filter(({ value }) => value !== null)
  coordinator.log.splice(0, coordinator.log.length, ...written)

  const next = coordinator.failover()

  expect(next.group.numMembers).toBe(1)
  expect(next.offset()).toBe(7)
})

test('a deleted group leaves nothing, also when tombstones are all that is left of it', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.heartbeat('A', -1)
  coordinator.write(coordinator.shard.deleteGroups(['group']))

  const next = coordinator.failover()
  expect(next.shard.groups.hasGroup('group')).toBe(false)
  const tombstones = coordinator.log.filter(({ value }) => value === null)
  coordinator.log.splice(0, coordinator.log.length, ...tombstones)
  expect(coordinator.failover().shard.groups.hasGroup('group')).toBe(false)
})

test('what Kafka wrote of a group before 4.1 is deleted with its next epoch', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.log.push({ type: 'ConsumerGroupPartitionMetadata', key: { groupId: 'group' }, value: { topics: [] } })

  const next = coordinator.failover()
  next.join('B')

  expect(next.log).toContainEqual({ type: 'ConsumerGroupPartitionMetadata', key: { groupId: 'group' }, value: null })
})
