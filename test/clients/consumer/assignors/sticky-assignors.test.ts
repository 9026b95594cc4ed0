import { describe, expect, test } from 'vitest'
import { CooperativeStickyAssignor } from '../../../../src/clients/consumer/assignors/cooperative-sticky-assignor.ts'
import { StickyAssignor } from '../../../../src/clients/consumer/assignors/sticky-assignor.ts'
import type { Subscription } from '../../../../src/clients/consumer/consumer-partition-assignor.ts'
import type { TopicPartition } from '../../../../src/protocol/topic-partition.ts'
import { assign, cluster, partitions, type Racks, subscription } from './group-under-test.ts'

/** The subscription of a member that has something, as its assignor makes it. */
function stickyMember(topics: readonly string[], owned: readonly TopicPartition[], generationId: number): Subscription {
  const assignor = new StickyAssignor()
  const metadata = { groupId: 'group', generationId, memberId: 'm', groupInstanceId: undefined }
  assignor.onAssignment({ partitions: owned, userData: null }, metadata)
  return subscription(topics, { userData: assignor.subscriptionUserData(), ownedPartitions: owned, generationId })
}

function cooperativeMember(topics: readonly string[], owned: string, generationId: number): Subscription {
  return subscription(topics, { ownedPartitions: partitions(owned), generationId })
}

describe('the sticky assignor', () => {
  const sticky = (topics: readonly string[], owned: string, generationId = 1) =>
    stickyMember(topics, partitions(owned), generationId)

  test('spreads evenly at first, and keeps all that remaining members had (first example of its documentation)', () => {
    const topics = ['t0', 't1', 't2', 't3']
    const inCluster = cluster({ t0: 2, t1: 2, t2: 2, t3: 2 })
    const all = subscription(topics)
    expect(assign(new StickyAssignor(), inCluster, { C0: all, C1: all, C2: all })).toEqual({
      C0: 't0-0, t1-1, t3-0',
      C1: 't0-1, t2-0, t3-1',
      C2: 't1-0, t2-1',
    })

    const left = { C0: sticky(topics, 't0-0, t1-1, t3-0'), C2: sticky(topics, 't1-0, t2-1') }
    const { C0, C2 } = assign(new StickyAssignor(), inCluster, left)
    expect(C0?.split(', ')).toEqual(expect.arrayContaining(['t0-0', 't1-1', 't3-0']))
    expect(C2?.split(', ')).toEqual(expect.arrayContaining(['t1-0', 't2-1']))
    expect([C0?.split(', ').length, C2?.split(', ').length]).toEqual([4, 4])
  })

  test('is balanced when members have subscribed to different topics (second example of its documentation)', () => {
    const inCluster = cluster({ t0: 1, t1: 2, t2: 3 })
    const [one, two, three] = [['t0'], ['t0', 't1'], ['t0', 't1', 't2']]
    const fresh = { C0: subscription(one), C1: subscription(two), C2: subscription(three) }
    expect(assign(new StickyAssignor(), inCluster, fresh)).toEqual({
      C0: 't0-0',
      C1: 't1-0, t1-1',
      C2: 't2-0, t2-1, t2-2',
    })
    const left = { C1: sticky(two, 't1-0, t1-1'), C2: sticky(three, 't2-0, t2-1, t2-2') }
    expect(assign(new StickyAssignor(), inCluster, left)).toEqual({
      C1: 't0-0, t1-0, t1-1',
      C2: 't2-0, t2-1, t2-2',
    })
  })

  // Cases and results of Kafka 4.2's AbstractStickyAssignorTest.
  test('chooses who keeps one more as Java does', () => {
    const both = ['topic1', 'topic2']
    const members = {
      consumer1: sticky(both, 'topic1-0, topic2-0'),
      consumer2: sticky(both, 'topic1-1, topic2-1'),
      consumer3: sticky(both, ''),
    }
    expect(assign(new StickyAssignor(), cluster({ topic1: 2, topic2: 2 }), members)).toEqual({
      consumer1: 'topic1-0',
      consumer2: 'topic1-1, topic2-1',
      consumer3: 'topic2-0',
    })
  })

  test('gives a member that has its least share one more', () => {
    const both = ['topic1', 'topic2']
    const members = {
      consumer1: sticky(both, 'topic1-0, topic2-1'),
      consumer2: sticky(both, 'topic1-1, topic2-2'),
    }
    expect(assign(new StickyAssignor(), cluster({ topic1: 2, topic2: 3 }), members)).toEqual({
      consumer1: 'topic1-0, topic2-0, topic2-1',
      consumer2: 'topic1-1, topic2-2',
    })
  })

  test('fills up members that have less than their share', () => {
    const both = ['topic1', 'topic2']
    const members = {
      consumer1: sticky(both, 'topic1-0'),
      consumer2: sticky(both, 'topic1-1'),
      consumer3: sticky(both, ''),
    }
    expect(assign(new StickyAssignor(), cluster({ topic1: 2, topic2: 3 }), members)).toEqual({
      consumer1: 'topic1-0, topic2-1',
      consumer2: 'topic1-1, topic2-2',
      consumer3: 'topic2-0',
    })
  })

  test('mixes subscriptions', () => {
    const members = {
      consumer1: subscription(['topic1']),
      consumer2: subscription(['topic1', 'topic2']),
      consumer3: subscription(['topic1']),
    }
    expect(assign(new StickyAssignor(), cluster({ topic1: 3, topic2: 2 }), members)).toEqual({
      consumer1: 'topic1-0, topic1-2',
      consumer2: 'topic2-0, topic2-1',
      consumer3: 'topic1-1',
    })
  })

  test('takes what a member of an older generation claims from it', () => {
    const members = {
      consumer1: sticky(['topic'], 'topic-0, topic-1', 1),
      consumer2: sticky(['topic'], 'topic-1, topic-2', 2),
    }
    const { consumer2 } = assign(new StickyAssignor(), cluster({ topic: 4 }), members)
    expect(consumer2).toBe('topic-1, topic-2')
  })

  test('reads user data of version 0, and takes what is no user data for none', () => {
    const withGeneration = sticky(['topic'], 'topic-1').userData ?? Buffer.alloc(0)
    const version0 = subscription(['topic'], { userData: withGeneration.subarray(0, -4) })
    const broken = subscription(['topic'], { userData: Buffer.from([1, 2]) })
    expect(assign(new StickyAssignor(), cluster({ topic: 2 }), { consumer1: broken, consumer2: version0 })).toEqual({
      consumer1: 'topic-0',
      consumer2: 'topic-1',
    })
  })
})

