import { expect, test } from 'vitest'
import type { GroupMigrationPolicy } from '../../../../src/coordinator/group/conversion/group-migration-policy.ts'
import { MixedGroupUnderTest } from '../support/mixed-group-under-test.ts'
import { GROUP } from '../support/shard-under-test.ts'

/** A group of the classic members, and C of the consumer protocol, all of whom have their part. */
function mixedGroup(numClassic: 1 | 2, config: ConstructorParameters<typeof MixedGroupUnderTest>[1] = {}) {
  const coordinator = new MixedGroupUnderTest({ orders: 6 }, config)
  const ids = coordinator.classicGroupOf(numClassic)
  coordinator.join('C')
  return { coordinator, ids }
}

function typeOf(coordinator: MixedGroupUnderTest): string {
  return coordinator.shard.groups.group(GROUP).type
}

test('when the last member of the consumer protocol leaves, the group is a classic one that rebalances', () => {
  const { coordinator, ids } = mixedGroup(2)
  coordinator.heartbeat('C', -1)

  expect(typeOf(coordinator)).toBe('classic')
  const group = coordinator.shard.groups.classicGroup(GROUP)
  expect(group).toMatchObject({ state: 'PreparingRebalance', generationId: 2, protocolName: 'range' })
  const joins = ids.map(memberId => coordinator.classicJoin({ memberId }))
  expect(joins).toMatchObject([
    { error: 'NONE', epoch: 3, leader: ids[0] },
    { error: 'NONE', epoch: 3 },
  ])
})

test('a coordinator that reads the log back has the classic group, with what the members were to have', () => {
  const { coordinator, ids } = mixedGroup(2)
  coordinator.heartbeat('C', -1)

  const next = coordinator.failover()
  const group = next.shard.groups.classicGroup(GROUP)

  expect(group).toMatchObject({ state: 'Stable', generationId: 2 })
  expect([...(group.subscribedTopics ?? [])]).toEqual(['orders'])
  const parts = ids.map(id => next.classicSync(id, 2).answer)
  expect(parts).toMatchObject([
    ['orders-0', 'orders-1'],
    ['orders-3', 'orders-4'],
  ])
})

test('the same when its session ends', () => {
  const { coordinator, ids } = mixedGroup(1)
  for (let beats = 0; beats < 9; beats++) {
    coordinator.classicJoin({ memberId: ids[0] ?? '' })
    coordinator.timer.advance(5000)
  }

  expect(typeOf(coordinator)).toBe('classic')
})

test('a classic member lives on by its heartbeats, and is out without them', () => {
  const { coordinator, ids } = mixedGroup(2)
  const [a = '', b = ''] = ids
  coordinator.heartbeat('C', -1)
  coordinator.classicJoin({ memberId: a })
  coordinator.timer.advance(10_000)

  const group = coordinator.shard.groups.classicGroup(GROUP)
  expect([group.hasMember(a), group.hasMember(b)]).toEqual([true, false])
})

test.each<[GroupMigrationPolicy, string]>([
  ['bidirectional', 'classic'],
  ['upgrade', 'consumer'],
])('where the policy is %s the group is a %s group', (consumerGroupMigrationPolicy, type) => {
  const { coordinator } = mixedGroup(1, { consumerGroupMigrationPolicy })

  coordinator.heartbeat('C', -1)

  expect(typeOf(coordinator)).toBe(type)
})

test('a group that would be too large for a classic one stays', () => {
  const { coordinator } = mixedGroup(2, { classicGroupMaxSize: 2 })
  coordinator.heartbeat('C', -1)
  expect(typeOf(coordinator)).toBe('classic')

  const { coordinator: tooLarge, ids } = mixedGroup(1, { classicGroupMaxSize: 1 })
  const other = tooLarge.classicJoin().memberId
  tooLarge.classicJoin({ memberId: other })
  tooLarge.heartbeat('C', -1)
  expect(typeOf(tooLarge)).toBe('consumer')
  expect(tooLarge.group.members.map(({ memberId }) => memberId)).toEqual([...ids, other])
})

test('an empty group is not converted', () => {
  const { coordinator, ids } = mixedGroup(1)
  coordinator.classicLeave({ memberId: ids[0] ?? '' })
  coordinator.heartbeat('C', -1)

  expect(typeOf(coordinator)).toBe('consumer')
  expect(coordinator.group.isEmpty).toBe(true)
})

test('a static member that comes back with the classic protocol takes its place, and nobody rebalances', () => {
  const coordinator = new MixedGroupUnderTest()
  coordinator.join('C', { instanceId: 'one' })
  coordinator.heartbeat('C', 1, { owned: { orders: [0, 1, 2, 3, 4, 5] } })

  const joined = coordinator.classicJoin({ groupInstanceId: 'one' })

  expect(joined).toMatchObject({ error: 'NONE', epoch: 1, protocolName: 'range', leader: '' })
  expect(coordinator.shard.groups.classicGroup(GROUP)).toMatchObject({ state: 'Stable', generationId: 1 })
  expect(coordinator.classicSync(joined.memberId, 1, {}, 'one').answer).toHaveLength(6)
  const next = coordinator.failover()
  expect(next.shard.groups.classicGroup(GROUP).members.map(({ memberId }) => memberId)).toEqual([joined.memberId])
})

test('with another subscription it makes the group rebalance', () => {
  const coordinator = new MixedGroupUnderTest({ orders: 2, payments: 2 })
  coordinator.join('C', { instanceId: 'one' })

  const joined = coordinator.classicJoin({ groupInstanceId: 'one', topics: ['payments'] })

  expect(joined.error).toBe('NONE')
  expect(coordinator.shard.groups.classicGroup(GROUP).state).toBe('PreparingRebalance')
})

test('what could not be written leaves the consumer group as it was', () => {
  const { coordinator, ids } = mixedGroup(1)
  coordinator.commitLog()
  const { length } = coordinator.log
  coordinator.heartbeat('C', -1)
  coordinator.revert(length)

  expect(typeOf(coordinator)).toBe('consumer')
  expect(coordinator.group.members.map(({ memberId }) => memberId)).toEqual([...ids, 'C'])
  expect(coordinator.heartbeat('C', 2).error).toBe('NONE')
})

test('a group may go there and back again', () => {
  const { coordinator, ids } = mixedGroup(1)
  const [a = ''] = ids
  coordinator.heartbeat('C', -1)
  const { epoch } = coordinator.classicJoin({ memberId: a })
  coordinator.classicSync(a, epoch, { [a]: { orders: [0, 1, 2, 3, 4, 5] } })

  expect(coordinator.join('D')).toMatchObject({ error: 'NONE', epoch: epoch + 1, partitions: [] })
  expect(coordinator.failover().group.numMembers).toBe(2)
})
