import { expect, test } from 'vitest'
import { encodeSubscription } from '../../../../../src/protocol/consumer-protocol.ts'
import { MixedGroupUnderTest } from '../../support/mixed-group-under-test.ts'
import { GROUP } from '../../support/shard-under-test.ts'

const ALL = [0, 1, 2, 3, 4, 5]
const FIRST = [0, 1, 2]

/** The consumer group of C, who has all of `orders`. */
function groupOfC(config: ConstructorParameters<typeof MixedGroupUnderTest>[1] = {}): MixedGroupUnderTest {
  const coordinator = new MixedGroupUnderTest({ orders: 6 }, config)
  coordinator.join('C')
  return coordinator
}

/** A dynamic member of the classic protocol joins; gives its id. */
function joinDynamic(coordinator: MixedGroupUnderTest): string {
  const { memberId, error } = coordinator.classicJoin()
  expect(error).toBe('MEMBER_ID_REQUIRED')
  return memberId
}

test('a member of the classic protocol gets its part when the other has given it up', () => {
  const coordinator = groupOfC()
  const a = joinDynamic(coordinator)
  const joined = coordinator.classicJoin({ memberId: a })
  expect(joined).toMatchObject({ error: 'NONE', memberId: a, epoch: 2, leader: '', protocolName: 'range' })
  expect(coordinator.classicSync(a, 2).answer).toEqual([])
  expect(coordinator.classicHeartbeat(a, 2)).toBe('NONE')

  coordinator.heartbeat('C', 1, { owned: { orders: ALL } })
  expect(coordinator.classicHeartbeat(a, 2)).toBe('NONE')
  const kept = [...(coordinator.group.member('C').assignedPartitions.values().next().value ?? [])]
  coordinator.heartbeat('C', 1, { owned: { orders: kept } })

  // All that it waits for is free now.
  expect(coordinator.classicHeartbeat(a, 2)).toBe('REBALANCE_IN_PROGRESS')
  expect(coordinator.classicJoin({ memberId: a }).epoch).toBe(2)
  const { answer = [] } = coordinator.classicSync(a, 2)
  expect(answer).toHaveLength(3)
  expect(coordinator.classicHeartbeat(a, 2)).toBe('NONE')
  expect(coordinator.group.state).toBe('Stable')
})

test('it gives up partitions by joining without them', () => {
  const coordinator = new MixedGroupUnderTest()
  const [a = ''] = coordinator.classicGroupOf(1)
  coordinator.join('C')
  coordinator.join('D')
  expect(coordinator.classicHeartbeat(a, 1)).toBe('REBALANCE_IN_PROGRESS')
  expect(coordinator.classicSync(a, 1).answer).toBe('REBALANCE_IN_PROGRESS')

  expect(coordinator.classicJoin({ memberId: a, owned: { orders: FIRST } })).toMatchObject({ error: 'NONE', epoch: 1 })
  const kept = coordinator.classicSync(a, 1).answer
  expect(kept).toHaveLength(2)
  expect(coordinator.classicHeartbeat(a, 1)).toBe('REBALANCE_IN_PROGRESS')
  expect(coordinator.classicJoin({ memberId: a, owned: { orders: [0, 1] } })).toMatchObject({ error: 'NONE', epoch: 3 })

  expect(coordinator.classicSync(a, 3).answer).toEqual(kept)
  expect(coordinator.classicHeartbeat(a, 3)).toBe('NONE')
})

test('joins in version 3 need no id first', () => {
  expect(groupOfC().classicJoin({ apiVersion: 3 })).toMatchObject({ error: 'NONE', epoch: 2 })
})

test('a join is refused for other protocols than the others know, and for what is no subscription', () => {
  const coordinator = groupOfC()
  expect(coordinator.classicJoin({ protocolType: 'connect' }).error).toBe('INCONSISTENT_GROUP_PROTOCOL')
  expect(coordinator.classicJoin({ protocols: [] }).error).toBe('INCONSISTENT_GROUP_PROTOCOL')
  coordinator.classicJoin({ memberId: joinDynamic(coordinator) })
  const metadata = encodeSubscription({ topics: ['orders'] })

  expect(coordinator.classicJoin({ protocols: [{ name: 'own', metadata }] }).error).toBe('INCONSISTENT_GROUP_PROTOCOL')
  const unreadable = [{ name: 'range', metadata: Buffer.of(0) }]
  expect(coordinator.classicJoin({ apiVersion: 3, protocols: unreadable }).error).toBe('UNKNOWN_SERVER_ERROR')
  expect(coordinator.group.numMembers).toBe(2)
})

test('a full group takes nobody else', () => {
  const coordinator = groupOfC({ consumerGroupMaxSize: 1 })

  expect(coordinator.classicJoin().error).toBe('GROUP_MAX_SIZE_REACHED')
})

test('requests of an unknown member, of one of the consumer protocol, and of another generation are refused', () => {
  const coordinator = groupOfC()
  const a = joinDynamic(coordinator)
  coordinator.classicJoin({ memberId: a })

  for (const call of [
    (id: string, generation: number) => coordinator.classicHeartbeat(id, generation),
    (id: string, generation: number) => coordinator.classicSync(id, generation).answer,
  ]) {
    expect(call('nobody', 2)).toBe('UNKNOWN_MEMBER_ID')
    expect(call('C', 1)).toBe('UNKNOWN_MEMBER_ID')
    expect(call(a, 1)).toBe('ILLEGAL_GENERATION')
  }
  const commit = () => coordinator.commitOffset(1, { memberId: a, generationIdOrMemberEpoch: 1 })
  expect(commit).toThrow(expect.objectContaining({ errorName: 'ILLEGAL_GENERATION' }))
})

