import { describe, expect, test } from 'vitest'
import { CommitFailedException } from '../../../src/clients/consumer/consumer-errors.ts'
import type { ConsumerRebalanceListener } from '../../../src/clients/consumer/consumer-rebalance-listener.ts'
import { SubscriptionPattern } from '../../../src/clients/consumer/subscription-pattern.ts'
import { ApiException, UnsupportedOperationException, WakeupException } from '../../../src/clients/errors.ts'
import { ConsumerGroupHeartbeat } from '../../../src/protocol/apis/consumer-group-heartbeat.ts'
import { type TextConsumer, useBroker } from './consumer-fixture.ts'
import { Journal, keys, pollUntil as pollAllUntil } from './consumer-group-fixture.ts'

const orders = (partition: number) => ({ topic: 'orders', partition })
const ALL = ['orders-0', 'orders-1', 'orders-2', 'orders-3']

describe('consumers of a group with the consumer protocol (KIP-848)', () => {
  const fixture = useBroker(
    { orders: 4 },
    {
      'group.consumer.heartbeat.interval.ms': '1000',
      'group.consumer.min.heartbeat.interval.ms': '1000',
      'group.consumer.session.timeout.ms': '6000',
      'group.consumer.min.session.timeout.ms': '6000',
    },
  )
  const { run } = fixture
  const member = (config = {}) =>
    fixture.consumer({ 'group.id': 'group', 'group.protocol': 'consumer', 'enable.auto.commit': false, ...config })
  const pollUntil = (consumers: readonly TextConsumer[], holds: () => boolean) =>
    pollAllUntil(fixture, consumers, holds)
  const committedOffset = async (of: TextConsumer, partition = 0) =>
    (await run(() => of.committed([orders(partition)]))).get(orders(partition))?.offset

  async function joined(config = {}, listener?: ConsumerRebalanceListener): Promise<TextConsumer> {
    const consumer = member(config)
    await run(() => consumer.subscribe(['orders'], listener))
    await pollUntil([consumer], () => consumer.assignment().length > 0)
    return consumer
  }

  /** A second one beside one that owns all, until each has half. */
  async function joinedBeside(one: TextConsumer, config = {}, listener?: ConsumerRebalanceListener) {
    const two = member(config)
    await run(() => two.subscribe(['orders'], listener))
    await pollUntil([one, two], () => one.assignment().length === 2 && two.assignment().length === 2)
    return two
  }

  describe('share its partitions:', () => {
    test('one alone gets all, and another one goes on where it has committed', async () => {
      const first = await joined()
      expect(keys(first.assignment())).toEqual(ALL)
      await fixture.broker.produce(fixture.client, 'orders', ['a', 'b'], { partition: 1 })
      expect(await fixture.values(first, 2)).toEqual(['a', 'b'])
      await run(() => first.commitSync())
      expect(await committedOffset(first, 1)).toBe(2)
      await fixture.close(first)

      await fixture.broker.produce(fixture.client, 'orders', ['c'], { partition: 1 })
      const second = member()
      await run(() => second.subscribe(['orders']))
      expect(await fixture.values(second, 1)).toEqual(['c'])
    })

    test('each gives away only what the other gets, and the other gets it afterwards', async () => {
      const [oneHeard, twoHeard] = [new Journal(), new Journal()]
      const one = await joined({}, oneHeard)
      const two = await joinedBeside(one, {}, twoHeard)
      const kept = keys(one.assignment())
      const given = ALL.filter(key => !kept.includes(key))
      expect(keys(two.assignment())).toEqual(given)
      await fixture.close(two)
      await pollUntil([one], () => one.assignment().length === 4)

      expect(oneHeard.entries).toEqual([`assigned ${ALL}`, `revoked ${given}`, 'assigned ', `assigned ${given}`])
      expect(twoHeard.entries).toEqual(['assigned ', `assigned ${given}`, `revoked ${given}`])
    })

    test('what one keeps it goes on reading while the other one does not give anything away', async () => {
      const one = await joined({}, new Journal())
      const two = member()
      await run(() => two.subscribe(['orders']))
      await run(() => two.poll(3000))
      expect(two.assignment()).toEqual([])
      await fixture.broker.produce(fixture.client, 'orders', ['kept'], { partition: 0 })
      expect(await fixture.values(one, 1)).toEqual(['kept'])
    })

    test('without a listener and automatic commits partitions are given away while the application works', async () => {
      const one = await joined()
      const two = member()
      await run(() => two.subscribe(['orders']))
      for (let left = 100; left > 0 && two.assignment().length < 2; left--) await run(() => two.poll(100))
      expect(two.assignment()).toHaveLength(2)
      expect(one.assignment()).toHaveLength(2)
    })

    test('with a listener they wait for it, until the group throws the slow one out', async () => {
      const heard = new Journal()
      const one = await joined({ 'max.poll.interval.ms': 10_000 }, heard)
      const two = member()
      await run(() => two.subscribe(['orders']))
      for (let left = 50; left > 0; left--) await run(() => two.poll(100))
      expect(two.assignment()).toEqual([])
      for (let left = 100; left > 0 && two.assignment().length < 4; left--) await run(() => two.poll(100))
      expect(keys(two.assignment())).toEqual(ALL)
      await pollUntil([one, two], () => one.assignment().length === 2)
      expect(heard.entries.slice(0, 3)).toEqual([`assigned ${ALL}`, 'revoked orders-2,orders-3', `lost ${ALL}`])
    })

    test('by the assignor that they ask for', async () => {
      const one = await joined({ 'group.remote.assignor': 'range' })
      const two = await joinedBeside(one, { 'group.remote.assignor': 'range' })
      expect([keys(one.assignment()), keys(two.assignment())].sort()).toEqual([
        ['orders-0', 'orders-1'],
        ['orders-2', 'orders-3'],
      ])
    })

    test('a pattern that the client looks for takes in topics that come later', async () => {
      const consumer = member({ 'metadata.max.age.ms': 1000 })
      await run(() => consumer.subscribe(/orders|pay.*/))
      await pollUntil([consumer], () => consumer.assignment().length === 4)
      await fixture.broker.createTopic(fixture.client, 'payments', 1)
      await fixture.broker.createTopic(fixture.client, 'my-payments', 1)
      await pollUntil([consumer], () => consumer.assignment().length === 5)
      expect(consumer.subscription().sort()).toEqual(['orders', 'payments'])
    })

    test('another subscription is told with the next heartbeat', async () => {
      await fixture.broker.createTopic(fixture.client, 'payments', 1)
      const heard = new Journal()
      const consumer = await joined({}, heard)
      await run(() => consumer.subscribe(['payments'], heard))
      await pollUntil([consumer], () => keys(consumer.assignment()).join() === 'payments-0')
      // What is given away is told first, what comes is told when that is done.
      expect(heard.entries).toEqual([`assigned ${ALL}`, `revoked ${ALL}`, 'assigned ', 'assigned payments-0'])
    })

    test('a topic that is made later is assigned when metadata tells its name', async () => {
      const consumer = member({ 'metadata.max.age.ms': 60_000, 'allow.auto.create.topics': false })
      await run(() => consumer.subscribe(['orders', 'payments']))
      await pollUntil([consumer], () => consumer.assignment().length === 4)
      await fixture.broker.createTopic(fixture.client, 'payments', 1)
      await pollUntil([consumer], () => consumer.assignment().length === 5)
    })
  })

  describe('stay members by heartbeats:', () => {
    test('while the application works longer than the session lasts', async () => {
      const heard = new Journal()
      const consumer = await joined({}, heard)
      const { memberId } = consumer.groupMetadata()
      await fixture.broker.runtime.advance(60_000)
      await run(() => consumer.poll(1000))
      await run(() => consumer.commitSync())
      expect(heard.entries).toEqual([`assigned ${ALL}`])
      expect(consumer.groupMetadata().memberId).toBe(memberId)
    })

    test('but leave when it works longer than max.poll.interval.ms, and join again with the next poll', async () => {
      const heard = new Journal()
      const consumer = await joined({ 'max.poll.interval.ms': 10_000 }, heard)
      const other = member()
      await fixture.broker.runtime.advance(11_000)
      await run(() => other.subscribe(['orders']))
      await pollUntil([other], () => other.assignment().length === 4)
      await expect(run(() => consumer.commitSync([[orders(0), { offset: 1 }]]))).rejects.toThrow(CommitFailedException)
      await pollUntil([consumer, other], () => consumer.assignment().length === 2)
      expect(heard.entries.slice(0, 2)).toEqual([`assigned ${ALL}`, `lost ${ALL}`])
    })

    test('and are not busy while nothing happens', async () => {
      const consumer = await joined()
      const before = fixture.broker.runtime.firedTimers
      await run(() => consumer.poll(10_000))
      expect(fixture.broker.runtime.firedTimers - before).toBeLessThan(1000)
    })

    test('one that the group has thrown out gives up its partitions and joins again', async () => {
      const heard = new Journal()
      const consumer = await joined({}, heard)
      const { memberId } = consumer.groupMetadata()
      // Somebody else leaves in its name.
      const leave = { groupId: 'group', memberId, memberEpoch: -1 }
      expect(await run(() => fixture.client.send(ConsumerGroupHeartbeat, 1, leave))).toMatchObject({ errorCode: 0 })
      await pollUntil([consumer], () => heard.entries.length === 3)
      expect(heard.entries).toEqual([`assigned ${ALL}`, `lost ${ALL}`, `assigned ${ALL}`])
      expect(consumer.groupMetadata().memberId).toBe(memberId)
    })
  })

  describe('static members (KIP-345)', () => {
    test('keep their partitions over a restart', async () => {
      const heard = new Journal()
      const one = await joined({ 'group.instance.id': 'i1' }, heard)
      const two = await joinedBeside(one, { 'group.instance.id': 'i2' })
      const before = keys(two.assignment())
      const { length } = heard.entries
      await fixture.close(two)
      const again = member({ 'group.instance.id': 'i2' })
      await run(() => again.subscribe(['orders']))
      await pollUntil([one, again], () => again.assignment().length === 2)
      expect(keys(again.assignment())).toEqual(before)
      expect(heard.entries).toHaveLength(length)
    })

    test('are refused while another one has their instance id', async () => {
      await joined({ 'group.instance.id': 'i1' })
      const second = member({ 'group.instance.id': 'i1' })
      await run(() => second.subscribe(['orders']))
      await expect(pollUntil([second], () => false)).rejects.toMatchObject({ errorName: 'UNRELEASED_INSTANCE_ID' })
    })

    test('leave when they are told to (KIP-1092)', async () => {
      const one = await joined({ 'group.instance.id': 'i1' })
      const two = await joinedBeside(one, { 'group.instance.id': 'i2' })
      await run(() => two.close({ groupMembershipOperation: 'LEAVE_GROUP' }))
      await pollUntil([one], () => one.assignment().length === 4)
    })
  })

  describe('leave', () => {
    test('at once when they are closed, even when nothing is waited for', async () => {
      const one = await joined()
      const two = await joinedBeside(one)
      await run(() => two.close({ timeoutMs: 0 }))
      await run(() => one.poll(3000))
      expect(one.assignment()).toHaveLength(4)
    })

    test('not at all when they are told to remain', async () => {
      const one = await joined()
      const two = await joinedBeside(one)
      await run(() => two.close({ groupMembershipOperation: 'REMAIN_IN_GROUP' }))
      await run(() => one.poll(3000))
      expect(one.assignment()).toHaveLength(2)
      await pollUntil([one], () => one.assignment().length === 4)
    })

    test('when they unsubscribe, and may join again as the same member', async () => {
      const heard = new Journal()
      const consumer = await joined({}, heard)
      const { memberId } = consumer.groupMetadata()
      await run(() => consumer.unsubscribe())
      expect(consumer.assignment()).toEqual([])
      expect(consumer.groupMetadata()).toMatchObject({ generationId: -1, memberId: '' })
      await run(() => consumer.subscribe(['orders'], heard))
      await pollUntil([consumer], () => consumer.assignment().length === 4)
      expect(consumer.groupMetadata().memberId).toBe(memberId)
      expect(heard.entries).toEqual([`assigned ${ALL}`, `revoked ${ALL}`, `assigned ${ALL}`])
    })
  })

  describe('commit:', () => {
    test('automatically, at the interval and when they close', async () => {
      const consumer = await joined({ 'enable.auto.commit': true, 'auto.commit.interval.ms': 1000 })
      await fixture.broker.produce(fixture.client, 'orders', ['a', 'b'])
      await fixture.values(consumer, 2)
      await fixture.broker.runtime.advance(2000)
      await run(() => consumer.poll(100))
      await run(() => consumer.poll(100))
      expect(await committedOffset(consumer)).toBe(2)
      await fixture.broker.produce(fixture.client, 'orders', ['c'])
      await fixture.values(consumer, 1)
      await fixture.close(consumer)
      const next = member()
      await run(() => next.assign([orders(0)]))
      expect(await committedOffset(next)).toBe(3)
    })

    test('what a member has read before its partitions go, and its listener hears of it afterwards', async () => {
      const offsets: (number | undefined)[] = []
      const one = member({ 'enable.auto.commit': true, 'auto.commit.interval.ms': 3_600_000 })
      const listener = {
        onPartitionsRevoked: async () => {
          offsets.push((await one.committed([orders(0)])).get(orders(0))?.offset)
        },
      }
      await run(() => one.subscribe(['orders'], listener))
      await pollUntil([one], () => one.assignment().length === 4)
      await fixture.broker.produce(fixture.client, 'orders', ['a', 'b'])
      await fixture.values(one, 2)
      await joinedBeside(one)
      expect(offsets).toEqual([2])
    })

    test('nothing that the application still works on', async () => {
      const one = await joined({ 'enable.auto.commit': true, 'auto.commit.interval.ms': 3_600_000 })
      await fixture.broker.produce(fixture.client, 'orders', ['a', 'b'])
      await fixture.values(one, 2)
      const two = member()
      await run(() => two.subscribe(['orders']))
      await run(() => two.poll(3000))
      expect(await committedOffset(two)).toBeUndefined()
      expect(two.assignment()).toEqual([])
    })

    test('in an epoch that is over fails, and a later one of the same member does not', async () => {
      const one = await joined({ 'heartbeat.interval.ms': undefined }, new Journal())
      const { generationId } = one.groupMetadata()
      await joinedBeside(one)
      expect(one.groupMetadata().generationId).toBeGreaterThan(generationId)
      await run(() => one.commitSync([[orders(0), { offset: 1 }]]))
      expect(await committedOffset(one)).toBe(1)
    })

    test('asynchronously, with callbacks in order, before a later synchronous one returns', async () => {
      const consumer = await joined()
      const ended: string[] = []
      for (const offset of [1, 2, 3]) {
        await run(() =>
          consumer.commitAsync([[orders(0), { offset }]], (offsets, error) => {
            ended.push(`${offsets.get(orders(0))?.offset} ${error?.message ?? 'done'}`)
          }),
        )
      }
      await run(() => consumer.commitSync([[orders(0), { offset: 4, metadata: 'mine' }]]))
      expect(ended).toEqual(['1 done', '2 done', '3 done'])
    })

    test('without being members, when they assign partitions themselves', async () => {
      const consumer = member()
      await run(() => consumer.assign([orders(0)]))
      await run(() => consumer.commitSync([[orders(0), { offset: 7 }]]))
      expect(await run(() => consumer.position(orders(0)))).toBe(7)
      expect(await committedOffset(consumer)).toBe(7)
    })
  })

  describe('and their listeners:', () => {
    test('may commit and seek in their callbacks', async () => {
      await fixture.broker.produce(fixture.client, 'orders', ['a', 'b', 'c'])
      const consumer = member()
      const listener = {
        onPartitionsAssigned: async () => {
          consumer.seek(orders(0), 2)
          expect(await consumer.position(orders(0))).toBe(2)
        },
        onPartitionsRevoked: () => consumer.commitSync(),
      }
      await run(() => consumer.subscribe(['orders'], listener))
      expect(await fixture.values(consumer, 1)).toEqual(['c'])
      await run(() => consumer.unsubscribe())
      expect(await committedOffset(consumer)).toBe(3)
    })

    test('may commit while the consumer closes', async () => {
      const consumer = await joined(
        {},
        { onPartitionsRevoked: () => consumer.commitSync([[orders(0), { offset: 5 }]]) },
      )
      await fixture.close(consumer)
      expect(await committedOffset(member())).toBe(5)
    })

    test('what one throws in close comes out of it, and the member has left all the same', async () => {
      const listener = {
        onPartitionsRevoked: () => {
          throw new Error('not now')
        },
      }
      const consumer = await joined({}, listener)
      await expect(fixture.close(consumer)).rejects.toThrow('failed to close kafka consumer')
      const next = member()
      await run(() => next.subscribe(['orders']))
      await run(() => next.poll(2000))
      expect(next.assignment()).toHaveLength(4)
    })

    test('what one throws comes out of poll, and what it was to hear of is read once it did hear', async () => {
      await fixture.broker.produce(fixture.client, 'orders', ['a'])
      const consumer = member()
      let calls = 0
      const listener = {
        onPartitionsAssigned: () => {
          if (calls++ === 0) throw new Error('not today')
        },
      }
      await run(() => consumer.subscribe(['orders'], listener))
      await expect(pollUntil([consumer], () => false)).rejects.toThrow(
        /user rebalance callback throws an error: not today/,
      )
      expect(await fixture.values(consumer, 1)).toEqual(['a'])
      expect(calls).toBe(2)
    })

    test('a wakeup in a callback ends the poll, and the callback comes again', async () => {
      const consumer = member()
      let calls = 0
      const listener = {
        onPartitionsAssigned: () => {
          if (calls++ === 0) throw new WakeupException()
        },
      }
      await run(() => consumer.subscribe(['orders'], listener))
      await expect(pollUntil([consumer], () => false)).rejects.toThrow(WakeupException)
      await pollUntil([consumer], () => calls === 2)
    })
  })

  test('tell how the group is doing by the metrics of the Java client', async () => {
    const consumer = await joined()
    await run(() => consumer.commitSync())
    const metrics = new Map(consumer.metrics().map(({ name, value }) => [name, value]))
    expect(metrics.get('assigned-partitions')).toBe(4)
    expect(metrics.get('rebalance-total')).toBe(1)
    expect(metrics.get('heartbeat-total')).toBeGreaterThanOrEqual(2)
    expect(metrics.get('commit-total')).toBe(1)
    expect(metrics.get('last-rebalance-seconds-ago')).toBe(0)
  })

  test('know no rebalance that one of them wants', async () => {
    const warnings: string[] = []
    const consumer = fixture.consumer(
      { 'group.id': 'group', 'group.protocol': 'consumer' },
      { onWarning: warning => warnings.push(warning) },
    )
    consumer.enforceRebalance()
    expect(warnings).toEqual([
      'enforceRebalance is not supported with group.protocol=consumer: the coordinator decides',
    ])
  })

  test('are told of an assignor that the coordinator does not have, once', async () => {
    const consumer = member({ 'group.remote.assignor': 'fair' })
    await run(() => consumer.subscribe(['orders']))
    await expect(pollUntil([consumer], () => false)).rejects.toThrow(ApiException)
    await run(() => consumer.poll(1000))
    expect(consumer.assignment()).toEqual([])
  })

  test('a pattern that the coordinator looks for takes in topics that come later', async () => {
    const consumer = member({ 'metadata.max.age.ms': 60_000 })
    await run(() => consumer.subscribe(new SubscriptionPattern('orders|pay.*')))
    await pollUntil([consumer], () => consumer.assignment().length === 4)
    await fixture.broker.createTopic(fixture.client, 'payments', 1)
    await fixture.broker.createTopic(fixture.client, 'my-payments', 1)
    await fixture.broker.produce(fixture.client, 'payments', ['a'])
    await pollUntil([consumer], () => consumer.assignment().length === 5)
    expect(await fixture.values(consumer, 1)).toEqual(['a'])
    expect(consumer.subscription()).toEqual([])
  })

  test('a pattern that is none ends the membership', async () => {
    const consumer = member()
    await run(() => consumer.subscribe(new SubscriptionPattern('orders(')))
    await expect(pollUntil([consumer], () => false)).rejects.toThrow(/invalid RE2J SubscriptionPattern/)
  })

  test('take over a group of the classic protocol member by member, and nothing is read twice', async () => {
    const classic = { 'group.id': 'group', 'enable.auto.commit': false, 'heartbeat.interval.ms': 1000 }
    const old = fixture.consumer({ ...classic, 'partition.assignment.strategy': 'cooperative-sticky' })
    await run(() => old.subscribe(['orders']))
    await pollUntil([old], () => old.assignment().length === 4)
    await fixture.broker.produce(fixture.client, 'orders', ['a'])
    expect(await fixture.values(old, 1)).toEqual(['a'])
    await run(() => old.commitSync())
    const next = await joinedBeside(old)
    await fixture.close(old)
    await pollUntil([next], () => next.assignment().length === 4)
    await fixture.broker.produce(fixture.client, 'orders', ['b'])
    expect(await fixture.values(next, 1)).toEqual(['b'])
  })

  test('a pattern of the coordinator’s is nothing for the classic protocol', async () => {
    const classic = fixture.consumer({ 'group.id': 'group' })
    const subscribed = classic.subscribe(new SubscriptionPattern('orders'))
    await expect(subscribed).rejects.toThrow(UnsupportedOperationException)
  })
})
