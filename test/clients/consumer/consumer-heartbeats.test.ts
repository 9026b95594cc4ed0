import { describe, expect, test } from 'vitest'
import { SubscriptionPattern } from '../../../src/clients/consumer/subscription-pattern.ts'
import { GroupAuthorizationException, UnsupportedVersionException } from '../../../src/clients/errors.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { ofOrders, useScriptedGroup } from './scripted-group.ts'

const UUID = /^[A-Za-z0-9_-]{22}$/

describe('a member of the consumer protocol', () => {
  const script = useScriptedGroup()

  test('tells all about itself when it joins, and afterwards only what is new', async () => {
    const group = script.current
    group.onHeartbeat = ({ memberEpoch }) => (memberEpoch === 0 ? { assignment: ofOrders(0, 1) } : {})
    await group.subscribed({
      'client.rack': 'r1',
      'group.instance.id': 'i1',
      'group.remote.assignor': 'range',
      'max.poll.interval.ms': 20_000,
    })
    const [joins, acknowledges, lives] = group.heartbeats
    expect(joins).toEqual({
      groupId: 'group',
      memberId: expect.stringMatching(UUID),
      memberEpoch: 0,
      instanceId: 'i1',
      rackId: 'r1',
      rebalanceTimeoutMs: 20_000,
      subscribedTopicNames: ['orders'],
      subscribedTopicRegex: null,
      serverAssignor: 'range',
      topicPartitions: [],
    })
    const asBefore = {
      groupId: 'group',
      memberId: joins?.memberId,
      memberEpoch: 1,
      instanceId: 'i1',
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
    }
    expect(acknowledges).toEqual({ ...asBefore, topicPartitions: ofOrders(0, 1).topicPartitions })
    expect(lives).toEqual({ ...asBefore, topicPartitions: null })
  })

  test('tells all again after an answer that did not come', async () => {
    const group = script.current
    let isSilent = false
    group.onHeartbeat = () => (isSilent ? undefined : { assignment: ofOrders(0) })
    const consumer = await group.subscribed({ 'request.timeout.ms': 500 })
    isSilent = true
    await group.run(() => consumer.poll(1500))
    isSilent = false
    const before = group.heartbeats.length
    await group.run(() => consumer.poll(2000))
    expect(group.heartbeats[before]).toMatchObject({
      memberEpoch: 1,
      rebalanceTimeoutMs: 300_000,
      subscribedTopicNames: ['orders'],
      topicPartitions: ofOrders(0).topicPartitions,
    })
  })

  test('acknowledges what it gave away before it is given anything else', async () => {
    const group = script.current
    group.onHeartbeat = ({ memberEpoch, topicPartitions }) => {
      if (memberEpoch === 0) return { assignment: ofOrders(0) }
      const owned = topicPartitions?.flatMap(({ partitions }) => partitions)
      if (owned === undefined) return { assignment: ofOrders() }
      return owned.length === 0 ? { memberEpoch: 2, assignment: ofOrders(1) } : {}
    }
    const consumer = await group.subscribed()
    const owned = group.heartbeats.map(({ topicPartitions }) =>
      topicPartitions?.flatMap(({ partitions }) => partitions),
    )
    expect(owned.slice(0, 5)).toEqual([[], [0], undefined, [], [1]])
    expect(consumer.groupMetadata().generationId).toBe(2)
  })

  test('asks for offsets, and commits them, in its epoch', async () => {
    const group = script.current
    group.onHeartbeat = ({ memberEpoch }) => (memberEpoch === 0 ? { memberEpoch: 7, assignment: ofOrders(0) } : {})
    const consumer = await group.subscribed()
    await group.run(() => consumer.commitSync())
    const { memberId } = consumer.groupMetadata()
    expect(group.fetchedOffsets[0]?.groups).toMatchObject([{ memberId, memberEpoch: 7 }])
    expect(group.commits).toMatchObject([{ memberId, generationIdOrMemberEpoch: 7, groupInstanceId: null }])
    expect(group.commits[0]?.topics[0]?.partitions).toMatchObject([{ partitionIndex: 0, committedOffset: 5 }])
  })

  test('asks for offsets again in its new epoch when the one before was over', async () => {
    const group = script.current
    let epoch = 1
    group.onHeartbeat = ({ memberEpoch }) => ({
      memberEpoch: epoch,
      ...(memberEpoch === 0 ? { assignment: ofOrders(0) } : {}),
    })
    group.onOffsetFetch = ({ groups }) => {
      epoch = 2
      return groups[0]?.memberEpoch === 2 ? 0 : ErrorCode.STALE_MEMBER_EPOCH
    }
    const consumer = await group.subscribed()
    expect(group.fetchedOffsets.length).toBeGreaterThan(1)
    expect(await group.run(() => consumer.position({ topic: 'orders', partition: 0 }))).toBe(5)
  })

  test('does not commit again what was refused for its epoch, but before a rebalance it does', async () => {
    const group = script.current
    let target = ofOrders(0, 1)
    group.onHeartbeat = () => ({ assignment: target })
    const auto = { 'enable.auto.commit': true, 'auto.commit.interval.ms': 3_600_000 }
    const consumer = await group.subscribed(auto)
    group.onCommit = () => ErrorCode.STALE_MEMBER_EPOCH
    await expect(group.run(() => consumer.commitSync())).rejects.toThrow('OffsetCommit failed with stale member epoch')
    expect(group.commits).toHaveLength(1)

    target = ofOrders(0)
    group.onCommit = () => (group.commits.length < 4 ? ErrorCode.STALE_MEMBER_EPOCH : 0)
    await group.run(() => consumer.poll(5000))
    expect(group.commits).toHaveLength(4)
    expect(consumer.assignment()).toEqual([{ topic: 'orders', partition: 0 }])
  })

  test('commits again before a rebalance only what the application was done with when it polled', async () => {
    const group = script.current
    let target = ofOrders(0, 1)
    group.onHeartbeat = () => ({ assignment: target })
    const auto = { 'enable.auto.commit': true, 'auto.commit.interval.ms': 3_600_000 }
    const consumer = await group.subscribed(auto)
    target = ofOrders(0)
    await group.runtime.advance(2000)
    group.onCommit = () => (group.commits.length < 3 ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : 0)
    await group.run(() => consumer.poll(0))
    // As a poll does that hands records over.
    consumer.seek({ topic: 'orders', partition: 0 }, 9)
    await group.runtime.advance(5000)
    const offsets = group.commits.map(({ topics }) =>
      topics[0]?.partitions.map(({ committedOffset }) => committedOffset),
    )
    expect(offsets).toEqual([
      [5, 5],
      [5, 5],
      [5, 5],
    ])
  })

  test('looks for the coordinator again when it is another one, and beats at once', async () => {
    const group = script.current
    let refusals = 0
    group.onHeartbeat = ({ memberEpoch }) => {
      if (memberEpoch === 1 && refusals++ === 0) return { errorCode: ErrorCode.NOT_COORDINATOR }
      return memberEpoch === 0 ? { assignment: ofOrders(0) } : {}
    }
    const consumer = await group.subscribed()
    expect(consumer.assignment()).toHaveLength(1)
    expect(group.heartbeats.map(({ memberEpoch }) => memberEpoch).slice(0, 3)).toEqual([0, 1, 1])
    expect(group.heartbeats[2]).toMatchObject({ subscribedTopicNames: ['orders'] })
  })

  test.each([
    ['FENCED_MEMBER_EPOCH', ErrorCode.FENCED_MEMBER_EPOCH],
    ['UNKNOWN_MEMBER_ID', ErrorCode.UNKNOWN_MEMBER_ID],
  ])('joins again as the same member when it hears %s', async (_, errorCode) => {
    const group = script.current
    let isFenced = false
    group.onHeartbeat = ({ memberEpoch }) => {
      if (memberEpoch === 0) return { memberEpoch: isFenced ? 9 : 1, assignment: ofOrders(0) }
      if (memberEpoch !== 1 || group.heartbeats.length < 3) return {}
      isFenced = true
      return { errorCode }
    }
    const consumer = await group.subscribed()
    await group.run(() => consumer.poll(2000))
    expect(consumer.groupMetadata()).toMatchObject({ generationId: 9, memberId: group.heartbeats[0]?.memberId })
    expect(group.heartbeats.filter(({ memberEpoch }) => memberEpoch === 0)).toHaveLength(2)
  })

  test.each([
    ['-1, for good,', {}, -1],
    ['-2, as a static one, for a while,', { 'group.instance.id': 'i1' }, -2],
  ])('leaves with epoch %s when it is closed', async (_, config, memberEpoch) => {
    const group = script.current
    const consumer = await group.subscribed(config)
    await group.run(() => consumer.close())
    expect(group.heartbeats.at(-1)).toMatchObject({ memberEpoch, topicPartitions: [] })
  })

  test('does not wait for an answer to its last heartbeat longer than it may take to close', async () => {
    const group = script.current
    const consumer = await group.subscribed()
    group.onHeartbeat = () => undefined
    const before = group.runtime.clock.monotonicMs()
    await group.run(() => consumer.close({ timeoutMs: 700 }))
    expect(group.runtime.clock.monotonicMs() - before).toBeLessThan(1500)
    expect(group.heartbeats.at(-1)).toMatchObject({ memberEpoch: -1 })
  })

  test('takes a topic when metadata tells its name, and acknowledges the others meanwhile', async () => {
    const group = script.current
    const { topicId } = ofOrders(0).topicPartitions[0] ?? { topicId: '' }
    const later = Buffer.from('payments........').toString('base64url')
    const both = [
      { topicId, partitions: [0] },
      { topicId: later, partitions: [0] },
    ]
    group.onHeartbeat = ({ memberEpoch }) => (memberEpoch === 0 ? { assignment: { topicPartitions: both } } : {})
    const consumer = group.consumer()
    await group.run(() => consumer.subscribe(['orders', 'payments']))
    await group.run(() => consumer.poll(3000))
    expect(consumer.assignment()).toEqual([{ topic: 'orders', partition: 0 }])
    const busy = group.heartbeats.length
    expect(busy).toBeLessThan(8)
    group.broker.topics.set('payments', 1)
    await group.run(() => consumer.poll(3000))
    expect(consumer.assignment()).toHaveLength(2)
    expect(group.heartbeats.some(({ topicPartitions }) => topicPartitions?.length === 2)).toBe(true)
  })

  describe('can do nothing', () => {
    test('with brokers that do not have the protocol, and says what to do', async () => {
      const group = script.current
      group.heartbeatVersion = undefined
      const consumer = group.consumer()
      await group.run(() => consumer.subscribe(['orders']))
      const polled = group.run(() => consumer.poll(3000))
      await expect(polled).rejects.toThrow(UnsupportedVersionException)
      await expect(polled).rejects.toThrow(/Set group\.protocol=classic/)
      await group.run(() => consumer.poll(3000))
    })

    test('with a pattern and a coordinator that knows none', async () => {
      const group = script.current
      group.heartbeatVersion = 0
      const consumer = group.consumer()
      await group.run(() => consumer.subscribe(new SubscriptionPattern('or.*')))
      await expect(group.run(() => consumer.poll(3000))).rejects.toThrow(/ConsumerGroupHeartbeat API version >= 1/)
    })

    test.each([
      ['GROUP_AUTHORIZATION_FAILED', GroupAuthorizationException, /not authorized to access group: group/],
      ['UNSUPPORTED_VERSION', UnsupportedVersionException, /does not support the new CONSUMER group protocol/],
      ['INVALID_REGULAR_EXPRESSION', Error, /invalid RE2J SubscriptionPattern .* broken/],
      ['GROUP_MAX_SIZE_REACHED', Error, /broken/],
      ['UNRELEASED_INSTANCE_ID', Error, /broken/],
      ['UNKNOWN_SERVER_ERROR', Error, /broken/],
    ] as const)('after %s', async (name, type, message) => {
      const group = script.current
      group.onHeartbeat = () => ({ errorCode: ErrorCode[name], errorMessage: 'broken' })
      const consumer = group.consumer()
      await group.run(() => consumer.subscribe(['orders']))
      const polled = group.run(() => consumer.poll(3000))
      await expect(polled).rejects.toThrow(type)
      await expect(polled).rejects.toThrow(message)
      const { length } = group.heartbeats
      await group.run(() => consumer.poll(5000))
      expect(group.heartbeats).toHaveLength(length)
    })

    test('while topics are not for it, of which every poll tells', async () => {
      const group = script.current
      group.onHeartbeat = () => ({ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, errorMessage: 'orders' })
      const consumer = group.consumer()
      await group.run(() => consumer.subscribe(['orders']))
      for (let times = 0; times < 2; times++) {
        await expect(group.run(() => consumer.poll(3000))).rejects.toMatchObject({
          errorName: 'TOPIC_AUTHORIZATION_FAILED',
        })
      }
      group.onHeartbeat = () => ({ assignment: ofOrders(0) })
      await group.run(() => consumer.poll(3000)).catch(() => {})
      await group.run(() => consumer.poll(3000))
      expect(consumer.assignment()).toHaveLength(1)
    })
  })

  test('has its pattern looked for by the coordinator, and asks for metadata by the ids of topics', async () => {
    const group = script.current
    group.onHeartbeat = ({ memberEpoch }) => (memberEpoch === 0 ? { assignment: ofOrders(1) } : {})
    const consumer = group.consumer()
    await group.run(() => consumer.subscribe(new SubscriptionPattern('or.*')))
    await group.run(() => consumer.poll(3000))
    expect(group.heartbeats[0]).toMatchObject({ subscribedTopicNames: [], subscribedTopicRegex: 'or.*' })
    expect(group.heartbeats[1]).toMatchObject({ subscribedTopicNames: null, subscribedTopicRegex: null })
    expect(consumer.assignment()).toEqual([{ topic: 'orders', partition: 1 }])
  })
})
