import { describe, expect, it } from 'vitest'
import { MetadataImage } from '../../../src/controller/image/metadata-image.ts'
import { encodeSubscription } from '../../../src/protocol/consumer-protocol.ts'
import { ApiError, ErrorCode } from '../../../src/protocol/errors.ts'
import { GROUP, ShardUnderTest, WALL_START_MS } from './support/shard-under-test.ts'

const IMAGE = MetadataImage.EMPTY
const ALL = { memberId: null, memberEpoch: -1, topics: null }
const TOPIC_ID = Buffer.alloc(16, 1).toString('base64url')
const OTHER_ID = Buffer.alloc(16, 2).toString('base64url')
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const CONTEXT = { clientId: 'client', clientHost: '/127.0.0.1', apiVersion: 3 }

/** The name of the error that it throws; `none` otherwise. */
function errorOf(action: () => unknown): string {
  try {
    action()
    return 'none'
  } catch (error) {
    if (error instanceof ApiError) return error.errorName
    throw error
  }
}

/** A stable group of one member that reads `orders`, after one generation. */
function stableMember(under: ShardUnderTest): string {
  let memberId = ''
  under.write(
    under.shard.groups.classicGroupJoin(
      CONTEXT,
      {
        groupId: GROUP,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: encodeSubscription({ topics: ['orders'] }) }],
        reason: null,
      },
      response => {
        memberId = response.memberId
      },
    ),
  )
  under.timer.advance(3000)
  const assignments = [{ memberId, assignment: Buffer.alloc(0) }]
  const sync = { groupId: GROUP, generationId: 1, memberId, groupInstanceId: null, assignments }
  under.write(
    under.shard.groups.classicGroupSync(CONTEXT, { ...sync, protocolType: null, protocolName: null }, () => {}),
  )
  return memberId
}

describe('a commit', () => {
  it('is written with all that Kafka keeps of it', () => {
    const under = new ShardUnderTest()

    under.commitOffset(5, { topicId: TOPIC_ID, partition: 3, metadata: 'here', leaderEpoch: 2 })

    expect(under.log).toEqual([
      {
        type: 'OffsetCommit',
        key: { group: GROUP, topic: 'orders', partition: 3 },
        value: {
          offset: 5,
          leaderEpoch: 2,
          metadata: 'here',
          commitTimestamp: WALL_START_MS,
          expireTimestamp: -1,
          topicId: TOPIC_ID,
        },
      },
    ])
    expect(under.offset('orders', 3)).toBe(5)
  })

  it('of an old client may say how long it counts', () => {
    const under = new ShardUnderTest()

    under.commitOffset(5, { apiVersion: 3, retentionTimeMs: 1000 })

    expect(under.log[0]?.value).toMatchObject({ expireTimestamp: WALL_START_MS + 1000 })
  })

  it('with a generation needs a group, whose absence is told as the version has it', () => {
    const under = new ShardUnderTest()
    const commit = (apiVersion: number) => () =>
      under.commitOffset(5, { generationIdOrMemberEpoch: 1, memberId: 'm', apiVersion })

    expect(errorOf(commit(8))).toBe('ILLEGAL_GENERATION')
    expect(errorOf(commit(9))).toBe('GROUP_ID_NOT_FOUND')
  })

  it('of a member must be of its generation, and shows that it lives', () => {
    const under = new ShardUnderTest()
    const memberId = stableMember(under)

    expect(errorOf(() => under.commitOffset(5, { memberId, generationIdOrMemberEpoch: 0 }))).toBe('ILLEGAL_GENERATION')
    expect(errorOf(() => under.commitOffset(5, { memberId: 'x', generationIdOrMemberEpoch: 1 }))).toBe(
      'UNKNOWN_MEMBER_ID',
    )
    expect(errorOf(() => under.commitOffset(5))).toBe('UNKNOWN_MEMBER_ID')
    for (let seconds = 0; seconds < 60; seconds += 9) {
      under.timer.advance(9000)
      expect(under.commitOffset(5, { memberId, generationIdOrMemberEpoch: 1 })).toBe(ErrorCode.NONE)
    }
  })

  it('with metadata that is too long is refused, and no other partition with it', () => {
    const under = new ShardUnderTest({ offsetMetadataMaxSize: 4 })

    expect(under.commitOffset(5, { metadata: '12345' })).toBe(ErrorCode.OFFSET_METADATA_TOO_LARGE)
    expect(under.commitOffset(5, { metadata: '1234' })).toBe(ErrorCode.NONE)
    expect(under.commitOffset(6, { metadata: null })).toBe(ErrorCode.NONE)
    expect(under.log).toHaveLength(2)
  })

  it('that could not be written is undone, and the group that it made with it', () => {
    const under = new ShardUnderTest()
    under.commitOffset(5)
    under.commitOffset(6)
    under.commitOffset(1, { groupId: 'new' })

    under.revert(1)

    expect(under.offset()).toBe(5)
    expect(under.shard.groups.groupIds).toEqual([GROUP])
    expect(under.offset('orders', 0, 'new')).toBe(-1)
  })
})

