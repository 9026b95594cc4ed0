import { describe, expect, it } from 'vitest'
import { ApiError, ErrorCode } from '../../../../src/protocol/errors.ts'
import {
  answered,
  completingGroup,
  errorOf,
  joinWithId,
  stableGroup,
  stateOf,
  syncAll,
} from '../support/classic-groups.ts'
import { GroupManagerUnderTest } from '../support/group-manager-under-test.ts'

function completing(members = 3) {
  const coordinator = new GroupManagerUnderTest()
  const group = completingGroup(
    coordinator,
    Array.from({ length: members }, () => ({})),
  )
  const [leaderId = '', ...followers] = group.memberIds
  return { coordinator, group, leaderId, followers }
}

describe('SyncGroup', () => {
  it('is held until the leader has brought the assignment and it is written', () => {
    const { coordinator, leaderId, followers } = completing(2)
    const [followerId = ''] = followers
    coordinator.holdAppends = true

    const follower = coordinator.sync({ memberId: followerId })
    const leader = coordinator.sync({ memberId: leaderId, assignments: { [leaderId]: 'one', [followerId]: 'two' } })
    expect([errorOf(follower), errorOf(leader)]).toEqual(['held', 'held'])
    expect(stateOf(coordinator)).toBe('CompletingRebalance')
    coordinator.commit()

    expect(answered(leader)).toMatchObject({
      protocolType: 'consumer',
      protocolName: 'range',
      assignment: Buffer.from('one'),
    })
    expect(answered(follower)).toMatchObject({ errorCode: ErrorCode.NONE, assignment: Buffer.from('two') })
    expect(stateOf(coordinator)).toBe('Stable')
  })

  it('writes members with what they offered and got', () => {
    const { coordinator, group, leaderId } = completing(2)

    syncAll(coordinator, group)

    const record = coordinator.log.at(-1)
    if (record?.type !== 'GroupMetadata' || record.value === null) throw new Error('expected a group')
    expect(record.value).toMatchObject({ protocolType: 'consumer', protocol: 'range', generation: 1, leader: leaderId })
    expect(record.value.members.map(({ memberId, assignment }) => [memberId, assignment.toString()])).toEqual(
      group.memberIds.map(memberId => [memberId, `${memberId}'s`]),
    )
    expect(record.value.members[0]).toMatchObject({
      clientHost: '/127.0.0.1',
      rebalanceTimeout: 60_000,
      sessionTimeout: 10_000,
    })
  })

  it('gives nothing to members that the leader left out', () => {
    const { coordinator, leaderId, followers } = completing(2)
    const follower = coordinator.sync({ memberId: followers[0] ?? '' })

    coordinator.sync({ memberId: leaderId, assignments: { [leaderId]: 'all', stranger: 'lost' } })

    expect(answered(follower)).toMatchObject({ errorCode: ErrorCode.NONE, assignment: Buffer.alloc(0) })
  })

  it('tells a follower that comes later what it got', () => {
    const { coordinator, leaderId, followers } = completing(2)
    const [followerId = ''] = followers
    coordinator.sync({ memberId: leaderId, assignments: { [followerId]: 'part' } })

    expect(answered(coordinator.sync({ memberId: followerId })).assignment).toEqual(Buffer.from('part'))
  })

  it('that repeats itself is answered again in Stable', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}])
    const [memberId = ''] = memberIds

    expect(answered(coordinator.sync({ memberId })).assignment).toEqual(Buffer.from(`${memberId}'s`))
  })

  it('is told that the group rebalances', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, {}])
    coordinator.join({ memberId: memberIds[0] ?? '' })

    expect(errorOf(coordinator.sync({ memberId: memberIds[1] ?? '' }))).toBe('REBALANCE_IN_PROGRESS')
  })

  it.each([
    ['of another generation', { generationId: 2 }, 'ILLEGAL_GENERATION'],
    ['of an earlier generation', { generationId: 0 }, 'ILLEGAL_GENERATION'],
    ['of nobody', { memberId: 'nobody' }, 'UNKNOWN_MEMBER_ID'],
    ['of an unknown static member', { groupInstanceId: 'nobody' }, 'UNKNOWN_MEMBER_ID'],
    ['of an unknown group', { groupId: 'unknown' }, 'UNKNOWN_MEMBER_ID'],
    ['with another protocol', { protocolName: 'sticky' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['with another type', { protocolType: 'connect' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['with the right protocol and type', { protocolType: 'consumer', protocolName: 'range' }, 'held'],
  ])('%s is answered accordingly', (_, options, expected) => {
    const { coordinator, followers } = completing(2)

    expect(errorOf(coordinator.sync({ memberId: followers[0] ?? '', ...options }))).toBe(expected)
  })

  it('to a group without members is refused', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberId } = answered(coordinator.join())

    expect(errorOf(coordinator.sync({ memberId }))).toBe('UNKNOWN_MEMBER_ID')
  })
})

