import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../../src/protocol/errors.ts'
import { answered, completingGroup, errorOf, joinWithId, stableGroup, stateOf } from '../support/classic-groups.ts'
import { GroupManagerUnderTest, protocols } from '../support/group-manager-under-test.ts'

describe('a first join', () => {
  it('is given an id to join with, from version 4 on', () => {
    const coordinator = new GroupManagerUnderTest()

    const join = coordinator.join({ clientId: 'app', apiVersion: 4 })

    expect(errorOf(join)).toBe('MEMBER_ID_REQUIRED')
    expect(answered(join).memberId).toMatch(/^app-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(stateOf(coordinator)).toBe('Empty')
  })

  it('is accepted at once in version 3', () => {
    const coordinator = new GroupManagerUnderTest()

    const join = coordinator.join({ apiVersion: 3 })
    coordinator.advance(3000)

    expect(answered(join)).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1, protocolName: 'range' })
    expect(answered(join).leader).toBe(answered(join).memberId)
  })

  it('writes the new group, so that it outlives its coordinator', () => {
    const coordinator = new GroupManagerUnderTest()

    coordinator.join()

    expect(coordinator.log).toMatchObject([
      { type: 'GroupMetadata', key: { group: 'group' }, value: { protocolType: '', generation: 0, members: [] } },
    ])
    expect(stateOf(coordinator.failover())).toBe('Empty')
  })

  it('leaves no group when it cannot be written, and tells why', () => {
    const coordinator = new GroupManagerUnderTest()
    coordinator.holdAppends = true

    const join = coordinator.join({ apiVersion: 3 })
    coordinator.failAppends()

    expect(errorOf(join)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(join.times).toBe(1)
    expect(stateOf(coordinator)).toBe('none')
    coordinator.advance(600_000)
    expect(coordinator.timer.keys).toEqual([])
  })

  it('that could not be written leaves a timer that does nothing to the next group of its name', () => {
    const coordinator = new GroupManagerUnderTest()
    coordinator.appendError = new Error('disk')
    expect(errorOf(coordinator.join({ apiVersion: 3 }))).toBe('UNKNOWN_SERVER_ERROR')
    coordinator.appendError = undefined
    const { memberId } = answered(coordinator.join())

    coordinator.advance(3000)

    expect(stateOf(coordinator)).toBe('Empty')
    expect(errorOf(coordinator.join({ memberId }))).toBe('held')
  })

  it('does not make a group for a member with an id', () => {
    const coordinator = new GroupManagerUnderTest()

    const join = coordinator.join({ memberId: 'somebody' })

    expect(answered(join)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: 'somebody' })
    expect(stateOf(coordinator)).toBe('none')
  })

  it('needs a protocol and its type', () => {
    expect(errorOf(new GroupManagerUnderTest().join({ protocolType: '' }))).toBe('INCONSISTENT_GROUP_PROTOCOL')
    expect(errorOf(new GroupManagerUnderTest().join({ protocols: [] }))).toBe('INCONSISTENT_GROUP_PROTOCOL')
  })
})

describe('an id that was given out', () => {
  it('is forgotten when nobody joins with it within the session timeout', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberId } = answered(coordinator.join({ sessionTimeoutMs: 10_000 }))

    coordinator.advance(10_000)

    expect(errorOf(coordinator.join({ memberId }))).toBe('UNKNOWN_MEMBER_ID')
    expect(coordinator.timer.keys).toEqual([])
  })

  it('keeps a rebalance waiting until somebody joins with it, or it is forgotten', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}])
    coordinator.join({ sessionTimeoutMs: 7_000 })

    const rejoin = coordinator.join({ memberId: memberIds[0] ?? '' })
    expect(errorOf(rejoin)).toBe('held')
    coordinator.advance(7_000)

    expect(answered(rejoin)).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 2 })
  })

  it('is refused with a static name, which it was not given for', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberId } = answered(coordinator.join())

    expect(() => coordinator.join({ memberId, groupInstanceId: 'name' })).toThrow(/told to join as a dynamic one/)
  })
})

