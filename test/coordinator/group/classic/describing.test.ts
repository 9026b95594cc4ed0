import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../../src/protocol/errors.ts'
import { completingGroup, stableGroup } from '../support/classic-groups.ts'
import { GROUP, GroupManagerUnderTest, protocols } from '../support/group-manager-under-test.ts'

function described(coordinator: GroupManagerUnderTest, apiVersion = 6, groupId = GROUP) {
  const [group] = coordinator.manager.describeGroups({ apiVersion }, [groupId], coordinator.committedOffset)
  return group
}

describe('DescribeGroups', () => {
  it('tells of a stable group what members offer and have', () => {
    const coordinator = new GroupManagerUnderTest()
    const { memberIds } = stableGroup(coordinator, [{ groupInstanceId: 'static', clientId: 'app' }])
    const [memberId = ''] = memberIds

    expect(described(coordinator)).toEqual({
      errorCode: ErrorCode.NONE,
      groupId: GROUP,
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [
        {
          memberId,
          groupInstanceId: 'static',
          clientId: 'app',
          clientHost: '/127.0.0.1',
          memberMetadata: protocols()[0]?.metadata,
          memberAssignment: Buffer.from(`${memberId}'s`),
        },
      ],
    })
  })

  it('tells of a group that rebalances only who is in it', () => {
    const coordinator = new GroupManagerUnderTest()
    completingGroup(coordinator, [{}, {}])

    const group = described(coordinator)

    expect(group).toMatchObject({ groupState: 'CompletingRebalance', protocolType: 'consumer', protocolData: '' })
    expect(group?.members).toHaveLength(2)
    expect(group?.members?.[0]).toMatchObject({ memberMetadata: Buffer.alloc(0) })
  })

  it('tells of a group that is not there that it is dead, and from version 6 on that it is an error', () => {
    const coordinator = new GroupManagerUnderTest()

    expect(described(coordinator, 6)).toMatchObject({
      groupState: 'Dead',
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      errorMessage: 'Group group not found.',
    })
    expect(described(coordinator, 5)).toMatchObject({ groupState: 'Dead', errorCode: ErrorCode.NONE })
    expect(described(coordinator, 5)).not.toHaveProperty('errorMessage')
  })

  it('knows a new group only once it is committed', () => {
    const coordinator = new GroupManagerUnderTest()
    coordinator.holdAppends = true
    coordinator.join()
    expect(described(coordinator)?.groupState).toBe('Dead')

    coordinator.commit()

    expect(described(coordinator)?.groupState).toBe('Empty')
  })
})

describe('ListGroups', () => {
  function listed(coordinator: GroupManagerUnderTest, states: string[] = [], types: string[] = []) {
    return coordinator.manager.listGroups(states, types, coordinator.committedOffset)
  }

  function threeGroups() {
    const coordinator = new GroupManagerUnderTest()
    const formed = stableGroup(coordinator, [{}])
    coordinator.join({ groupId: 'empty' })
    coordinator.join({ groupId: 'preparing', protocolType: 'connect', apiVersion: 3 })
    coordinator.heartbeat(formed.memberIds[0] ?? '', 1)
    return coordinator
  }

  it('names all groups with state, protocol type and type', () => {
    expect(listed(threeGroups())).toEqual([
      { groupId: 'group', protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' },
      { groupId: 'empty', protocolType: '', groupState: 'Empty', groupType: 'classic' },
      { groupId: 'preparing', protocolType: 'connect', groupState: 'PreparingRebalance', groupType: 'classic' },
    ])
  })

  it('names those in given states and of given types, in upper or lower case', () => {
    const coordinator = threeGroups()

    expect(listed(coordinator, ['stable', ' PREPARINGREBALANCE ']).map(({ groupId }) => groupId)).toEqual([
      'group',
      'preparing',
    ])
    expect(listed(coordinator, ['Unknown'])).toEqual([])
    expect(listed(coordinator, [], ['Classic'])).toHaveLength(3)
    expect(listed(coordinator, [], ['consumer'])).toEqual([])
    expect(listed(coordinator, [], ['unknown'])).toEqual([])
  })
})
