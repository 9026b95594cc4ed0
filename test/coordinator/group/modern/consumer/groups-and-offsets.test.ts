import { expect, test } from 'vitest'
import { ApiError } from '../../../../../src/protocol/errors.ts'
import { ConsumerGroupUnderTest } from '../../support/consumer-group-under-test.ts'
import { MixedGroupUnderTest } from '../../support/mixed-group-under-test.ts'
import { GROUP } from '../../support/shard-under-test.ts'

/** The name of the error that something throws. */
function errorOf(body: () => unknown): string {
  try {
    body()
  } catch (error) {
    if (error instanceof ApiError) return error.errorName
    throw error
  }
  return 'NONE'
}

function fetchError(coordinator: ConsumerGroupUnderTest, memberId: string | null, memberEpoch: number): string {
  return errorOf(() =>
    coordinator.shard.offsets.fetchAllOffsets({ groupId: GROUP, memberId, memberEpoch, topics: null }, undefined),
  )
}

test('a member commits and fetches offsets with its epoch, and with no other', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')

  expect(coordinator.commitOffset(5, { memberId: 'A', generationIdOrMemberEpoch: 1 })).toBe(0)
  const commit = (memberId: string, generationIdOrMemberEpoch: number, apiVersion = 9) =>
    errorOf(() => coordinator.commitOffset(6, { memberId, generationIdOrMemberEpoch, apiVersion }))
  expect(commit('A', 2)).toBe('STALE_MEMBER_EPOCH')
  expect(commit('A', 0)).toBe('STALE_MEMBER_EPOCH')
  expect(commit('B', 1)).toBe('UNKNOWN_MEMBER_ID')
  expect(commit('', -1)).toBe('UNKNOWN_MEMBER_ID')
  expect(commit('A', 1, 8)).toBe('UNSUPPORTED_VERSION')
  expect(coordinator.offset()).toBe(5)
  expect(fetchError(coordinator, 'A', 1)).toBe('NONE')
  expect(fetchError(coordinator, 'A', 2)).toBe('STALE_MEMBER_EPOCH')
  expect(fetchError(coordinator, 'B', 1)).toBe('UNKNOWN_MEMBER_ID')
  expect(fetchError(coordinator, null, -1)).toBe('NONE')
})

test('who is no member commits when the group has none', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.heartbeat('A', -1)

  expect(coordinator.commitOffset(5)).toBe(0)
})

test('a group with members cannot be deleted; one without goes away with its offsets', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.join('A')
  coordinator.commitOffset(5, { memberId: 'A', generationIdOrMemberEpoch: 1 })
  const deleteGroup = () => coordinator.write(coordinator.shard.deleteGroups([GROUP]))[0]?.errorCode
  expect(deleteGroup()).toBe(68)

  coordinator.heartbeat('A', -1)

  expect(deleteGroup()).toBe(0)
  expect(coordinator.shard.groups.hasGroup(GROUP)).toBe(false)
  expect(coordinator.offset()).toBe(-1)
})

test('offsets of topics that members read stay; an empty group goes away when its offsets have expired', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 1 }, { offsetsRetentionMs: 1000 })
  coordinator.join('A')
  coordinator.commitOffset(5, { memberId: 'A', generationIdOrMemberEpoch: 1 })
  const beat = () => {
    for (let ms = 0; ms < 600_000; ms += 30_000) {
      coordinator.heartbeat('A', 1)
      coordinator.timer.advance(30_000)
    }
  }
  beat()
  expect(coordinator.offset()).toBe(5)

  coordinator.heartbeat('A', -1)
  coordinator.timer.advance(600_000)

  expect(coordinator.shard.groups.hasGroup(GROUP)).toBe(false)
})

test('groups are listed and described with their members', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 1 })
  coordinator.join('A', { instanceId: 'one', rackId: 'here' })
  coordinator.commitLog()
  const { groups } = coordinator.shard
  const at = coordinator.committedOffset
  coordinator.join('B')

  const listed = { groupId: GROUP, protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' }
  expect(groups.listGroups(['stable'], ['CONSUMER'], at)).toEqual([listed])
  expect(groups.listGroups([], ['classic'], at)).toEqual([])
  const topicPartitions = [expect.objectContaining({ topicName: 'orders', partitions: [0] })]
  expect(groups.consumerGroups.describe([GROUP, 'other'], at)).toMatchObject([
    {
      errorCode: 0,
      groupState: 'Stable',
      groupEpoch: 1,
      assignmentEpoch: 1,
      assignorName: 'uniform',
      members: [
        {
          memberId: 'A',
          instanceId: 'one',
          rackId: 'here',
          memberEpoch: 1,
          clientId: 'client',
          clientHost: '/127.0.0.1',
          subscribedTopicNames: ['orders'],
          assignment: { topicPartitions },
          targetAssignment: { topicPartitions },
          memberType: 1,
        },
      ],
    },
    { groupId: 'other', errorCode: 69 },
  ])
  expect(groups.describeGroups({ apiVersion: 6 }, [GROUP], at)).toMatchObject([{ errorCode: 69, groupState: 'Dead' }])
})

test('an empty classic group becomes a consumer group and keeps its offsets', () => {
  const coordinator = new ConsumerGroupUnderTest()
  coordinator.commitOffset(5)

  expect(coordinator.join('A')).toMatchObject({ error: 'NONE', epoch: 1 })
  expect(coordinator.offset()).toBe(5)
  expect(coordinator.failover().group.numMembers).toBe(1)
})

test('an empty consumer group becomes a classic group when a member of the classic protocol joins', () => {
  const coordinator = new MixedGroupUnderTest()
  coordinator.join('A')
  coordinator.heartbeat('A', -1)

  expect(coordinator.classicJoin().error).toBe('MEMBER_ID_REQUIRED')
  expect(coordinator.shard.groups.group(GROUP).type).toBe('classic')
  expect(coordinator.failover().shard.groups.group(GROUP).type).toBe('classic')
})
