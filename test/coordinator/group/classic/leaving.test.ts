import { describe, expect, it } from 'vitest'
import type { LeaveGroupResponseInput } from '../../../../src/protocol/apis/leave-group.ts'
import { ApiError, ErrorCode, errorName } from '../../../../src/protocol/errors.ts'
import { answered, completingGroup, errorOf, joinWithId, stableGroup, stateOf } from '../support/classic-groups.ts'
import { GROUP, GroupManagerUnderTest } from '../support/group-manager-under-test.ts'

function errors(response: LeaveGroupResponseInput): string[] {
  return (response.members ?? []).map(({ errorCode }) => errorName(errorCode))
}

describe('LeaveGroup', () => {
  it('to a group that is not there is refused', () => {
    expect(() => new GroupManagerUnderTest().leave(['somebody'])).toThrow(ApiError)
  })

  it('makes the others rebalance without waiting for the one that left', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, {}])
    const [leaderId = '', followerId = ''] = memberIds

    expect(errors(coordinator.leave([leaderId]))).toEqual(['NONE'])

    expect(stateOf(coordinator)).toBe('PreparingRebalance')
    expect(coordinator.timer.isScheduled(`heartbeat-group-${leaderId}`)).toBe(false)
    expect(answered(coordinator.join({ memberId: followerId }))).toMatchObject({ generationId: 2, leader: followerId })
  })

  it('of several members tells of each whether it was there', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, { groupInstanceId: 'static' }, { groupInstanceId: 'other' }])
    const [dynamic = '', , other = ''] = memberIds

    const response = coordinator.leave([
      dynamic,
      'nobody',
      { groupInstanceId: 'static' },
      { groupInstanceId: 'unknown' },
      { groupInstanceId: 'other', memberId: 'impostor' },
      dynamic,
    ])

    expect(response.errorCode).toBe(ErrorCode.NONE)
    expect(errors(response)).toEqual([
      'NONE',
      'UNKNOWN_MEMBER_ID',
      'NONE',
      'UNKNOWN_MEMBER_ID',
      'FENCED_INSTANCE_ID',
      'UNKNOWN_MEMBER_ID',
    ])
    expect(response.members?.[2]).toEqual({ memberId: '', groupInstanceId: 'static', errorCode: ErrorCode.NONE })
    expect(coordinator.manager.classicGroup(GROUP).members.map(({ memberId }) => memberId)).toEqual([other])
  })

  it('of nobody who is there leaves the group as it is', () => {
    const coordinator = new GroupManagerUnderTest()
    stableGroup(coordinator, [{}])

    expect(errors(coordinator.leave(['nobody']))).toEqual(['UNKNOWN_MEMBER_ID'])

    expect(stateOf(coordinator)).toBe('Stable')
  })

  it('of the last member leaves an empty group, which is written, and no timer', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}, { groupInstanceId: 'static' }])

    coordinator.leave([memberIds[0] ?? '', { groupInstanceId: 'static', memberId: memberIds[1] ?? '' }])

    expect(stateOf(coordinator)).toBe('Empty')
    expect(coordinator.log.at(-1)).toMatchObject({ value: { generation: 2, members: [] } })
    expect(coordinator.timer.keys).toEqual([])
  })

  it('of who has an id and has not joined with it takes the id back', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}])
    const { memberId } = answered(coordinator.join())
    const join = coordinator.join({ memberId: memberIds[0] ?? '' })
    expect(errorOf(join)).toBe('held')

    expect(errors(coordinator.leave([memberId]))).toEqual(['NONE'])

    expect(answered(join).generationId).toBe(2)
    expect(coordinator.timer.isScheduled(`heartbeat-group-${memberId}`)).toBe(false)
  })

  it('of who waits to join answers the join', () => {
    const coordinator = new GroupManagerUnderTest()
    const first = joinWithId(coordinator)
    const second = joinWithId(coordinator)

    coordinator.leave([first.memberId])
    expect(answered(first)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
    coordinator.advance(6000)

    expect(answered(second)).toMatchObject({ generationId: 1, leader: second.memberId })
  })

  it('in CompletingRebalance tells who waits for an assignment to join again', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = completingGroup(coordinator, [{}, {}])
    const sync = coordinator.sync({ memberId: memberIds[1] ?? '' })

    coordinator.leave([memberIds[0] ?? ''])

    expect(errorOf(sync)).toBe('REBALANCE_IN_PROGRESS')
    expect(stateOf(coordinator)).toBe('PreparingRebalance')
  })

  it('is told to look for the coordinator when the group is coordinated elsewhere', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{}])
    coordinator.manager.onUnloaded()

    expect(coordinator.leave(memberIds).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  })
})