describe('a fetch', () => {
  it('sees what is committed, or what is written when it asks for the newest', () => {
    const under = new ShardUnderTest()
    under.commitOffset(5)
    under.commitLog()
    under.commitOffset(6)
    under.commitOffset(1, { partition: 1 })

    expect([under.committed(), under.committed('orders', 1)]).toEqual([5, -1])
    expect([under.offset(), under.offset('orders', 1)]).toEqual([6, 1])
    expect(under.shard.offsets.fetchAllOffsets({ ...ALL, groupId: GROUP }, under.committedOffset).topics).toEqual([
      { name: 'orders', partitions: [fetched(0, 5)] },
    ])
  })

  it('of all offsets gives every topic and partition', () => {
    const under = new ShardUnderTest()
    under.commitOffset(5, { leaderEpoch: 7, metadata: 'm' })
    under.commitOffset(6, { partition: 2 })
    under.commitOffset(7, { topic: 'users' })

    expect(under.shard.offsets.fetchAllOffsets({ ...ALL, groupId: GROUP }, undefined).topics).toEqual([
      { name: 'orders', partitions: [{ ...fetched(0, 5), committedLeaderEpoch: 7, metadata: 'm' }, fetched(2, 6)] },
      { name: 'users', partitions: [fetched(0, 7)] },
    ])
  })

  it('finds nothing in a group that is not there', () => {
    const under = new ShardUnderTest()

    expect(under.offset()).toBe(-1)
    expect(under.shard.offsets.fetchAllOffsets({ ...ALL, groupId: GROUP }, undefined)).toEqual({
      groupId: GROUP,
      topics: [],
    })
  })

  it('finds nothing that was committed for another topic of the same name', () => {
    const under = new ShardUnderTest()
    under.commitOffset(5, { topicId: TOPIC_ID })

    expect(under.offset('orders', 0, GROUP, TOPIC_ID)).toBe(5)
    expect(under.offset('orders', 0, GROUP, OTHER_ID)).toBe(-1)
    expect(under.offset()).toBe(5)
  })
})

