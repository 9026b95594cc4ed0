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
import { GROUP, GroupManagerUnderTest } from '../support/group-manager-under-test.ts'

describe('a heartbeat', () => {
  it('of a group or a member that is not there is refused', () => {
    const coordinator = new GroupManagerUnderTest()
    expect(coordinator.heartbeat('somebody', 1)).toBe('UNKNOWN_MEMBER_ID')
    stableGroup(coordinator, [{}])

    expect(coordinator.heartbeat('somebody', 1)).toBe('UNKNOWN_MEMBER_ID')
  })

  it('of another generation is refused', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}])
    const [memberId = ''] = memberIds

    expect([0, 1, 2].map(generation => coordinator.heartbeat(memberId, generation))).toEqual([
      'ILLEGAL_GENERATION',
      'NONE',
      'ILLEGAL_GENERATION',
    ])
  })

  it('hears in every state what the member is to do', () => {
    const coordinator = new GroupManagerUnderTest()
    const group = completingGroup(coordinator, [{}, {}])
    const [leaderId = '', followerId = ''] = group.memberIds
    expect(coordinator.heartbeat(followerId, 1)).toBe('NONE')
    syncAll(coordinator, group)
    expect(coordinator.heartbeat(followerId, 1)).toBe('NONE')
    coordinator.join({ memberId: leaderId })
    expect(coordinator.heartbeat(followerId, 1)).toBe('REBALANCE_IN_PROGRESS')
    coordinator.manager.onUnloaded()
    expect(coordinator.heartbeat(followerId, 1)).toBe('COORDINATOR_NOT_AVAILABLE')
  })

  it('of a member that waits to join for the first time is of no generation yet', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberId } = joinWithId(coordinator)

    expect(coordinator.heartbeat(memberId, 1)).toBe('ILLEGAL_GENERATION')
    expect(coordinator.heartbeat(memberId, 0)).toBe('REBALANCE_IN_PROGRESS')
  })
})

describe('a member that is silent for its session timeout', () => {
  it('is out, and the others rebalance', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, { sessionTimeoutMs: 20_000 }])
    const [silent = '', other = ''] = memberIds

    coordinator.advance(9_999)
    expect(stateOf(coordinator)).toBe('Stable')
    coordinator.advance(1)

    expect(coordinator.heartbeat(silent, 1)).toBe('UNKNOWN_MEMBER_ID')
    expect(coordinator.heartbeat(other, 1)).toBe('REBALANCE_IN_PROGRESS')
    expect(answered(coordinator.join({ memberId: other }))).toMatchObject({ generationId: 2, leader: other })
  })

  it('lives on with every heartbeat', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}])
    const [memberId = ''] = memberIds

    for (let beat = 0; beat < 10; beat += 1) {
      coordinator.advance(9_999)
      expect(coordinator.heartbeat(memberId, 1)).toBe('NONE')
    }
  })

  it('lives on with what else shows that it lives', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}])
    const [memberId = ''] = memberIds

    coordinator.advance(9_000)
    coordinator.manager.rescheduleClassicGroupMemberHeartbeat(coordinator.manager.classicGroup(GROUP), memberId)
    coordinator.advance(9_000)

    expect(coordinator.heartbeat(memberId, 1)).toBe('NONE')
  })

  it('is not taken for dead while its join or sync is held', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds, ...group } = stableGroup(coordinator, [{}, { sessionTimeoutMs: 300_000 }])
    const [waiting = '', late = ''] = memberIds
    const join = coordinator.join({ memberId: waiting })

    coordinator.advance(50_000)
    expect(errorOf(join)).toBe('held')
    coordinator.join({ memberId: late })
    expect(answered(join).generationId).toBe(2)
    const sync = coordinator.sync({ memberId: late, generationId: 2 })
    coordinator.advance(9_000)
    coordinator.sync({ memberId: group.leaderId, generationId: 2 })

    expect(errorOf(sync)).toBe('NONE')
    coordinator.advance(9_000)
    expect(coordinator.heartbeat(waiting, 2)).toBe('NONE')
  })

  it('and was the last leaves an empty group, which is written', () => {
    const coordinator = new GroupManagerUnderTest()
    stableGroup(coordinator, [{}])

    coordinator.advance(10_000)

    expect(stateOf(coordinator)).toBe('Empty')
    expect(coordinator.log.at(-1)).toMatchObject({
      value: { protocolType: 'consumer', generation: 2, protocol: null, leader: null, members: [] },
    })
    expect(coordinator.timer.keys).toEqual([])
  })

  it('and was the last stays out though the empty group could not be written', () => {
    const coordinator = new GroupManagerUnderTest()
    stableGroup(coordinator, [{}])
    coordinator.appendError = new Error('disk')

    coordinator.advance(10_000)

    expect(stateOf(coordinator)).toBe('Empty')
    expect(stateOf(coordinator.failover())).toBe('Stable')
  })
})