test('a member that is told to join again and does not, or joins and does not sync, is out', () => {
  const coordinator = groupOfC()
  const silent = joinDynamic(coordinator)
  coordinator.classicJoin({ memberId: silent, rebalanceTimeoutMs: 4000 })
  coordinator.timer.advance(4000)
  expect(coordinator.group.hasMember(silent)).toBe(false)

  const late = joinDynamic(coordinator)
  const { epoch } = coordinator.classicJoin({ memberId: late, rebalanceTimeoutMs: 8000 })
  coordinator.classicSync(late, epoch)
  coordinator.join('D')
  expect(coordinator.classicHeartbeat(late, epoch)).toBe('REBALANCE_IN_PROGRESS')
  coordinator.timer.advance(4000)
  expect(coordinator.classicHeartbeat(late, epoch)).toBe('REBALANCE_IN_PROGRESS')
  coordinator.timer.advance(4000)
  expect(coordinator.group.hasMember(late)).toBe(false)
})

test('its session ends without heartbeats', () => {
  const coordinator = groupOfC()
  const a = joinDynamic(coordinator)
  const { epoch } = coordinator.classicJoin({ memberId: a })
  coordinator.classicSync(a, epoch)
  coordinator.timer.advance(9999)
  expect(coordinator.classicHeartbeat(a, epoch)).toBe('NONE')
  coordinator.timer.advance(9999)
  expect(coordinator.group.hasMember(a)).toBe(true)

  coordinator.timer.advance(1)

  expect(coordinator.group.hasMember(a)).toBe(false)
})

test('members leave by LeaveGroup, each with its own answer', () => {
  const coordinator = groupOfC()
  coordinator.join('S', { instanceId: 'one' })
  const a = joinDynamic(coordinator)
  coordinator.classicJoin({ memberId: a })

  const errors = coordinator.classicLeave(
    { memberId: a },
    { memberId: 'nobody' },
    { memberId: 'other', groupInstanceId: 'one' },
    { memberId: '', groupInstanceId: 'one' },
    { memberId: '', groupInstanceId: 'two' },
  )

  expect(errors).toEqual(['NONE', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', 'NONE', 'UNKNOWN_MEMBER_ID'])
  expect(coordinator.group.members.map(({ memberId }) => memberId)).toEqual(['C'])
})

test('who only asks for what is not there writes nothing', () => {
  const coordinator = groupOfC()
  const { length } = coordinator.log

  expect(coordinator.classicLeave({ memberId: 'nobody' })).toEqual(['UNKNOWN_MEMBER_ID'])
  expect(coordinator.log).toHaveLength(length)
})

test('a static member of the classic protocol takes its name back at once, and fences who has it', () => {
  const coordinator = groupOfC()
  const first = coordinator.classicJoin({ groupInstanceId: 'one' })
  coordinator.classicSync(first.memberId, first.epoch, {}, 'one')

  const second = coordinator.classicJoin({ groupInstanceId: 'one' })

  expect(second).toMatchObject({ error: 'NONE', epoch: 2 })
  expect(coordinator.classicHeartbeat(first.memberId, 2, 'one')).toBe('FENCED_INSTANCE_ID')
  expect(coordinator.classicJoin({ groupInstanceId: 'one', memberId: first.memberId }).error).toBe('FENCED_INSTANCE_ID')
  expect(coordinator.classicJoin({ groupInstanceId: 'two', memberId: 'made up' }).error).toBe('UNKNOWN_MEMBER_ID')
  expect(coordinator.group.numMembers).toBe(2)
})

test('it comes back with the consumer protocol without having said that it leaves', () => {
  const coordinator = groupOfC()
  coordinator.classicJoin({ groupInstanceId: 'one' })

  expect(coordinator.join('S', { instanceId: 'one' })).toMatchObject({ error: 'NONE', epoch: 2 })
  expect(coordinator.group.member('S').classicMemberMetadata).toBeNull()
})

test('a member may change from the classic protocol to the consumer protocol with its id', () => {
  const coordinator = groupOfC()
  const a = joinDynamic(coordinator)
  coordinator.classicJoin({ memberId: a })

  expect(coordinator.join(a).error).toBe('NONE')
  expect(coordinator.classicHeartbeat(a, 2)).toBe('UNKNOWN_MEMBER_ID')
  expect(coordinator.failover().group.member(a).classicMemberMetadata).toBeNull()
})

test('a pattern of the static member that it replaces is forgotten', () => {
  const coordinator = groupOfC()
  coordinator.join('S', { instanceId: 'one', topics: null, subscribedTopicRegex: 'ord.*' })
  coordinator.executor.run()

  const { memberId } = coordinator.classicJoin({ groupInstanceId: 'one' })

  expect([...coordinator.group.resolvedRegularExpressions]).toEqual([])
  expect(coordinator.group.member(memberId).subscribedTopicRegex).toBe('')
})

test('a description tells which protocol each member speaks', () => {
  const coordinator = groupOfC()
  const a = joinDynamic(coordinator)
  coordinator.classicJoin({ memberId: a })
  coordinator.commitLog()

  const [described] = coordinator.shard.groups.consumerGroups.describe([GROUP], coordinator.committedOffset)

  expect(described?.members?.map(({ memberId, memberType }) => [memberId, memberType])).toEqual([
    ['C', 1],
    [a, 0],
  ])
})
