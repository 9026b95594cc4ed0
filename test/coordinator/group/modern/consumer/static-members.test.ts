import { expect, test } from 'vitest'
import { ConsumerGroupUnderTest } from '../../support/consumer-group-under-test.ts'

const ALL = ['orders-0', 'orders-1']

test('a static member that leaves for a while finds its partitions again, in the same epoch of the group', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2 })
  coordinator.join('A', { instanceId: 'one' })
  coordinator.heartbeat('A', -2, { instanceId: 'one' })
  const epoch = coordinator.group.groupEpoch

  expect(coordinator.join('B', { instanceId: 'one' })).toMatchObject({ error: 'NONE', epoch: 1, partitions: ALL })
  expect(coordinator.group.groupEpoch).toBe(epoch)
  expect(coordinator.group.members.map(({ memberId }) => memberId)).toEqual(['B'])
})

test('nobody gets the partitions of a static member that is away, until its session ends', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2 })
  coordinator.join('A', { instanceId: 'one' })
  coordinator.join('B')
  coordinator.heartbeat('A', -2, { instanceId: 'one' })
  coordinator.timer.advance(30_000)
  expect(coordinator.heartbeat('B', 2)).toMatchObject({ partitions: undefined })

  coordinator.timer.advance(15_000)

  expect(coordinator.heartbeat('B', 2)).toMatchObject({ partitions: ALL })
})

test('a name that is in use cannot be taken', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A', { instanceId: 'one' })

  expect(coordinator.join('B', { instanceId: 'one' }).error).toBe('UNRELEASED_INSTANCE_ID')
})

test('who had the name before is fenced', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A', { instanceId: 'one' })
  coordinator.heartbeat('A', -2, { instanceId: 'one' })
  coordinator.join('B', { instanceId: 'one' })

  expect(coordinator.heartbeat('A', 1, { instanceId: 'one' }).error).toBe('FENCED_INSTANCE_ID')
  expect(coordinator.heartbeat('A', -2, { instanceId: 'one' }).error).toBe('FENCED_INSTANCE_ID')
  expect(coordinator.heartbeat('B', 1, { instanceId: 'two' }).error).toBe('UNKNOWN_MEMBER_ID')
})

test('a static member that leaves for good gives up its partitions at once', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2 })
  coordinator.join('A', { instanceId: 'one' })
  coordinator.join('B')

  coordinator.heartbeat('A', -1, { instanceId: 'one' })

  expect(coordinator.heartbeat('B', 2)).toMatchObject({ partitions: ALL })
})
