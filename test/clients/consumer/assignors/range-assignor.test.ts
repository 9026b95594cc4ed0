import { describe, expect, test } from 'vitest'
import { RangeAssignor } from '../../../../src/clients/consumer/assignors/range-assignor.ts'
import { assign, cluster, type Racks, subscription } from './group-under-test.ts'

// Cases and results of Kafka 4.2's RangeAssignorTest.
describe('the range assignor', () => {
  const both = subscription(['topic1', 'topic2'])

  test('gives the first consumers one more of each topic', () => {
    const members = { consumer1: both, consumer2: both }
    expect(assign(new RangeAssignor(), cluster({ topic1: 3, topic2: 3 }), members)).toEqual({
      consumer1: 'topic1-0, topic1-1, topic2-0, topic2-1',
      consumer2: 'topic1-2, topic2-2',
    })
  })

  test('leaves out who has not subscribed, and topics that are not there', () => {
    const members = {
      consumer1: subscription(['topic1']),
      consumer2: both,
      consumer3: subscription(['topic1', 'gone']),
    }
    expect(assign(new RangeAssignor(), cluster({ topic1: 3, topic2: 2, other: 3 }), members)).toEqual({
      consumer1: 'topic1-0',
      consumer2: 'topic1-1, topic2-0, topic2-1',
      consumer3: 'topic1-2',
    })
  })

  test('gives nothing to consumers beyond the number of partitions', () => {
    const members = { consumer1: both, consumer2: both }
    expect(assign(new RangeAssignor(), cluster({ topic1: 1 }), members)).toEqual({
      consumer1: 'topic1-0',
      consumer2: '',
    })
  })

  test('orders static members by their instance id, before all others', () => {
    const low = { ...both, groupInstanceId: 'instance1' }
    const high = { ...both, groupInstanceId: 'instance2' }
    const inCluster = cluster({ topic1: 3, topic2: 3 })

    expect(assign(new RangeAssignor(), inCluster, { 'consumer-b': low, 'consumer-a': high })).toEqual({
      'consumer-b': 'topic1-0, topic1-1, topic2-0, topic2-1',
      'consumer-a': 'topic1-2, topic2-2',
    })
    expect(assign(new RangeAssignor(), inCluster, { 'consumer-b': high, 'consumer-a': both })).toEqual({
      'consumer-b': 'topic1-0, topic1-1, topic2-0, topic2-1',
      'consumer-a': 'topic1-2, topic2-2',
    })
  })

  describe('with racks (KIP-881)', () => {
    const abc = ['a', 'b', 'c']
    const uneven = { t1: 6, t2: 7, t3: 2 }
    const even = { t1: 5, t2: 5, t3: 5 }
    const all = ['t1', 't2', 't3']

    function assignWithRacks(
      topics: Record<string, number>,
      replicationFactor: number,
      brokerRacks: Racks,
      consumers: readonly string[][],
      consumerRacks: Racks = abc,
    ): string[] {
      const members = Object.fromEntries(
        consumers.map((topics, index) => {
          const rackId = consumerRacks[index] ?? undefined
          return [`consumer${index}`, subscription(topics, { rackId })]
        }),
      )
      return Object.values(assign(new RangeAssignor(), cluster(topics, brokerRacks, replicationFactor), members))
    }

    const plain = ['t1-0, t1-1, t2-0, t2-1, t2-2, t3-0', 't1-2, t1-3, t2-3, t2-4, t3-1', 't1-4, t1-5, t2-5, t2-6']

    test.each([
      ['no broker has a rack', 3, [null, null, null], abc],
      ['no consumer has a rack', 3, abc, [null, null, null]],
      ['every partition is in every rack', 3, abc, abc],
      ['consumers are in other racks', 3, abc, ['d', 'e', 'f']],
    ])('does the same as without when %s', (_, replicationFactor, brokerRacks, consumerRacks) => {
      expect(assignWithRacks(uneven, replicationFactor, brokerRacks, [all, all, all], consumerRacks)).toEqual(plain)
    })

    test('prefers partitions of the own rack', () => {
      expect(assignWithRacks(uneven, 1, abc, [all, all, all])).toEqual([
        't1-0, t1-3, t2-0, t2-3, t2-6',
        't1-1, t1-4, t2-1, t2-4, t3-0',
        't1-2, t1-5, t2-2, t2-5, t3-1',
      ])
      expect(assignWithRacks(uneven, 2, abc, [all, all, all])).toEqual([
        't1-0, t1-2, t2-0, t2-2, t2-3, t3-1',
        't1-1, t1-3, t2-1, t2-4, t3-0',
        't1-4, t1-5, t2-5, t2-6',
      ])
    })

    test('keeps the balance when a rack has no partitions', () => {
      expect(assignWithRacks(uneven, 3, ['a', 'b'], [all, all, all])).toEqual(plain)
    })

    test('prefers partitions of the own rack when consumers have subscribed to different topics', () => {
      const consumers = [all, all, ['t1', 't3']]
      expect(assignWithRacks(uneven, 1, abc, consumers)).toEqual([
        't1-0, t1-3, t2-0, t2-2, t2-3, t2-6',
        't1-1, t1-4, t2-1, t2-4, t2-5, t3-0',
        't1-2, t1-5, t3-1',
      ])
      expect(assignWithRacks(uneven, 2, abc, consumers)).toEqual([
        't1-0, t1-2, t2-0, t2-2, t2-3, t2-5, t3-1',
        't1-1, t1-3, t2-1, t2-4, t2-6, t3-0',
        't1-4, t1-5',
      ])
    })

    test('holds co-partitioned topics together before it looks at racks', () => {
      const coPartitioned = [
        't1-0, t1-1, t2-0, t2-1, t3-0, t3-1',
        't1-2, t1-3, t2-2, t2-3, t3-2, t3-3',
        't1-4, t2-4, t3-4',
      ]
      expect(assignWithRacks(even, 1, abc, [all, all, all])).toEqual(coPartitioned)
      expect(assignWithRacks(even, 2, abc, [all, all, all])).toEqual(coPartitioned)
      expect(assignWithRacks(even, 1, abc, [all, all, ['t1', 't3']])).toEqual([
        't1-0, t1-1, t2-0, t2-1, t2-4, t3-0, t3-1',
        't1-2, t1-3, t2-2, t2-3, t3-2, t3-3',
        't1-4, t3-4',
      ])
      expect(assignWithRacks(even, 2, abc, [all, all, ['t1', 't3']])).toEqual([
        't1-2, t2-0, t2-1, t2-3, t3-2',
        't1-0, t1-3, t2-2, t2-4, t3-0, t3-3',
        't1-1, t1-4, t3-1, t3-4',
      ])
    })
  })
})
