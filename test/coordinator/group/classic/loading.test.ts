import { describe, expect, it } from 'vitest'
import {
  answered,
  completingGroup,
  errorOf,
  joinWithId,
  stableGroup,
  stateOf,
  syncAll,
} from '../support/classic-groups.ts'
import { GROUP, GroupManagerUnderTest, protocols } from '../support/group-manager-under-test.ts'

describe('a coordinator that takes over', () => {
  it('knows the group as it was written, and its members go on', () => {
    const before = new GroupManagerUnderTest()
    const topics = protocols(['range', 'sticky'], ['orders'])
    const { memberIds } = stableGroup(before, [
      { clientId: 'app', protocols: topics, groupInstanceId: 'static' },
      { protocols: topics },
    ])
    const [first = '', second = ''] = memberIds

    const after = before.failover()

    const group = after.manager.classicGroup(GROUP)
    expect(group).toMatchObject({
      state: 'Stable',
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leaderId: first,
    })
    expect(group.staticMemberId('static')).toBe(first)
    expect(group.member(first)).toMatchObject({
      clientId: 'app',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
    })
    expect([...(group.subscribedTopics ?? [])]).toEqual(['orders'])
    expect(after.heartbeat(first, 1, 'static')).toBe('NONE')
    expect(answered(after.sync({ memberId: second })).assignment.toString()).toBe(`${second}'s`)
  })

  it('gives members a whole session to show that they live', () => {
    const before = new GroupManagerUnderTest()
    stableGroup(before, [{}, { sessionTimeoutMs: 30_000 }])
    before.advance(9_000)

    const after = before.failover()
    after.advance(9_999)
    expect(stateOf(after)).toBe('Stable')
    after.advance(1)
    expect(stateOf(after)).toBe('PreparingRebalance')
    after.advance(20_000)

    expect(stateOf(after)).toBe('Empty')
    expect(after.timer.keys).toEqual([])
  })

  it('knows nothing of a rebalance that was not complete: the generation before goes on', () => {
    const before = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(before, [{}])
    const [memberId = ''] = memberIds
    const newcomer = joinWithId(before)
    before.join({ memberId })
    expect(answered(newcomer).generationId).toBe(2)

    const after = before.failover()

    expect(after.heartbeat(memberId, 1)).toBe('NONE')
    expect(after.heartbeat(memberId, 2)).toBe('ILLEGAL_GENERATION')
    expect(after.heartbeat(newcomer.memberId, 2)).toBe('UNKNOWN_MEMBER_ID')
  })

  it('counts on from the generation that was written', () => {
    const before = new GroupManagerUnderTest()
    stableGroup(before, [{}])
    before.advance(10_000)

    const after = before.failover()

    expect(stateOf(after)).toBe('Empty')
    expect(stableGroup(after, [{}]).generationId).toBe(3)
  })

  it('takes the session timeout for a rebalance timeout that old records do not tell', () => {
    const coordinator = new GroupManagerUnderTest()
    const member = {
      memberId: 'm',
      groupInstanceId: null,
      clientId: 'c',
      clientHost: '/h',
      rebalanceTimeout: -1,
      sessionTimeout: 7_000,
      subscription: Buffer.from('not a subscription'),
      assignment: Buffer.from('a'),
    }
    coordinator.manager.replayGroupMetadata(
      { group: GROUP },
      {
        protocolType: 'consumer',
        generation: 4,
        protocol: 'range',
        leader: 'm',
        currentStateTimestamp: -1,
        members: [member],
      },
    )

    const group = coordinator.manager.classicGroup(GROUP)
    expect(group.rebalanceTimeoutMs).toBe(7_000)
    expect(group.currentStateTimestamp).toBeUndefined()
    expect(group.subscribedTopics).toBeUndefined()
    expect(group.isSubscribedToTopic('any')).toBe(true)
  })
})

describe('a coordinator that gives up', () => {
  it('tells who waits to join to look for the other', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, {}])
    const join = coordinator.join({ memberId: memberIds[0] ?? '' })

    coordinator.manager.onUnloaded()

    expect(errorOf(join)).toBe('NOT_COORDINATOR')
    expect(stateOf(coordinator)).toBe('Dead')
  })

  it('tells who waits to sync to look for the other', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = completingGroup(coordinator, [{}, {}])
    const sync = coordinator.sync({ memberId: memberIds[1] ?? '' })

    coordinator.manager.onUnloaded()

    expect(errorOf(sync)).toBe('NOT_COORDINATOR')
  })

  it('answers whoever still comes, and does nothing when timers end', () => {
    const coordinator = new GroupManagerUnderTest()
    const group = stableGroup(coordinator, [{}])
    const [memberId = ''] = group.memberIds
    coordinator.manager.onUnloaded()

    expect(errorOf(coordinator.join())).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(errorOf(coordinator.join({ memberId }))).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(syncAll(coordinator, group).map(errorOf)).toEqual(['COORDINATOR_NOT_AVAILABLE'])
    coordinator.advance(1_000_000)
    expect(stateOf(coordinator)).toBe('Dead')
  })
})

describe('a group that is deleted', () => {
  it('is gone, here and for who takes over', () => {
    const coordinator = new GroupManagerUnderTest()
    stableGroup(coordinator, [{}])
    coordinator.advance(10_000)

    coordinator.deleteGroup()

    expect(coordinator.log.at(-1)).toEqual({ type: 'GroupMetadata', key: { group: GROUP }, value: null })
    expect(stateOf(coordinator)).toBe('none')
    expect(stateOf(coordinator.failover())).toBe('none')
  })

  it('is there again when its tombstone could not be written', () => {
    const coordinator = new GroupManagerUnderTest()
    stableGroup(coordinator, [{}])
    coordinator.advance(10_000)
    coordinator.holdAppends = true

    coordinator.deleteGroup()
    expect(stateOf(coordinator)).toBe('none')
    coordinator.failAppends()

    expect(stateOf(coordinator)).toBe('Empty')
  })

  it('has no members', () => {
    const coordinator = new GroupManagerUnderTest()
    stableGroup(coordinator, [{}])

    coordinator.deleteGroup()

    expect(stateOf(coordinator)).toBe('Stable')
  })

  it('leaves timers of ids that were given out, which find nobody', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberId } = answered(coordinator.join())
    coordinator.deleteGroup()

    coordinator.advance(10_000)

    expect(coordinator.timer.keys).toEqual([])
    expect(errorOf(coordinator.join({ memberId }))).toBe('UNKNOWN_MEMBER_ID')
  })
})
