import { expect, test } from 'vitest'
import type { GroupMigrationPolicy } from '../../../../src/coordinator/group/conversion/group-migration-policy.ts'
import { encodeAssignment, encodeSubscription } from '../../../../src/protocol/consumer-protocol.ts'
import { MixedGroupUnderTest } from '../support/mixed-group-under-test.ts'
import { GROUP } from '../support/shard-under-test.ts'

function typeOf(coordinator: MixedGroupUnderTest): string {
  return coordinator.shard.groups.group(GROUP).type
}

test('a classic group becomes a consumer group when a member of the consumer protocol joins, and nobody loses what it has', () => {
  const coordinator = new MixedGroupUnderTest()
  const [a = '', b = ''] = coordinator.classicGroupOf(2)
  coordinator.commitOffset(5, { memberId: a, generationIdOrMemberEpoch: 1 })

  expect(coordinator.join('C')).toMatchObject({ error: 'NONE', epoch: 2, partitions: [] })

  expect(typeOf(coordinator)).toBe('consumer')
  expect(coordinator.offset()).toBe(5)
  const { group } = coordinator
  expect(group.members.map(({ memberId, memberEpoch }) => [memberId, memberEpoch])).toEqual([
    [a, 1],
    [b, 1],
    ['C', 2],
  ])
  expect(group.member(a).classicMemberMetadata).toMatchObject({
    sessionTimeoutMs: 10_000,
    supportedProtocols: [{ name: 'range' }],
  })
  expect([...group.member(a).assignedPartitions.values()]).toEqual([new Set([0, 1, 2])])
  // It still may commit what it has processed.
  expect(coordinator.commitOffset(6, { memberId: a, generationIdOrMemberEpoch: 1, apiVersion: 8 })).toBe(0)
})

test('a coordinator that reads the log back has the same consumer group', () => {
  const coordinator = new MixedGroupUnderTest()
  const [a = ''] = coordinator.classicGroupOf(2)
  coordinator.join('C')

  const next = coordinator.failover()

  expect(next.group.member(a)).toEqual(coordinator.group.member(a))
  expect(next.group.groupEpoch).toBe(2)
  expect(next.classicHeartbeat(a, 1)).toBe('REBALANCE_IN_PROGRESS')
})

test('who waits for the classic group to rebalance is told to join again', () => {
  const coordinator = new MixedGroupUnderTest()
  const [a = ''] = coordinator.classicGroupOf(1)
  const newcomer = coordinator.classicJoin().memberId
  const waiting = coordinator.classicJoin({ memberId: newcomer })
  expect(waiting.error).toBe('held')

  expect(coordinator.join('C').error).toBe('NONE')

  expect(waiting).toMatchObject({ error: 'REBALANCE_IN_PROGRESS', memberId: newcomer })
  expect(coordinator.group.member(newcomer).assignedPartitions.size).toBe(0)
  expect(coordinator.group.member(a).assignedPartitions.size).toBe(1)
})

test('members of the classic protocol keep the session timeout that they have asked for', () => {
  const coordinator = new MixedGroupUnderTest()
  const [a = ''] = coordinator.classicGroupOf(1)
  coordinator.join('C')

  coordinator.timer.advance(9999)
  expect(coordinator.group.hasMember(a)).toBe(true)
  coordinator.timer.advance(1)

  expect(coordinator.group.hasMember(a)).toBe(false)
  expect(coordinator.group.hasMember('C')).toBe(true)
})

test.each<[GroupMigrationPolicy, string]>([
  ['downgrade', 'GROUP_ID_NOT_FOUND'],
  ['disabled', 'GROUP_ID_NOT_FOUND'],
  ['upgrade', 'NONE'],
  ['bidirectional', 'NONE'],
])('where the policy is %s the answer is %s', (consumerGroupMigrationPolicy, error) => {
  const coordinator = new MixedGroupUnderTest({ orders: 6 }, { consumerGroupMigrationPolicy })
  coordinator.classicGroupOf(1)

  expect(coordinator.join('C').error).toBe(error)
  expect(typeOf(coordinator)).toBe(error === 'NONE' ? 'consumer' : 'classic')
})

test('a group of more members than a consumer group may have stays classic', () => {
  const coordinator = new MixedGroupUnderTest({ orders: 6 }, { consumerGroupMaxSize: 1 })
  coordinator.classicGroupOf(2)

  expect(coordinator.join('C').error).toBe('GROUP_ID_NOT_FOUND')
})

test('a group that is not one of consumers stays classic', () => {
  const coordinator = new MixedGroupUnderTest()
  coordinator.classicJoin({ apiVersion: 3, protocolType: 'connect' })
  coordinator.timer.advance(6000)

  expect(coordinator.join('C').error).toBe('GROUP_ID_NOT_FOUND')
})

test('a group that has not come to its first generation cannot be converted yet', () => {
  const coordinator = new MixedGroupUnderTest()
  coordinator.classicJoin({ apiVersion: 3 })

  expect(coordinator.join('C').error).toBe('UNKNOWN_SERVER_ERROR')
  expect(typeOf(coordinator)).toBe('classic')
})

const SHARED = encodeAssignment({ assignedPartitions: [{ topic: 'orders', partitions: [0] }] })
const CUSTOM = encodeAssignment({ assignedPartitions: [], userData: Buffer.from('of an assignor') })

test.each<[string, Buffer, string]>([
  ['is malformed', Buffer.of(0, 1, 2), 'GROUP_ID_NOT_FOUND'],
  ['has more than partitions', CUSTOM, 'GROUP_ID_NOT_FOUND'],
  ['gives a partition to two members', SHARED, 'UNKNOWN_SERVER_ERROR'],
])('a group whose assignment %s stays classic', (_, assignment, error) => {
  const coordinator = new MixedGroupUnderTest()
  const ids = [0, 1].map(() => coordinator.classicJoin({ apiVersion: 3 }))
  coordinator.timer.advance(6000)
  const [leader = '', follower = ''] = ids.map(({ memberId }) => memberId)
  coordinator.classicSync(follower, 1)
  coordinator.classicSync(leader, 1, { [leader]: assignment, [follower]: assignment })

  expect(coordinator.join('C').error).toBe(error)
  expect(typeOf(coordinator)).toBe('classic')
  expect(coordinator.classicHeartbeat(leader, 1)).toBe('NONE')
})

test('a subscription that cannot be read keeps the group classic', () => {
  const coordinator = new MixedGroupUnderTest()
  coordinator.classicJoin({ apiVersion: 3, protocols: [{ name: 'range', metadata: Buffer.of(0) }] })
  coordinator.timer.advance(6000)

  expect(coordinator.join('C').error).toBe('GROUP_ID_NOT_FOUND')
})

test('topics that are no more are left out of what members have', () => {
  const coordinator = new MixedGroupUnderTest({ orders: 6, old: 1 })
  const { memberId } = coordinator.classicJoin({
    apiVersion: 3,
    protocols: [{ name: 'range', metadata: encodeSubscription({ topics: ['orders', 'old'] }) }],
  })
  coordinator.timer.advance(6000)
  const joined = coordinator.shard.groups.classicGroup(GROUP).members[0]?.memberId ?? memberId
  coordinator.classicSync(joined, 1, { [joined]: { orders: [0], old: [0] } })
  coordinator.deleteTopic('old')

  coordinator.join('C')

  expect(coordinator.group.member(joined).assignedPartitions.size).toBe(1)
  expect(coordinator.group.member(joined).subscribedTopicNames).toEqual(['old', 'orders'])
})