describe('a new group', () => {
  it('waits for group.initial.rebalance.delay.ms and then has a leader, who alone is told of all', () => {
    const coordinator = new GroupManagerUnderTest()
    const first = joinWithId(coordinator)
    const second = joinWithId(coordinator)

    coordinator.advance(5_999)
    expect([errorOf(first), errorOf(second)]).toEqual(['held', 'held'])
    coordinator.advance(1)

    expect(answered(first)).toMatchObject({ leader: first.memberId, memberId: first.memberId, generationId: 1 })
    expect(answered(second)).toMatchObject({ leader: first.memberId, memberId: second.memberId, generationId: 1 })
    expect(answered(first).members?.map(({ memberId }) => memberId)).toEqual([first.memberId, second.memberId])
    expect(answered(second).members).toEqual([])
    expect(stateOf(coordinator)).toBe('CompletingRebalance')
  })

  it('waits no longer when nobody came during the delay', () => {
    const coordinator = new GroupManagerUnderTest()
    const join = joinWithId(coordinator)

    coordinator.advance(2_999)
    expect(errorOf(join)).toBe('held')
    coordinator.advance(1)

    expect(errorOf(join)).toBe('NONE')
  })

  it('waits as long as members come, but not longer than their rebalance timeout', () => {
    const coordinator = new GroupManagerUnderTest()
    const first = joinWithId(coordinator, { rebalanceTimeoutMs: 7_000 })
    for (let second = 0; second < 7; second += 1) {
      expect(errorOf(first)).toBe('held')
      joinWithId(coordinator, { rebalanceTimeoutMs: 7_000 })
      coordinator.advance(1000)
    }

    expect(errorOf(first)).toBe('NONE')
    expect(answered(first).members).toHaveLength(8)
  })

  it('without a delay is complete as soon as its timer runs', () => {
    const coordinator = new GroupManagerUnderTest({ classicGroupInitialRebalanceDelayMs: 0 })
    const join = joinWithId(coordinator)

    coordinator.advance(0)

    expect(errorOf(join)).toBe('NONE')
  })
})

describe('protocols', () => {
  it('are chosen by votes among those that all members offer', () => {
    const coordinator = new GroupManagerUnderTest()
    const offers = [
      ['a', 'b', 'c'],
      ['b', 'c'],
      ['c', 'b', 'x'],
    ]
    const joins = offers.map(names => joinWithId(coordinator, { protocols: protocols(names) }))

    coordinator.advance(6000)

    expect(joins.map(join => answered(join).protocolName)).toEqual(['b', 'b', 'b'])
  })

  it('that no other member offers are refused', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{ protocols: protocols(['range']) }])

    expect(errorOf(coordinator.join({ protocols: protocols(['sticky']) }))).toBe('INCONSISTENT_GROUP_PROTOCOL')
    expect(errorOf(coordinator.join({ protocolType: 'connect' }))).toBe('INCONSISTENT_GROUP_PROTOCOL')
    const rejoin = coordinator.join({ memberId: memberIds[0] ?? '', protocols: protocols(['sticky']) })
    expect(answered(rejoin)).toMatchObject({ errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId: memberIds[0] })
  })

  it('may be offered twice by one member', () => {
    const coordinator = new GroupManagerUnderTest()
    const join = joinWithId(coordinator, { protocols: protocols(['range', 'range']) })

    coordinator.advance(3000)

    expect(answered(join).protocolName).toBe('range')
  })
})

