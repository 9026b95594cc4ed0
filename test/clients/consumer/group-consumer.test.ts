import { describe, expect, test } from 'vitest'
import {
  CommitFailedException,
  ConcurrentModificationException,
  FencedInstanceIdException,
  InvalidGroupIdException,
} from '../../../src/clients/consumer/consumer-errors.ts'
import type { ConsumerRebalanceListener } from '../../../src/clients/consumer/consumer-rebalance-listener.ts'
import { KafkaError, WakeupException } from '../../../src/clients/errors.ts'
import { type TextConsumer, useBroker } from './consumer-fixture.ts'
import { Journal, keys, pollUntil as pollAllUntil } from './consumer-group-fixture.ts'

const orders = (partition: number) => ({ topic: 'orders', partition })
const ALL = ['orders-0', 'orders-1', 'orders-2', 'orders-3']

describe('consumers of a group', () => {
  const fixture = useBroker({ orders: 4 })
  const { run } = fixture
  const member = (config = {}) => fixture.consumer({ 'group.id': 'group', 'enable.auto.commit': false, ...config })

  const pollUntil = (consumers: readonly TextConsumer[], holds: () => boolean) =>
    pollAllUntil(fixture, consumers, holds)

  async function joined(config = {}, listener?: ConsumerRebalanceListener): Promise<TextConsumer> {
    const consumer = member(config)
    await run(() => consumer.subscribe(['orders'], listener))
    await pollUntil([consumer], () => consumer.assignment().length > 0)
    return consumer
  }

  describe('share its partitions:', () => {
    test('one alone gets all, and another one goes on where it has committed', async () => {
      const first = await joined()
      await fixture.broker.produce(fixture.client, 'orders', ['a', 'b'], { partition: 1 })
      expect(await fixture.values(first, 2)).toEqual(['a', 'b'])
      expect(keys(first.assignment())).toEqual(ALL)
      await run(() => first.commitSync())
      const committed = await run(() => first.committed([orders(0), orders(1)]))
      expect(committed.get(orders(1))).toEqual({ offset: 2, leaderEpoch: 0, metadata: '' })
      expect(committed.get(orders(0))?.offset).toBe(0)
      await fixture.close(first)

      await fixture.broker.produce(fixture.client, 'orders', ['c'], { partition: 1 })
      const second = member()
      await run(() => second.subscribe(['orders']))
      expect(await fixture.values(second, 1)).toEqual(['c'])
    })

    test('with the eager protocol each gives all away before it gets its share', async () => {
      const [oneHeard, twoHeard] = [new Journal(), new Journal()]
      const one = await joined({ 'partition.assignment.strategy': 'range' }, oneHeard)
      const two = member({ 'partition.assignment.strategy': 'range' })
      await run(() => two.subscribe(['orders'], twoHeard))
      await pollUntil([one, two], () => two.assignment().length === 2)
      await fixture.close(two)
      await pollUntil([one], () => one.assignment().length === 4)

      const ofOne = keys(
        oneHeard.entries[2] === 'assigned orders-0,orders-1' ? [orders(0), orders(1)] : [orders(2), orders(3)],
      )
      expect(oneHeard.entries).toEqual([
        `assigned ${ALL}`,
        `revoked ${ALL}`,
        `assigned ${ofOne}`,
        `revoked ${ofOne}`,
        `assigned ${ALL}`,
      ])
      const ofTwo = ALL.filter(key => !ofOne.includes(key))
      expect(twoHeard.entries).toEqual([`assigned ${ofTwo}`, `revoked ${ofTwo}`])
    })

    test('with the cooperative protocol each gives away only what the other gets', async () => {
      const [oneHeard, twoHeard] = [new Journal(), new Journal()]
      const one = await joined({ 'partition.assignment.strategy': 'cooperative-sticky' }, oneHeard)
      const two = member({ 'partition.assignment.strategy': 'cooperative-sticky' })
      await run(() => two.subscribe(['orders'], twoHeard))
      await pollUntil([one, two], () => two.assignment().length === 2)

      expect(oneHeard.entries).toEqual([`assigned ${ALL}`, 'revoked orders-2,orders-3', 'assigned ', 'assigned '])
      expect(twoHeard.entries).toEqual(['assigned ', 'assigned orders-2,orders-3'])
    })

    test('a member that keeps partitions through a cooperative rebalance goes on reading them', async () => {
      const config = { 'partition.assignment.strategy': 'cooperative-sticky' }
      const one = await joined(config)
      const two = member(config)
      await run(() => two.subscribe(['orders']))
      const waiting = run(() => two.poll(1000))
      await fixture.broker.produce(fixture.client, 'orders', ['kept'], { partition: 0 })
      expect(await fixture.values(one, 1)).toEqual(['kept'])
      await waiting
      await pollUntil([one, two], () => two.assignment().length === 2)
      expect(one.assignment()).toHaveLength(2)
    })

    test('one with the other strategy first still finds the one they have in common', async () => {
      const one = await joined({ 'partition.assignment.strategy': 'sticky,range' })
      const two = member({ 'partition.assignment.strategy': 'roundrobin,range' })
      await run(() => two.subscribe(['orders']))
      await pollUntil([one, two], () => two.assignment().length === 2 && one.assignment().length === 2)
    })

    test('a pattern takes in topics that come later', async () => {
      const consumer = member({ 'metadata.max.age.ms': 1000 })
      await run(() => consumer.subscribe(/orders|pay.*/))
      await pollUntil([consumer], () => consumer.assignment().length === 4)
      await fixture.broker.createTopic(fixture.client, 'payments', 1)
      await fixture.broker.createTopic(fixture.client, 'my-payments', 1)
      await pollUntil([consumer], () => consumer.assignment().length === 5)
      expect(consumer.subscription().sort()).toEqual(['orders', 'payments'])
    })

    test('another subscription is another rebalance', async () => {
      await fixture.broker.createTopic(fixture.client, 'payments', 1)
      const heard = new Journal()
      const consumer = await joined({}, heard)
      await run(() => consumer.subscribe(['payments'], heard))
      await pollUntil([consumer], () => keys(consumer.assignment()).join() === 'payments-0')
      expect(heard.entries).toEqual([`assigned ${ALL}`, `revoked ${ALL}`, 'assigned payments-0'])
    })
  })

  describe('stay members by heartbeats:', () => {
    test('while the application works longer than the session lasts', async () => {
      const heard = new Journal()
      const consumer = await joined({ 'session.timeout.ms': 6000, 'heartbeat.interval.ms': 1000 }, heard)
      await fixture.broker.runtime.advance(60_000)
      await run(() => consumer.poll(1000))
      await run(() => consumer.commitSync())
      expect(heard.entries).toEqual([`assigned ${ALL}`])
    })

    test('but not when it works longer than max.poll.interval.ms', async () => {
      const heard = new Journal()
      const consumer = await joined(
        { 'max.poll.interval.ms': 10_000, 'session.timeout.ms': 6000, 'heartbeat.interval.ms': 1000 },
        heard,
      )
      await fixture.broker.runtime.advance(15_000)
      await expect(run(() => consumer.commitSync())).rejects.toThrow(CommitFailedException)
      await pollUntil([consumer], () => heard.entries.length === 3)
      expect(heard.entries).toEqual([`assigned ${ALL}`, `lost ${ALL}`, `assigned ${ALL}`])
    })

    test('a rebalance that waits for a member is told to it by a heartbeat', async () => {
      const one = await joined({ 'heartbeat.interval.ms': 1000 })
      const two = member()
      await run(() => two.subscribe(['orders']))
      const waiting = run(() => two.poll(5000))
      await fixture.broker.runtime.advance(3000)
      // Until it joins again, its generation may still commit.
      await run(() => one.commitSync())
      await waiting
      await pollUntil([one, two], () => one.assignment().length === 2 && two.assignment().length === 2)
    })
  })

  describe('static members (KIP-345)', () => {
    test('keep their partitions over a restart', async () => {
      const heard = new Journal()
      const one = await joined({ 'group.instance.id': 'i1' }, heard)
      const two = member({ 'group.instance.id': 'i2' })
      await run(() => two.subscribe(['orders']))
      await pollUntil([one, two], () => two.assignment().length === 2)
      const before = keys(two.assignment())
      const { length } = heard.entries
      await fixture.close(two)
      const again = member({ 'group.instance.id': 'i2' })
      await run(() => again.subscribe(['orders']))
      await pollUntil([one, again], () => again.assignment().length === 2)
      expect(keys(again.assignment())).toEqual(before)
      expect(heard.entries).toHaveLength(length)
    })

    test('are fenced by another one of the same instance id', async () => {
      const first = await joined({ 'group.instance.id': 'i1' })
      const second = member({ 'group.instance.id': 'i1' })
      await run(() => second.subscribe(['orders']))
      await pollUntil([second], () => second.assignment().length === 4)
      await expect(run(() => first.commitSync())).rejects.toThrow(FencedInstanceIdException)
      await expect(pollUntil([first], () => false)).rejects.toThrow(FencedInstanceIdException)
    })

    test('leave when they are told to (KIP-1092)', async () => {
      const one = await joined({ 'group.instance.id': 'i1' })
      const two = member({ 'group.instance.id': 'i2' })
      await run(() => two.subscribe(['orders']))
      await pollUntil([one, two], () => two.assignment().length === 2)
      await run(() => two.close({ groupMembershipOperation: 'LEAVE_GROUP' }))
      await pollUntil([one], () => one.assignment().length === 4)
    })
  })

  describe('commit:', () => {
    test('automatically, at the interval, before a rebalance and when they close', async () => {
      const consumer = await joined({ 'enable.auto.commit': true, 'auto.commit.interval.ms': 1000 })
      await fixture.broker.produce(fixture.client, 'orders', ['a', 'b'])
      await fixture.values(consumer, 2)
      const committedOffset = async () => (await run(() => consumer.committed([orders(0)]))).get(orders(0))?.offset
      await fixture.broker.runtime.advance(2000)
      await run(() => consumer.poll(100))
      await run(() => consumer.poll(100))
      expect(await committedOffset()).toBe(2)

      await fixture.broker.produce(fixture.client, 'orders', ['c'])
      await fixture.values(consumer, 1)
      await fixture.close(consumer)
      const next = member()
      await run(() => next.assign([orders(0)]))
      expect((await run(() => next.committed([orders(0)]))).get(orders(0))?.offset).toBe(3)
    })

    test('what a member reads until a rebalance is committed before its partitions go', async () => {
      const auto = {
        'enable.auto.commit': true,
        'auto.commit.interval.ms': 3_600_000,
        'partition.assignment.strategy': 'range',
      }
      const one = await joined(auto)
      await fixture.broker.produce(fixture.client, 'orders', ['a', 'b'])
      await fixture.values(one, 2)
      const two = member({ 'partition.assignment.strategy': 'range' })
      await run(() => two.subscribe(['orders']))
      await pollUntil([one, two], () => two.assignment().length === 2)
      expect((await run(() => two.committed([orders(0)]))).get(orders(0))?.offset).toBe(2)
    })

    test('what is overdue while a rebalance waits for others makes no poll spin', async () => {
      const auto = { 'enable.auto.commit': true, 'auto.commit.interval.ms': 100, 'heartbeat.interval.ms': 500 }
      const one = await joined(auto)
      const slow = member({ 'session.timeout.ms': 45_000 })
      await run(() => slow.subscribe(['orders']))
      await pollUntil([one, slow], () => slow.assignment().length === 2)
      one.enforceRebalance()
      const before = fixture.broker.runtime.firedTimers
      // The rebalance waits for the slow one, which does not poll.
      await run(() => one.poll(5000))
      expect(fixture.broker.runtime.firedTimers - before).toBeLessThan(1000)
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
      const committed = await run(() => consumer.committed([orders(0)]))
      expect(committed.get(orders(0))).toEqual({ offset: 4, leaderEpoch: undefined, metadata: 'mine' })
    })

    test('without being members, when they assign partitions themselves', async () => {
      const consumer = member()
      await run(() => consumer.assign([orders(0)]))
      await run(() => consumer.commitSync([[orders(0), { offset: 7 }]]))
      expect((await run(() => consumer.committed([orders(0), orders(1)]))).get(orders(1))).toBeUndefined()
      expect(await run(() => consumer.position(orders(0)))).toBe(7)
    })

    test('and interceptors hear of it', async () => {
      const committed: (number | undefined)[] = []
      const consumer = fixture.consumer(
        { 'group.id': 'group', 'enable.auto.commit': false },
        { interceptors: [{ onCommit: offsets => committed.push(offsets.get(orders(0))?.offset) }] },
      )
      await run(() => consumer.assign([orders(0)]))
      await run(() => consumer.commitSync([[orders(0), { offset: 1 }]]))
      await run(() => consumer.commitAsync([[orders(0), { offset: 2 }]]))
      await run(() => consumer.poll(100))
      expect(committed).toEqual([1, 2])
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
      const committed = await run(() => consumer.committed([orders(0)]))
      expect(committed.get(orders(0))?.offset).toBe(3)
    })

    test('may commit while the consumer closes', async () => {
      const consumer = await joined(
        {},
        { onPartitionsRevoked: () => consumer.commitSync([[orders(0), { offset: 5 }]]) },
      )
      await fixture.close(consumer)
      const other = member()
      expect((await run(() => other.committed([orders(0)]))).get(orders(0))?.offset).toBe(5)
    })

    test('what one throws in close comes out of it, and nothing is left open', async () => {
      const listener = {
        onPartitionsRevoked: () => {
          throw new Error('not now')
        },
      }
      const consumer = await joined({}, listener)
      await expect(fixture.close(consumer)).rejects.toThrow('failed to close kafka consumer')
      await expect(consumer.poll(0)).rejects.toThrow('this consumer has already been closed')
    })

    test('what one throws comes out of poll, and the rebalance is done all the same', async () => {
      const consumer = member()
      const listener = {
        onPartitionsAssigned: () => {
          throw new Error('not today')
        },
      }
      await run(() => consumer.subscribe(['orders'], listener))
      await expect(pollUntil([consumer], () => false)).rejects.toThrow(
        /user rebalance callback throws an error: not today/,
      )
      expect(consumer.assignment()).toHaveLength(4)
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

  test('rebalance when one of them wants to', async () => {
    const heard = new Journal()
    const consumer = await joined({}, heard)
    consumer.enforceRebalance('because')
    await pollUntil([consumer], () => heard.entries.length === 3)
    expect(consumer.groupMetadata()).toMatchObject({ groupId: 'group', generationId: 2 })
  })

  test('take one call at a time', async () => {
    const consumer = await joined()
    const waiting = run(() => consumer.poll(1000))
    await expect(consumer.poll(1)).rejects.toThrow(ConcurrentModificationException)
    expect(() => consumer.pause([orders(0)])).toThrow(ConcurrentModificationException)
    await waiting
  })

  test('need a group', async () => {
    const consumer = fixture.consumer()
    await expect(consumer.subscribe(['orders'])).rejects.toThrow(InvalidGroupIdException)
    await expect(consumer.commitSync()).rejects.toThrow(InvalidGroupIdException)
    await expect(run(() => consumer.poll(0))).rejects.toThrow(/not subscribed to any topics or assigned any partitions/)
  })

  test('tell how the group is doing by the metrics of the Java client', async () => {
    const consumer = await joined()
    await run(() => consumer.commitSync())
    const metrics = new Map(consumer.metrics().map(({ name, value }) => [name, value]))
    expect(metrics.get('assigned-partitions')).toBe(4)
    expect(metrics.get('rebalance-total')).toBe(1)
    expect(metrics.get('join-total')).toBeGreaterThanOrEqual(1)
    expect(metrics.get('commit-total')).toBe(1)
    expect(metrics.get('last-rebalance-seconds-ago')).toBe(0)
  })

  test('are refused by a group that speaks no strategy of theirs', async () => {
    await joined({ 'partition.assignment.strategy': 'range' })
    const other = member({ 'partition.assignment.strategy': 'sticky' })
    await run(() => other.subscribe(['orders']))
    await expect(pollUntil([other], () => false)).rejects.toThrow(KafkaError)
  })
})
