import { describe, expect, it } from 'vitest'
import type { ClassicGroup } from '../../../../src/coordinator/group/classic/classic-group.ts'
import { ApiError } from '../../../../src/protocol/errors.ts'
import { completingGroup, stableGroup } from '../support/classic-groups.ts'
import { GROUP, GroupManagerUnderTest, protocols } from '../support/group-manager-under-test.ts'

const HOUR_MS = 3_600_000
const COMMITTED_AT = { commitTimestampMs: 1000, expireTimestampMs: undefined }

interface Committing {
  readonly memberId?: string
  readonly groupInstanceId?: string | null
  readonly generation?: number
  readonly isTransactional?: boolean
}

function commit(group: ClassicGroup, committing: Committing = {}): string {
  const { memberId = '', groupInstanceId = null, generation = -1, isTransactional = false } = committing
  return errorOf(() =>
    group.validateOffsetCommit({
      memberId,
      groupInstanceId,
      generationIdOrMemberEpoch: generation,
      isTransactional,
      apiVersion: 9,
    }),
  )
}

function errorOf(action: () => unknown): string {
  try {
    action()
    return 'NONE'
  } catch (error) {
    if (error instanceof ApiError) return error.errorName
    throw error
  }
}

function emptyGroup() {
  const coordinator = new GroupManagerUnderTest()
  return { coordinator, group: coordinator.manager.getOrMaybeCreateClassicGroup(GROUP, true) }
}

function groupOf(members: number, form = stableGroup, names = ['range'], protocolType = 'consumer') {
  const coordinator = new GroupManagerUnderTest()
  const options = Array.from({ length: members }, () => ({ protocols: protocols(names), protocolType }))
  const { memberIds } = form(coordinator, options)
  return { coordinator, group: coordinator.manager.classicGroup(GROUP), memberIds, memberId: memberIds[0] ?? '' }
}

describe('an offset commit', () => {
  it('of nobody is accepted as long as there are no members', () => {
    expect(commit(emptyGroup().group)).toBe('NONE')
    expect(commit(groupOf(1).group)).toBe('UNKNOWN_MEMBER_ID')
    expect(commit(groupOf(1).group, { isTransactional: true })).toBe('NONE')
  })

  it('of a member needs its generation', () => {
    const { group, memberId } = groupOf(1)

    expect(commit(group, { memberId, generation: 1 })).toBe('NONE')
    expect(commit(group, { memberId, generation: 0 })).toBe('ILLEGAL_GENERATION')
    expect(commit(group, { memberId: 'other', generation: 1 })).toBe('UNKNOWN_MEMBER_ID')
    expect(commit(group, { memberId, generation: 1, groupInstanceId: 'unknown' })).toBe('UNKNOWN_MEMBER_ID')
  })

  it('of a member of an empty group is refused', () => {
    expect(commit(emptyGroup().group, { memberId: 'gone', generation: 1 })).toBe('UNKNOWN_MEMBER_ID')
  })

  it('is accepted while the others join, of the generation before, but not while it is assigned', () => {
    const { coordinator, group, memberIds, memberId } = groupOf(2)
    coordinator.join({ memberId })
    expect(commit(group, { memberId, generation: 1 })).toBe('NONE')

    for (const id of memberIds) coordinator.join({ memberId: id })

    expect(commit(group, { memberId, generation: 1 })).toBe('ILLEGAL_GENERATION')
    expect(commit(group, { memberId, generation: 2 })).toBe('REBALANCE_IN_PROGRESS')
    expect(commit(group, { memberId, generation: 2, isTransactional: true })).toBe('NONE')
  })

  it('of a static member that has been replaced is fenced', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{ groupInstanceId: 'static' }])
    coordinator.join({ groupInstanceId: 'static' })
    const group = coordinator.manager.classicGroup(GROUP)

    expect(commit(group, { memberId: memberIds[0] ?? '', generation: 1, groupInstanceId: 'static' })).toBe(
      'FENCED_INSTANCE_ID',
    )
  })

  it('to a group that is coordinated elsewhere is told so', () => {
    const { coordinator, group, memberId } = groupOf(1)
    coordinator.manager.onUnloaded()

    expect(commit(group, { memberId, generation: 1 })).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(errorOf(() => group.validateOffsetFetch())).toBe('GROUP_ID_NOT_FOUND')
    expect(errorOf(() => group.validateOffsetDelete())).toBe('GROUP_ID_NOT_FOUND')
    expect(errorOf(() => group.validateDeleteGroup())).toBe('GROUP_ID_NOT_FOUND')
  })
})