describe('joining again', () => {
  it('in CompletingRebalance with the same metadata tells the generation once more', () => {
    const coordinator = new GroupManagerUnderTest()
    const { leaderId, memberIds } = completingGroup(coordinator, [{}, {}])

    const leader = answered(coordinator.join({ memberId: leaderId }))
    const follower = answered(coordinator.join({ memberId: memberIds[1] ?? '' }))

    expect(leader).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1, leader: leaderId })
    expect(leader.members).toHaveLength(2)
    expect(follower).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1, members: [] })
    expect(stateOf(coordinator)).toBe('CompletingRebalance')
  })

  it('in CompletingRebalance with other metadata begins another rebalance and answers who waits for an assignment', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = completingGroup(coordinator, [{}, {}])
    const [leaderId = '', followerId = ''] = memberIds
    const sync = coordinator.sync({ memberId: followerId })

    const join = coordinator.join({ memberId: leaderId, protocols: protocols(['range'], ['other']) })

    expect(errorOf(join)).toBe('held')
    expect(errorOf(sync)).toBe('REBALANCE_IN_PROGRESS')
    expect(stateOf(coordinator)).toBe('PreparingRebalance')
  })

  it('in Stable as a follower with the same metadata tells the generation', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, {}])

    const join = answered(coordinator.join({ memberId: memberIds[1] ?? '' }))

    expect(join).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1, protocolName: 'range', members: [] })
    expect(stateOf(coordinator)).toBe('Stable')
  })

  it('in Stable as a follower with other metadata begins a rebalance', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, {}])

    const metadata = protocols(['range'], ['other'])
    const join = coordinator.join({ memberId: memberIds[1] ?? '', protocols: metadata })
    coordinator.join({ memberId: memberIds[0] ?? '' })

    expect(answered(join).generationId).toBe(2)
    expect([...(coordinator.manager.classicGroup('group').subscribedTopics ?? [])]).toEqual(['topic', 'other'])
  })

  it('in Stable as the leader begins a rebalance, since topics may have changed', () => {
    const coordinator = new GroupManagerUnderTest()
    const { leaderId, memberIds } = stableGroup(coordinator, [{}, {}])

    const join = coordinator.join({ memberId: leaderId })
    expect(errorOf(join)).toBe('held')
    coordinator.join({ memberId: memberIds[1] ?? '' })

    expect(answered(join)).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 2, leader: leaderId })
  })

  it('ends the rebalance when the last member has joined, without waiting for a timer', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, {}])
    const newcomer = joinWithId(coordinator)

    coordinator.join({ memberId: memberIds[0] ?? '' })
    expect(errorOf(newcomer)).toBe('held')
    coordinator.join({ memberId: memberIds[1] ?? '' })

    expect(answered(newcomer).generationId).toBe(2)
    expect(coordinator.timer.isScheduled('join-group')).toBe(false)
  })

  it('with an id that nobody was given is refused', () => {
    const coordinator = new GroupManagerUnderTest()
    stableGroup(coordinator, [{}])

    expect(errorOf(coordinator.join({ memberId: 'nobody' }))).toBe('UNKNOWN_MEMBER_ID')
  })
})

describe('group.max.size', () => {
  it('turns away members beyond it, in every state', () => {
    const coordinator = new GroupManagerUnderTest({ classicGroupMaxSize: 2 })
    const first = joinWithId(coordinator, { apiVersion: 5 })
    joinWithId(coordinator)
    expect(errorOf(coordinator.join())).toBe('GROUP_MAX_SIZE_REACHED')
    coordinator.advance(6000)
    expect(errorOf(coordinator.join())).toBe('GROUP_MAX_SIZE_REACHED')
    expect(errorOf(coordinator.join({ memberId: first.memberId }))).toBe('NONE')
  })

  it('turns away the last to join again when it was lowered', () => {
    const before = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(before, [{}, {}, {}])

    const after = before.failover({ classicGroupMaxSize: 2 })
    expect(stateOf(after)).toBe('PreparingRebalance')
    const joins = memberIds.map(memberId => after.join({ memberId }))

    expect(joins.map(errorOf)).toEqual(['held', 'held', 'GROUP_MAX_SIZE_REACHED'])
    after.advance(60_000)
    expect(joins.slice(0, 2).map(join => answered(join).generationId)).toEqual([2, 2])
  })
})