describe('an assignment that cannot be written', () => {
  it.each([
    [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'COORDINATOR_NOT_AVAILABLE'],
    [ErrorCode.NOT_ENOUGH_REPLICAS, 'COORDINATOR_NOT_AVAILABLE'],
    [ErrorCode.REQUEST_TIMED_OUT, 'COORDINATOR_NOT_AVAILABLE'],
    [ErrorCode.NOT_LEADER_OR_FOLLOWER, 'NOT_COORDINATOR'],
    [ErrorCode.KAFKA_STORAGE_ERROR, 'NOT_COORDINATOR'],
    [ErrorCode.MESSAGE_TOO_LARGE, 'UNKNOWN_SERVER_ERROR'],
    [ErrorCode.RECORD_LIST_TOO_LARGE, 'UNKNOWN_SERVER_ERROR'],
    [ErrorCode.INVALID_FETCH_SIZE, 'UNKNOWN_SERVER_ERROR'],
    [ErrorCode.POLICY_VIOLATION, 'POLICY_VIOLATION'],
  ])('with error %i is told to all as %s, and the group rebalances', (code, expected) => {
    const { coordinator, group } = completing()
    coordinator.appendError = new ApiError(code)

    const syncs = syncAll(coordinator, group)

    expect(syncs.map(errorOf)).toEqual([expected, expected, expected])
    expect(syncs.map(sync => sync.times)).toEqual([1, 1, 1])
    expect(stateOf(coordinator)).toBe('PreparingRebalance')
  })

  it('is forgotten: the next generation has its own', () => {
    const { coordinator, group } = completing()
    coordinator.appendError = new ApiError(ErrorCode.NOT_ENOUGH_REPLICAS)
    syncAll(coordinator, group)
    coordinator.appendError = undefined

    const joins = group.memberIds.map(memberId => coordinator.join({ memberId }))
    const syncs = syncAll(coordinator, {
      ...group,
      generationId: answered(joins[0] ?? coordinator.join()).generationId ?? 0,
    })

    expect(joins.map(join => answered(join).generationId)).toEqual([2, 2, 2])
    expect(syncs.map(errorOf)).toEqual(['NONE', 'NONE', 'NONE'])
    expect(stateOf(coordinator)).toBe('Stable')
  })

  it('changes nothing when another rebalance has begun meanwhile, and neither does one that was written', () => {
    for (const fails of [true, false]) {
      const { coordinator, group, leaderId } = completing(2)
      coordinator.holdAppends = true
      const syncs = syncAll(coordinator, group)
      const join = coordinator.join({
        memberId: leaderId,
        protocols: [{ name: 'range', metadata: Buffer.from('new') }],
      })

      expect(syncs.map(errorOf)).toEqual(['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS'])
      if (fails) coordinator.failAppends()
      else coordinator.commit()

      expect(stateOf(coordinator)).toBe('PreparingRebalance')
      expect(errorOf(join)).toBe(fails ? 'COORDINATOR_NOT_AVAILABLE' : 'held')
      expect(coordinator.manager.classicGroup('group').members.some(member => member.hasAssignment)).toBe(false)
    }
  })
})