describe('a rebalance', () => {
  it('goes on without dynamic members that do not join in time', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{ sessionTimeoutMs: 300_000 }, { sessionTimeoutMs: 300_000 }])
    const [leaderId = '', late = ''] = memberIds
    const join = coordinator.join({ memberId: leaderId, sessionTimeoutMs: 300_000 })

    coordinator.advance(59_999)
    expect(errorOf(join)).toBe('held')
    coordinator.advance(1)

    expect(answered(join)).toMatchObject({ generationId: 2, leader: leaderId })
    expect(answered(join).members).toHaveLength(1)
    expect(errorOf(coordinator.join({ memberId: late }))).toBe('UNKNOWN_MEMBER_ID')
    expect(coordinator.timer.isScheduled(`heartbeat-group-${late}`)).toBe(false)
  })

  it('waits for the longest rebalance timeout of all members', () => {
    const coordinator = new GroupManagerUnderTest()
    const sessionTimeoutMs = 300_000
    const { memberIds } = stableGroup(coordinator, [
      { rebalanceTimeoutMs: 20_000, sessionTimeoutMs },
      { rebalanceTimeoutMs: 90_000, sessionTimeoutMs },
    ])

    coordinator.join({ memberId: memberIds[0] ?? '', sessionTimeoutMs })

    expect(coordinator.timer.remainingMs('join-group')).toBe(90_000)
  })

  it('ends as soon as the members that it waits for have died', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, {}])
    const join = coordinator.join({ memberId: memberIds[0] ?? '' })

    coordinator.advance(10_000)

    expect(answered(join).generationId).toBe(2)
  })

  it('has another leader when the leader does not join in time', () => {
    const coordinator = new GroupManagerUnderTest()
    const sessionTimeoutMs = 300_000
    const members = ['a', 'b'].map(groupInstanceId => ({ groupInstanceId, sessionTimeoutMs }))
    const { memberIds } = stableGroup(coordinator, members)
    const [leaderId = '', followerId = ''] = memberIds
    joinWithId(coordinator, { sessionTimeoutMs })

    const join = coordinator.join({ memberId: followerId, groupInstanceId: 'b', sessionTimeoutMs })
    coordinator.advance(60_000)

    expect(answered(join)).toMatchObject({ generationId: 2, leader: followerId })
    expect(answered(join).members?.map(({ memberId }) => memberId)).toContain(leaderId)
  })

  it('waits on when only static members are left and none has joined, until their sessions end', () => {
    const coordinator = new GroupManagerUnderTest()
    const sessionTimeoutMs = 150_000
    stableGroup(coordinator, [{ groupInstanceId: 'a', sessionTimeoutMs }])
    const newcomer = joinWithId(coordinator, { sessionTimeoutMs })
    coordinator.leave([newcomer.memberId])
    expect(errorOf(newcomer)).toBe('UNKNOWN_MEMBER_ID')

    coordinator.advance(60_000)
    expect(stateOf(coordinator)).toBe('PreparingRebalance')
    expect(coordinator.timer.remainingMs('join-group')).toBe(60_000)
    coordinator.advance(90_000)

    expect(stateOf(coordinator)).toBe('Empty')
    expect(coordinator.timer.keys).toEqual([])
  })

  it('does not wait for a new member for longer than five minutes', () => {
    const coordinator = new GroupManagerUnderTest()
    const timeouts = { sessionTimeoutMs: 1_000_000, rebalanceTimeoutMs: 1_000_000 }
    const { memberIds } = stableGroup(coordinator, [timeouts])
    const newcomer = joinWithId(coordinator, timeouts)

    coordinator.advance(5 * 60 * 1000)

    expect(errorOf(newcomer)).toBe('UNKNOWN_MEMBER_ID')
    const join = answered(coordinator.join({ memberId: memberIds[0] ?? '' }))
    expect(join.members).toHaveLength(1)
  })
})