describe('offsets', () => {
  it('of topics that members read cannot be deleted, others can', () => {
    const under = new ShardUnderTest()
    const memberId = stableMember(under)
    for (const topic of ['orders', 'left']) {
      under.commitOffset(5, { memberId, generationIdOrMemberEpoch: 1, topic })
    }
    const topics = ['orders', 'left', 'never'].map(name => ({ name, partitions: [{ partitionIndex: 0 }] }))

    const { topics: deleted } = under.write(under.shard.offsets.deleteOffsets({ groupId: GROUP, topics }))

    expect(deleted.map(({ name, partitions }) => [name, partitions[0]?.errorCode])).toEqual([
      ['orders', ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC],
      ['left', ErrorCode.NONE],
      ['never', ErrorCode.NONE],
    ])
    expect([under.offset('orders'), under.offset('left')]).toEqual([5, -1])
    expect(under.log.filter(({ value }) => value === null)).toHaveLength(1)
    expect(errorOf(() => under.shard.offsets.deleteOffsets({ groupId: 'nobody', topics }))).toBe('GROUP_ID_NOT_FOUND')
  })

  it('of partitions that are no more are forgotten in all groups', () => {
    const under = new ShardUnderTest()
    under.commitOffset(5)
    under.commitOffset(6, { groupId: 'other' })
    under.commitOffset(7, { topic: 'users' })

    under.write(under.shard.onPartitionsDeleted([{ topic: 'orders', partition: 0 }]))

    expect([under.offset(), under.offset('orders', 0, 'other'), under.offset('users')]).toEqual([-1, -1, 7])
  })

  it('expire a retention time after their commit when the group has no members, and take it with them', () => {
    const under = new ShardUnderTest({ offsetsRetentionMs: DAY_MS, offsetsRetentionCheckIntervalMs: MINUTE_MS })
    under.shard.onLoaded(IMAGE)
    under.commitOffset(5)
    under.timer.advance(DAY_MS / 2)
    under.commitOffset(6, { partition: 1 })

    under.timer.advance(DAY_MS / 2 - 1)
    expect([under.offset(), under.offset('orders', 1)]).toEqual([5, 6])
    under.timer.advance(MINUTE_MS)
    expect([under.offset(), under.offset('orders', 1)]).toEqual([-1, 6])
    expect(under.shard.groups.hasGroup(GROUP)).toBe(true)
    under.timer.advance(DAY_MS / 2)
    expect(under.offset('orders', 1)).toBe(-1)
    expect(under.shard.groups.hasGroup(GROUP)).toBe(false)
  })

  it('expire when their commit said so, whatever the retention time', () => {
    const under = new ShardUnderTest({ offsetsRetentionMs: DAY_MS, offsetsRetentionCheckIntervalMs: MINUTE_MS })
    under.shard.onLoaded(IMAGE)
    under.commitOffset(5, { apiVersion: 2, retentionTimeMs: 2 * MINUTE_MS })
    under.commitOffset(6, { partition: 1, apiVersion: 2, retentionTimeMs: 3 * DAY_MS })

    under.timer.advance(2 * MINUTE_MS)
    expect([under.offset(), under.offset('orders', 1)]).toEqual([-1, 6])
    under.timer.advance(2 * DAY_MS)
    expect(under.offset('orders', 1)).toBe(6)
  })

  it('do not expire in topics that members read', () => {
    const under = new ShardUnderTest({ offsetsRetentionMs: MINUTE_MS, offsetsRetentionCheckIntervalMs: MINUTE_MS })
    under.shard.onLoaded(IMAGE)
    const memberId = stableMember(under)
    under.commitOffset(5, { memberId, generationIdOrMemberEpoch: 1 })
    under.commitOffset(6, { memberId, generationIdOrMemberEpoch: 1, topic: 'left' })
    for (let seconds = 0; seconds < 180; seconds += 9) {
      under.timer.advance(9000)
      under.write(
        under.shard.groups.classicGroupHeartbeat(CONTEXT, {
          groupId: GROUP,
          generationId: 1,
          memberId,
          groupInstanceId: null,
        }),
      )
    }

    expect([under.offset('orders'), under.offset('left')]).toEqual([5, -1])
  })

  it('are deleted with their group', () => {
    const under = new ShardUnderTest()
    under.commitOffset(5)
    under.commitOffset(6, { topic: 'users' })

    const results = under.write(under.shard.deleteGroups([GROUP, 'nobody']))

    expect(results).toEqual([
      { groupId: GROUP, errorCode: ErrorCode.NONE },
      { groupId: 'nobody', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ])
    expect([under.offset(), under.offset('users'), under.shard.groups.hasGroup(GROUP)]).toEqual([-1, -1, false])
    expect(under.log.slice(2).map(({ type, value }) => [type, value])).toEqual([
      ['OffsetCommit', null],
      ['OffsetCommit', null],
      ['GroupMetadata', null],
    ])
  })
})

function fetched(partitionIndex: number, committedOffset: number) {
  return { partitionIndex, committedOffset, committedLeaderEpoch: -1, metadata: '', errorCode: ErrorCode.NONE }
}