describe('an assignment that is written late', () => {
  it('does not count for the generation after it', () => {
    const { coordinator, group, leaderId, followers } = completing(2)
    coordinator.holdAppends = true
    syncAll(coordinator, group)
    const metadata = [{ name: 'range', metadata: Buffer.from('new') }]
    for (const memberId of [leaderId, ...followers]) coordinator.join({ memberId, protocols: metadata })
    const sync = coordinator.sync({ memberId: followers[0] ?? '', generationId: 2 })

    coordinator.commit()

    expect(errorOf(sync)).toBe('held')
    expect(stateOf(coordinator)).toBe('CompletingRebalance')
  })
})

describe('bytes of requests', () => {
  it('are not looked at again once the request was taken', () => {
    const coordinator = new GroupManagerUnderTest()
    const metadata = Buffer.from('metadata')
    const join = joinWithId(coordinator, { protocols: [{ name: 'range', metadata }] })
    coordinator.advance(3000)
    const assignment = Buffer.from('assignment')
    const request = {
      groupId: 'group',
      generationId: 1,
      memberId: join.memberId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [{ memberId: join.memberId, assignment }],
    }
    const context = { clientId: 'client', clientHost: '/127.0.0.1', apiVersion: 5 }
    const { records, onAppended } = coordinator.manager.classicGroupSync(context, request, () => {})
    metadata.fill(0)
    assignment.fill(0)

    onAppended?.(undefined)

    const member = coordinator.manager.classicGroup('group').member(join.memberId)
    expect(member?.metadata('range').toString()).toBe('metadata')
    expect(member?.assignment.toString()).toBe('assignment')
    expect(records).toMatchObject([{ value: { members: [{ assignment: Buffer.from('assignment') }] } }])
  })
})

describe('a member that does not sync', () => {
  it('is put out after the rebalance timeout, and the others rebalance', () => {
    const { coordinator, group, leaderId, followers } = completing()
    const [silent = '', other = ''] = followers
    coordinator.sync({ memberId: other })
    coordinator.sync({ memberId: leaderId, assignments: {} })
    expect(stateOf(coordinator)).toBe('Stable')
    for (let passed = 0; passed < 60_000; passed += 5000) {
      for (const memberId of group.memberIds) expect(coordinator.heartbeat(memberId, 1)).toBe('NONE')
      coordinator.advance(5000)
    }

    expect(coordinator.manager.classicGroup('group').hasMember(silent)).toBe(false)
    expect(stateOf(coordinator)).toBe('PreparingRebalance')
  })

  it('leads to a new leader when it was the leader', () => {
    const { coordinator, group, leaderId, followers } = completing()
    const syncs = followers.map(memberId => coordinator.sync({ memberId }))
    for (let passed = 0; passed < 60_000; passed += 5000) {
      for (const memberId of group.memberIds) coordinator.heartbeat(memberId, 1)
      coordinator.advance(5000)
    }

    expect(syncs.map(errorOf)).toEqual(['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS'])
    const joins = followers.map(memberId => coordinator.join({ memberId }))
    expect(joins.map(join => answered(join).leader)).toEqual([followers[0], followers[0]])
    expect(coordinator.heartbeat(leaderId, 1)).toBe('UNKNOWN_MEMBER_ID')
  })

  it('is waited for no longer once another rebalance has begun', () => {
    const { coordinator, leaderId } = completing()

    coordinator.leave([leaderId])

    expect(coordinator.timer.isScheduled('sync-group')).toBe(false)
  })

  it('is waited for no longer once all have synced', () => {
    const { coordinator, group } = completing()

    syncAll(coordinator, group)

    expect(coordinator.timer.isScheduled('sync-group')).toBe(false)
  })
})