describe('the cooperative sticky assignor', () => {
  test('gives what changes hands to nobody at first, then to the new owner', () => {
    const inCluster = cluster({ topic: 3 })
    const first = {
      consumer1: cooperativeMember(['topic'], 'topic-0, topic-1, topic-2', 1),
      consumer2: cooperativeMember(['topic'], '', 1),
    }
    expect(assign(new CooperativeStickyAssignor(), inCluster, first)).toEqual({
      consumer1: 'topic-0, topic-1',
      consumer2: '',
    })
    const second = {
      consumer1: cooperativeMember(['topic'], 'topic-0, topic-1', 2),
      consumer2: cooperativeMember(['topic'], '', 2),
    }
    expect(assign(new CooperativeStickyAssignor(), inCluster, second)).toEqual({
      consumer1: 'topic-0, topic-1',
      consumer2: 'topic-2',
    })
  })

  test('gives what two members of one generation claim to nobody', () => {
    const members = {
      consumer1: cooperativeMember(['topic'], 'topic-0, topic-1', 1),
      consumer2: cooperativeMember(['topic'], 'topic-0, topic-2', 1),
    }
    expect(Object.values(assign(new CooperativeStickyAssignor(), cluster({ topic: 3 }), members)).join()).not.toContain(
      'topic-0',
    )
  })

  test('puts its generation into the user data for members that do not read it from the subscription', () => {
    const assignor = new CooperativeStickyAssignor()
    const metadata = { groupId: 'group', generationId: 7, memberId: 'm', groupInstanceId: undefined }
    assignor.onAssignment({ partitions: [], userData: null }, metadata)
    expect(assignor.subscriptionUserData()).toEqual(Buffer.from([0, 0, 0, 7]))
    expect(assignor.supportedProtocols).toEqual(['COOPERATIVE', 'EAGER'])
  })
})

// Kafka's testRackAwareAssignmentWith…Subscription.
describe.each([
  ['sticky', () => new StickyAssignor()],
  ['cooperative-sticky', () => new CooperativeStickyAssignor()],
])('the %s assignor with racks (KIP-881)', (_, create) => {
  const abc = ['a', 'b', 'c']
  const topics = { t1: 6, t2: 7, t3: 2 }
  const all = ['t1', 't2', 't3']

  function assignWithRacks(
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
    const assigned = assign(create(), cluster(topics, brokerRacks, replicationFactor), members)
    return consumers.map((_, index) => assigned[`consumer${index}`] ?? '')
  }

  test('gives each member what is in its rack when all have subscribed to the same topics', () => {
    const expected = ['t1-0, t1-3, t2-0, t2-3, t2-6', 't1-1, t1-4, t2-1, t2-4, t3-0', 't1-2, t1-5, t2-2, t2-5, t3-1']
    expect(assignWithRacks(3, [null, null, null], [all, all, all])).toEqual(expected)
    expect(assignWithRacks(1, abc, [all, all, all])).toEqual(expected)
    expect(assignWithRacks(2, abc, [all, all, all])).toEqual(expected)
    expect(assignWithRacks(3, ['a', 'b'], [all, all, all])).toEqual(expected)
  })

  test('gives each member what is in its rack, as far as that is balanced, when they have not', () => {
    const consumers = [all, all, ['t1', 't3']]
    const plain = ['t1-5, t2-0, t2-2, t2-4, t2-6', 't1-3, t2-1, t2-3, t2-5, t3-0', 't1-0, t1-1, t1-2, t1-4, t3-1']
    expect(assignWithRacks(3, [null, null, null], consumers)).toEqual(plain)
    expect(assignWithRacks(3, abc, consumers, ['d', 'e', 'f'])).toEqual(plain)
    expect(assignWithRacks(1, abc, consumers)).toEqual([
      't1-3, t2-0, t2-2, t2-3, t2-6',
      't1-4, t2-1, t2-4, t2-5, t3-0',
      't1-0, t1-1, t1-2, t1-5, t3-1',
    ])
    expect(assignWithRacks(2, abc, consumers)).toEqual([
      't1-3, t2-0, t2-2, t2-5, t2-6',
      't1-0, t2-1, t2-3, t2-4, t3-0',
      't1-1, t1-2, t1-4, t1-5, t3-1',
    ])
    expect(assignWithRacks(3, ['a', 'b'], consumers)).toEqual(plain)
  })
})