describe('deleting', () => {
  it('a group needs that it has no members', () => {
    expect(errorOf(() => emptyGroup().group.validateDeleteGroup())).toBe('NONE')
    for (const form of [stableGroup, completingGroup]) {
      expect(errorOf(() => groupOf(1, form).coordinator.manager.validateDeleteGroup(GROUP))).toBe('NON_EMPTY_GROUP')
    }
    expect(errorOf(() => new GroupManagerUnderTest().manager.validateDeleteGroup(GROUP))).toBe('GROUP_ID_NOT_FOUND')
  })

  it('offsets needs that it has none, or that it tells what topics it reads', () => {
    expect(errorOf(() => emptyGroup().group.validateOffsetDelete())).toBe('NONE')
    expect(errorOf(() => groupOf(1).group.validateOffsetDelete())).toBe('NONE')
    expect(errorOf(() => groupOf(1, stableGroup, ['range'], 'connect').group.validateOffsetDelete())).toBe(
      'NON_EMPTY_GROUP',
    )
  })

  it('offsets of topics that are read is told from those that are not', () => {
    const { group } = groupOf(1)
    expect([group.isSubscribedToTopic('topic'), group.isSubscribedToTopic('other')]).toEqual([true, false])
    expect(groupOf(1, stableGroup, ['range'], 'connect').group.isSubscribedToTopic('topic')).toBe(false)
    expect(emptyGroup().group.isSubscribedToTopic('topic')).toBe(false)
  })
})

describe('offsets expire', () => {
  it('after their commit when the group only keeps offsets', () => {
    const { group } = emptyGroup()
    const condition = group.offsetExpirationCondition()

    expect(group.isSimpleGroup).toBe(true)
    expect(condition?.isOffsetExpired(COMMITTED_AT, 1000 + HOUR_MS - 1, HOUR_MS)).toBe(false)
    expect(condition?.isOffsetExpired(COMMITTED_AT, 1000 + HOUR_MS, HOUR_MS)).toBe(true)
  })

  it('after the group became empty', () => {
    const { coordinator, group } = groupOf(1)
    coordinator.advance(10_000)
    const since = group.currentStateTimestamp ?? 0
    const condition = group.offsetExpirationCondition()

    expect(group.isSimpleGroup).toBe(false)
    expect(condition?.isOffsetExpired(COMMITTED_AT, since + HOUR_MS - 1, HOUR_MS)).toBe(false)
    expect(condition?.isOffsetExpired(COMMITTED_AT, since + HOUR_MS, HOUR_MS)).toBe(true)
  })

  it('after their commit while consumers read other topics, and never while it is not known what they read', () => {
    const stable = groupOf(1).group.offsetExpirationCondition()
    expect(stable?.isOffsetExpired(COMMITTED_AT, 1000 + HOUR_MS, HOUR_MS)).toBe(true)

    expect(groupOf(1, completingGroup).group.offsetExpirationCondition()).toBeUndefined()
    expect(groupOf(1, stableGroup, ['range'], 'connect').group.offsetExpirationCondition()).toBeUndefined()
  })

  it('when they say so themselves', () => {
    const condition = emptyGroup().group.offsetExpirationCondition()
    const offset = { commitTimestampMs: 1000, expireTimestampMs: 5000 }

    expect(condition?.isOffsetExpired(offset, 4999, 1)).toBe(false)
    expect(condition?.isOffsetExpired(offset, 5000, HOUR_MS)).toBe(true)
  })
})
