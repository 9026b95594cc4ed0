import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../../src/protocol/errors.ts'
import { answered, completingGroup, errorOf, stableGroup, stateOf } from '../support/classic-groups.ts'
import { GROUP, GroupManagerUnderTest, type JoinOptions, protocols } from '../support/group-manager-under-test.ts'

const LEADER: JoinOptions = { groupInstanceId: 'leader' }
const FOLLOWER: JoinOptions = { groupInstanceId: 'follower' }

function stable() {
  const coordinator = new GroupManagerUnderTest()
  const { memberIds } = stableGroup(coordinator, [LEADER, FOLLOWER])
  const [leaderId = '', followerId = ''] = memberIds
  return { coordinator, leaderId, followerId }
}

describe('a static member', () => {
  it('joins at once with an id that its name begins', () => {
    const coordinator = new GroupManagerUnderTest()

    const join = coordinator.join(FOLLOWER)
    coordinator.advance(3000)

    expect(answered(join).memberId).toMatch(/^follower-[0-9a-f-]{36}$/)
  })

  it('that comes back to a stable group takes its place, and nobody rebalances', () => {
    const { coordinator, leaderId, followerId } = stable()

    const join = answered(coordinator.join(FOLLOWER))

    expect(join).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1, leader: leaderId, skipAssignment: false })
    expect(join.memberId).not.toBe(followerId)
    expect(stateOf(coordinator)).toBe('Stable')
    expect(coordinator.heartbeat(leaderId, 1, 'leader')).toBe('NONE')
    const sync = answered(coordinator.sync({ memberId: join.memberId, groupInstanceId: 'follower' }))
    expect(sync.assignment.toString()).toBe(`${followerId}'s`)
  })

  it('that comes back is written with its new id', () => {
    const { coordinator } = stable()
    const join = answered(coordinator.join(FOLLOWER))

    const after = coordinator.failover()

    expect(after.heartbeat(join.memberId, 1, 'follower')).toBe('NONE')
  })

  it('that comes back as the leader is told of all members, and to leave the assignment as it is', () => {
    const { coordinator, leaderId } = stable()

    const join = answered(coordinator.join(LEADER))

    expect(join).toMatchObject({ errorCode: ErrorCode.NONE, leader: join.memberId, skipAssignment: true })
    expect(join.memberId).not.toBe(leaderId)
    expect(join.members).toHaveLength(2)
  })

  it('that comes back as the leader with an older version is told that somebody else leads', () => {
    const { coordinator, leaderId } = stable()

    const join = answered(coordinator.join({ ...LEADER, apiVersion: 8 }))

    expect(join).toMatchObject({ errorCode: ErrorCode.NONE, leader: leaderId, skipAssignment: false, members: [] })
  })

  it('that comes back with another subscription does not make the others rebalance either', () => {
    const { coordinator } = stable()

    const join = coordinator.join({ ...FOLLOWER, protocols: protocols(['range'], ['another']) })

    expect(errorOf(join)).toBe('NONE')
    expect(stateOf(coordinator)).toBe('Stable')
  })

  it('that comes back and changes the protocol that would be chosen makes the others rebalance', () => {
    const coordinator = new GroupManagerUnderTest()
    const offers = { protocols: protocols(['range', 'sticky']) }
    stableGroup(coordinator, [
      { ...LEADER, ...offers },
      { ...FOLLOWER, ...offers },
    ])

    const join = coordinator.join({ ...FOLLOWER, protocols: protocols(['sticky']) })

    expect(errorOf(join)).toBe('held')
    expect(stateOf(coordinator)).toBe('PreparingRebalance')
  })

  it('whose new id cannot be written has its old one again', () => {
    const { coordinator, followerId } = stable()
    coordinator.holdAppends = true

    const join = coordinator.join({
      ...FOLLOWER,
      sessionTimeoutMs: 30_000,
      protocols: protocols(['range'], ['another']),
    })
    expect(errorOf(join)).toBe('held')
    coordinator.failAppends()

    expect(answered(join)).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, memberId: '' })
    expect(join.times).toBe(1)
    expect(coordinator.heartbeat(followerId, 1, 'follower')).toBe('NONE')
    const member = coordinator.manager.classicGroup(GROUP).member(followerId)
    expect(member?.sessionTimeoutMs).toBe(10_000)
    expect(member?.matches(protocols())).toBe(true)
  })

  it('whose new id was taken by a still newer one while it was written does not take it back', () => {
    const { coordinator } = stable()
    coordinator.holdAppends = true
    const second = coordinator.join(FOLLOWER)
    const third = coordinator.join(FOLLOWER)
    expect(errorOf(second)).toBe('FENCED_INSTANCE_ID')

    coordinator.failAppends()

    expect(errorOf(third)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect([second.times, third.times]).toEqual([1, 1])
    expect(coordinator.manager.classicGroup(GROUP).numMembers).toBe(2)
  })

  it('that leads and comes back while the others begin to rebalance waits with them', () => {
    const coordinator = new GroupManagerUnderTest()
    const third: JoinOptions = { groupInstanceId: 'third' }
    const { memberIds } = stableGroup(coordinator, [LEADER, FOLLOWER, third])
    const [, followerId = '', thirdId = ''] = memberIds
    coordinator.holdAppends = true
    const leader = coordinator.join(LEADER)
    coordinator.join({ ...FOLLOWER, memberId: followerId, protocols: protocols(['range'], ['another']) })

    coordinator.commit()
    expect(errorOf(leader)).toBe('held')
    coordinator.join({ ...third, memberId: thirdId })

    expect(answered(leader)).toMatchObject({ generationId: 2, skipAssignment: false })
    expect(answered(leader).members).toHaveLength(3)
    expect(leader.times).toBe(1)
  })

  it('that comes back while its predecessor waits to join fences it', () => {
    const { coordinator, leaderId, followerId } = stable()
    coordinator.join({ ...LEADER, memberId: leaderId })
    const newcomer = coordinator.join({})
    const join = coordinator.join({ ...FOLLOWER, memberId: followerId })
    expect(errorOf(join)).toBe('held')

    const again = coordinator.join(FOLLOWER)

    expect(answered(join)).toMatchObject({ errorCode: ErrorCode.FENCED_INSTANCE_ID, memberId: followerId })
    expect(errorOf(again)).toBe('held')
    coordinator.leave([answered(newcomer).memberId])
    expect(answered(again).generationId).toBe(2)
  })

  it('that comes back while its predecessor waits to sync fences it and makes all rebalance', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = completingGroup(coordinator, [LEADER, FOLLOWER])
    const sync = coordinator.sync({ memberId: memberIds[1] ?? '', groupInstanceId: 'follower' })

    const join = coordinator.join(FOLLOWER)

    expect(errorOf(sync)).toBe('FENCED_INSTANCE_ID')
    expect(errorOf(join)).toBe('held')
    expect(stateOf(coordinator)).toBe('PreparingRebalance')
    const leader = answered(coordinator.join({ ...LEADER, memberId: memberIds[0] ?? '' }))
    expect(leader.members?.map(({ memberId }) => memberId)).toContain(answered(join).memberId)
  })

  it('with the id of its predecessor is fenced, whatever it asks', () => {
    const { coordinator, followerId } = stable()
    const { memberId } = answered(coordinator.join(FOLLOWER))
    const old = { memberId: followerId, groupInstanceId: 'follower' }

    expect(errorOf(coordinator.join(old))).toBe('FENCED_INSTANCE_ID')
    expect(errorOf(coordinator.sync(old))).toBe('FENCED_INSTANCE_ID')
    expect(coordinator.heartbeat(followerId, 1, 'follower')).toBe('FENCED_INSTANCE_ID')
    expect(coordinator.leave([old]).members).toMatchObject([{ errorCode: ErrorCode.FENCED_INSTANCE_ID }])
    expect(coordinator.heartbeat(memberId, 1, 'follower')).toBe('NONE')
  })

  it('with the id that it has is let in again', () => {
    const { coordinator, followerId } = stable()

    expect(errorOf(coordinator.join({ ...FOLLOWER, memberId: followerId }))).toBe('NONE')
    expect(errorOf(coordinator.join({ memberId: followerId, groupInstanceId: 'unheard-of' }))).toBe('UNKNOWN_MEMBER_ID')
  })

  it('stays in the group when it does not join a rebalance, until its session ends', () => {
    const coordinator = new GroupManagerUnderTest()
    const away = { ...FOLLOWER, sessionTimeoutMs: 100_000 }
    const { memberIds } = stableGroup(coordinator, [LEADER, away])
    const leader = coordinator.join({ ...LEADER, memberId: memberIds[0] ?? '' })

    coordinator.advance(60_000)

    expect(answered(leader).generationId).toBe(2)
    expect(answered(leader).members).toHaveLength(2)
  })

  it('may restart one after the other: nobody rebalances', () => {
    const coordinator = new GroupManagerUnderTest()
    const names = ['a', 'b', 'c']
    const { memberIds } = stableGroup(
      coordinator,
      names.map(groupInstanceId => ({ groupInstanceId })),
    )

    const assignments = names.map(groupInstanceId => {
      coordinator.advance(5000)
      const { memberId, generationId } = answered(coordinator.join({ groupInstanceId }))
      for (const member of coordinator.manager.classicGroup(GROUP).members) {
        expect(coordinator.heartbeat(member.memberId, 1, member.groupInstanceId ?? null)).toBe('NONE')
      }
      const sync = coordinator.sync({ memberId, groupInstanceId, generationId: generationId ?? 0 })
      return answered(sync).assignment.toString()
    })

    expect(assignments).toEqual(memberIds.map(memberId => `${memberId}'s`))
    coordinator.advance(9_000)
    expect(stateOf(coordinator)).toBe('Stable')
  })
})
