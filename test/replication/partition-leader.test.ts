import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { batch, config } from '../log/log-fixture.ts'
import { ORDERS, TestCluster } from './cluster-fixture.ts'

const MIN_ISR_2 = config({ 'min.insync.replicas': 2 })

/** Broker 1 leads; its followers 2 and 3 fetch only as the test says. */
async function leading(options: Parameters<typeof TestCluster.withOrders>[1] = {}) {
  const cluster = await TestCluster.of([1, 2, 3], options)
  cluster.withoutNews.add(2).add(3)
  await cluster.createOrders([1, 2, 3])
  return { cluster, leader: cluster.broker(1) }
}

describe('the high watermark', () => {
  test('is the smallest end offset of the in-sync replicas', async () => {
    const { leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.produce(batch('b'), 1)
    await leader.followerFetch(2, 0)
    await leader.followerFetch(3, 0)
    expect(leader.log.highWatermark).toBe(0)
    await leader.followerFetch(2, 2)
    expect(leader.log.highWatermark).toBe(0)
    await leader.followerFetch(3, 1)
    expect(leader.log.highWatermark).toBe(1)
    await leader.followerFetch(3, 2)
    expect(leader.log.highWatermark).toBe(2)
  })

  test('never goes back when a follower does', async () => {
    const { leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    await leader.followerFetch(3, 1)
    await leader.followerFetch(2, 0)
    expect(leader.log.highWatermark).toBe(1)
  })

  test('waits for a follower that has caught up and may join the ISR', async () => {
    const { cluster, leader } = await leading()
    await cluster.change({ isr: [1, 2] })
    await leader.followerFetch(2, 0)
    cluster.alterPartition = () => new Promise(() => {})
    await leader.followerFetch(3, 0)
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    expect(leader.log.highWatermark).toBe(0)
    await leader.followerFetch(3, 1)
    expect(leader.log.highWatermark).toBe(1)
  })

  test('R14: does not wait for a follower that could not join the ISR', async () => {
    const { cluster, leader } = await leading()
    await cluster.change({ isr: [1, 2] })
    await leader.followerFetch(2, 0)
    await cluster.changeBroker(3, { inControlledShutdown: true })
    await leader.followerFetch(3, 0)
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    expect(leader.log.highWatermark).toBe(1)
  })

  test('R12: does not move while fewer are in sync than min.insync.replicas asks for', async () => {
    const { cluster, leader } = await leading({ settings: MIN_ISR_2 })
    await cluster.change({ isr: [1] })
    await leader.produce(batch('a'), 1)
    expect(leader.log.highWatermark).toBe(0)
    await cluster.change({ isr: [1, 2] })
    expect(leader.log.highWatermark).toBe(0)
    await leader.followerFetch(2, 1)
    expect(leader.log.highWatermark).toBe(1)
  })

  test('a new leader begins at its own, which may be older than what was committed', async () => {
    const { cluster, leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    await leader.followerFetch(3, 1)
    await cluster.change({ leader: 1 })
    expect(leader.log.highWatermark).toBe(1)
    expect(leader.partition.leaderEpochStartOffset).toBe(1)
    expect(leader.events).toContain('leads in 1 from 1')
  })
})

describe('fetches of followers', () => {
  test('read to the end of the log and tell the high watermark of before', async () => {
    const { leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(3, 1)
    expect(await leader.followerFetch(2, 0)).toMatchObject({ errorCode: 0, highWatermark: 0 })
    const caughtUp = await leader.followerFetch(2, 1)
    expect(caughtUp).toMatchObject({ errorCode: 0, highWatermark: 0 })
    expect(await leader.followerFetch(2, 1)).toMatchObject({ errorCode: 0, highWatermark: 1 })
  })

  test('with another leader epoch count for nothing', async () => {
    const { cluster, leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(3, 1)
    await cluster.change({ leader: 1 })
    await leader.followerFetch(3, 1)
    const stale = await leader.followerFetch(2, 1, { currentLeaderEpoch: 0 })
    const early = await leader.followerFetch(2, 1, { currentLeaderEpoch: 2 })
    expect(stale?.errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH)
    expect(early?.errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    expect(leader.log.highWatermark).toBe(0)
  })

  test('of a broker that is not assigned are refused', async () => {
    const { leader } = await leading()
    expect((await leader.followerFetch(9, 0))?.errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    const withoutEpoch = await leader.followerFetch(9, 0, { currentLeaderEpoch: -1 })
    expect(withoutEpoch?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  })

  test('of an earlier incarnation of the follower are refused', async () => {
    const { leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(3, 1)
    const stale = await leader.followerFetch(2, 1, { replicaEpoch: 5 })
    expect(stale?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(leader.log.highWatermark).toBe(0)
  })

  test('R8: that diverge tell nothing about where the follower is', async () => {
    const { cluster, leader } = await leading()
    await leader.produce(batch('a'), 1)
    await cluster.change({ leader: 1 })
    await leader.produce(batch('b'), 1)
    await leader.followerFetch(3, 2, { lastFetchedEpoch: 1 })
    // It holds another record at offset 1, of epoch 0.
    const diverging = await leader.followerFetch(2, 2, { lastFetchedEpoch: 0 })
    expect(diverging).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 1 } })
    expect(leader.partition.remoteReplicas.get(2)?.logEndOffset).toBe(-1)
    expect(leader.log.highWatermark).toBe(0)
  })

  test('that wait are answered when records come', async () => {
    const { cluster, leader } = await leading()
    const target = { fetchOffset: 0, currentLeaderEpoch: 0 }
    const answers = await leader.fetch(target, { replicaId: 2, replicaEpoch: 102, maxWaitMs: 500 })
    expect(answers).toEqual([])
    await leader.produce(batch('a'), 1)
    await cluster.runtime.settle()
    expect(answers).toMatchObject([{ errorCode: 0, highWatermark: 0 }])
    expect(answers[0]?.records.length).toBeGreaterThan(0)
  })

  test('that wait are answered when the leader epoch ends', async () => {
    const { cluster, leader } = await leading()
    const target = { fetchOffset: 0, currentLeaderEpoch: 0 }
    const answers = await leader.fetch(target, { replicaId: 2, replicaEpoch: 102, maxWaitMs: 500 })
    await cluster.change({ leader: 2 })
    await cluster.runtime.settle()
    expect(answers).toMatchObject([{ errorCode: ErrorCode.FENCED_LEADER_EPOCH }])
  })
})

describe('producing', () => {
  test('acks=-1 waits for all in-sync replicas', async () => {
    const { leader } = await leading()
    const answers = await leader.produce(batch('a'))
    await leader.followerFetch(2, 1)
    expect(answers).toEqual([])
    await leader.followerFetch(3, 1)
    expect(answers).toMatchObject([{ errorCode: ErrorCode.NONE, baseOffset: 0 }])
  })

  test('acks=-1 is refused before anything is written while too few are in sync', async () => {
    const { cluster, leader } = await leading({ settings: MIN_ISR_2 })
    await cluster.change({ isr: [1] })
    expect(await leader.produce(batch('a'))).toMatchObject([{ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS }])
    expect(await leader.produce(batch('a'), 1)).toMatchObject([{ errorCode: ErrorCode.NONE }])
    expect(leader.log.logEndOffset).toBe(1)
  })

  test('acks=-1 times out, with its outcome open, when a follower does not come', async () => {
    const { cluster, leader } = await leading()
    const answers = await leader.produce(batch('a'), -1, 1000)
    await cluster.runtime.advance(1001)
    expect(answers).toMatchObject([{ errorCode: ErrorCode.REQUEST_TIMED_OUT }])
    expect(leader.log.logEndOffset).toBe(1)
  })

  test('acks=-1 is told at once when the leadership has moved on', async () => {
    const { cluster, leader } = await leading()
    const answers = await leader.produce(batch('a'))
    await cluster.change({ leader: 2 })
    expect(answers).toMatchObject([{ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }])
    expect(await leader.produce(batch('b'))).toMatchObject([{ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }])
  })

  test('acks=-1 fails after the append when the ISR has become too small and all of it has the records', async () => {
    const { cluster, leader } = await leading({ settings: config({ 'min.insync.replicas': 3 }) })
    const answers = await leader.produce(batch('a'))
    await leader.followerFetch(2, 1)
    await leader.followerFetch(3, 1)
    expect(answers).toMatchObject([{ errorCode: ErrorCode.NONE }])
    const late = await leader.produce(batch('b'))
    await cluster.change({ isr: [1, 2] })
    expect(leader.partition.checkEnoughReplicasReachOffset(1)).toMatchObject({
      reached: true,
      errorCode: ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    })
    expect(late).toEqual([])
  })
})

describe('the ISR', () => {
  test('loses a follower that has lagged for longer than replica.lag.time.max.ms', async () => {
    const { cluster, leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    await cluster.runtime.advance(30_001)
    await leader.followerFetch(2, 1)
    // It hears of the new ISR by the controller's answer alone.
    cluster.withoutNews.add(1)
    leader.replicaManager.maybeShrinkIsr()
    await cluster.runtime.settle()
    expect(cluster.orders.isr).toEqual([1, 2])
    expect(leader.partition.isr).toEqual([1, 2])
    // R14 (KAFKA-13091): nothing else happens that could move it.
    expect(leader.log.highWatermark).toBe(1)
    expect(leader.events).toContain('proposed [1,2]')
    expect(leader.events).toContain('isr [1,2] at 1')
  })

  test('is looked after every half of replica.lag.time.max.ms', async () => {
    const { cluster } = await leading({ replication: { replicaLagTimeMaxMs: 1000 } })
    const leader = cluster.broker(1)
    await leader.produce(batch('a'), 1)
    await cluster.runtime.advance(1500)
    expect(cluster.orders.isr).toEqual([1])
  })

  test('keeps a follower that has everything, however long ago it fetched', async () => {
    const { cluster, leader } = await leading()
    await leader.followerFetch(2, 0)
    await leader.followerFetch(3, 0)
    await cluster.runtime.advance(60_000)
    leader.replicaManager.maybeShrinkIsr()
    await cluster.runtime.settle()
    expect(cluster.orders.isr).toEqual([1, 2, 3])
  })

  test('keeps a follower that always lags by one fetch', async () => {
    const { cluster, leader } = await leading()
    for (let offset = 0; offset < 5; offset++) {
      await leader.produce(batch('a'), 1)
      await leader.followerFetch(2, offset)
      await leader.followerFetch(3, offset + 1)
      await cluster.runtime.advance(10_000)
    }
    expect(cluster.orders.isr).toEqual([1, 2, 3])
  })

  test('keeps who is to leave until the controller has agreed', async () => {
    const { cluster, leader } = await leading()
    cluster.alterPartition = () => new Promise(() => {})
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    await cluster.runtime.advance(30_001)
    await leader.followerFetch(2, 1)
    leader.replicaManager.maybeShrinkIsr()
    await cluster.runtime.settle()
    expect(leader.partition.isr).toEqual([1, 2, 3])
    expect(leader.partition.maximalIsr).toEqual([1, 2, 3])
    expect(leader.log.highWatermark).toBe(0)
  })

  test('counts who is to join before the controller has agreed', async () => {
    const { cluster, leader } = await leading()
    await cluster.change({ isr: [1, 2] })
    await leader.followerFetch(2, 0)
    cluster.alterPartition = () => new Promise(() => {})
    await leader.followerFetch(3, 0)
    expect(leader.partition.isr).toEqual([1, 2])
    expect(leader.partition.maximalIsr).toEqual([1, 2, 3])
    await cluster.changeBroker(3, { inControlledShutdown: true })
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    expect(leader.log.highWatermark).toBe(0)
  })

  test('goes on to count who is to join when the metadata repeats what an earlier answer has told', async () => {
    const { cluster, leader } = await leading()
    cluster.withoutNews.add(1)
    await cluster.change({ isr: [1] })
    await cluster.deliver(1)
    await leader.followerFetch(2, 0)
    await cluster.runtime.settle()
    expect(leader.partition.isr).toEqual([1, 2])
    cluster.alterPartition = () => new Promise(() => {})
    await leader.followerFetch(3, 0)
    expect(leader.partition.maximalIsr).toEqual([1, 2, 3])
    // The record of the ISR [1, 2] comes now.
    await cluster.deliver(1)
    expect(leader.partition.maximalIsr).toEqual([1, 2, 3])
  })

  test('takes a follower in that has reached the high watermark and the leader epoch', async () => {
    const { cluster, leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    await leader.followerFetch(3, 1)
    await cluster.change({ isr: [1, 2] })
    await cluster.change({ leader: 1 })
    await leader.produce(batch('b'), 1)
    await leader.followerFetch(2, 2)
    await leader.followerFetch(3, 0)
    expect(leader.partition.maximalIsr).toEqual([1, 2])
    await leader.followerFetch(3, 2)
    await cluster.runtime.settle()
    expect(cluster.orders.isr).toEqual([1, 2, 3])
  })

  test('takes nobody in below the beginning of the leader epoch, though above the high watermark', async () => {
    const { cluster, leader } = await leading()
    for (const value of ['a', 'b', 'c']) await leader.produce(batch(value), 1)
    await cluster.change({ isr: [1, 2] })
    await cluster.change({ leader: 1 })
    expect(leader.log.highWatermark).toBe(0)
    await leader.followerFetch(3, 2)
    expect(leader.partition.maximalIsr).toEqual([1, 2])
    await leader.followerFetch(3, 3)
    expect(leader.partition.maximalIsr).toEqual([1, 2, 3])
  })

  test.each([
    ['fenced', { fenced: true }],
    ['shutting down', { inControlledShutdown: true }],
    ['registered anew', { epoch: 500, fenced: true }],
  ])('takes nobody in who is %s', async (_, change) => {
    const { cluster, leader } = await leading()
    await cluster.change({ isr: [1, 2] })
    await cluster.changeBroker(3, change)
    await leader.followerFetch(3, 0, { replicaEpoch: 103 })
    await cluster.runtime.settle()
    expect(leader.partition.maximalIsr).toEqual([1, 2])
  })

  test('is as before when the controller finds the new member ineligible', async () => {
    const { cluster, leader } = await leading()
    await cluster.change({ isr: [1, 2] })
    cluster.alterPartition = async request => errorAnswer(request, ErrorCode.INELIGIBLE_REPLICA)
    await leader.followerFetch(3, 0)
    await cluster.runtime.settle()
    expect(leader.partition.maximalIsr).toEqual([1, 2])
  })

  test('stays pending after a refusal that newer metadata explains', async () => {
    const { cluster, leader } = await leading()
    await cluster.change({ isr: [1, 2] })
    cluster.withoutNews.add(1)
    await cluster.change({ isr: [1] })
    await leader.followerFetch(3, 0)
    await cluster.runtime.settle()
    expect(leader.partition.maximalIsr).toEqual([1, 2, 3])
    await cluster.deliver(1)
    expect(leader.partition.maximalIsr).toEqual([1])
  })

  test('R17: a change whose answer was lost is asked for again, and committed', async () => {
    const { cluster, leader } = await leading()
    cluster.withoutNews.add(1)
    await cluster.change({ isr: [1, 2] })
    await cluster.deliver(1)
    let lost = 0
    cluster.alterPartition = async request => {
      const answer = await cluster.commitIsr(request)
      if (lost++ === 0) throw new Error('the connection is gone')
      return answer
    }
    await leader.followerFetch(3, 0)
    await cluster.runtime.advance(50)
    expect(lost).toBe(2)
    expect(cluster.orders.isr).toEqual([1, 2, 3])
    expect(leader.partition.isr).toEqual([1, 2, 3])
    expect(leader.partition.partitionEpoch).toBe(cluster.orders.partitionEpoch)
    // And another change can follow.
    expect(leader.alterPartitionManager.pending).toBe(0)
  })

  test('R17: an answer that comes after newer metadata changes nothing', async () => {
    const { cluster, leader } = await leading()
    await cluster.change({ isr: [1, 2] })
    const held = Promise.withResolvers<void>()
    cluster.alterPartition = async request => {
      const answer = await cluster.commitIsr(request)
      await held.promise
      return answer
    }
    await leader.followerFetch(3, 0)
    await cluster.runtime.settle()
    await cluster.change({ isr: [1] })
    held.resolve()
    await cluster.runtime.settle()
    expect(leader.partition.isr).toEqual([1])
    cluster.alterPartition = request => cluster.commitIsr(request)
    await leader.followerFetch(2, 0)
    await cluster.runtime.settle()
    expect(leader.partition.isr).toEqual([1, 2])
  })

  test('R17: nor does a refusal that comes after newer metadata', async () => {
    const { cluster, leader } = await leading()
    await cluster.change({ isr: [1, 2] })
    const held = Promise.withResolvers<void>()
    cluster.alterPartition = async request => {
      await held.promise
      return errorAnswer(request, ErrorCode.INELIGIBLE_REPLICA)
    }
    await leader.followerFetch(3, 0)
    await cluster.runtime.settle()
    await cluster.change({ isr: [1] })
    held.resolve()
    await cluster.runtime.settle()
    expect(leader.partition.isr).toEqual([1])
  })
})

describe('deleting records', () => {
  async function deleteTo(cluster: TestCluster, offset: number, timeoutMs = 1000) {
    const answers: { errorCode: number; lowWatermark: number }[] = []
    await cluster
      .broker(1)
      .replicaManager.deleteRecords(timeoutMs, [{ topicPartition: ORDERS, offset }], results =>
        answers.push(...results),
      )
    return answers
  }

  test('is answered when all live replicas have deleted', async () => {
    const { cluster, leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.produce(batch('b'), 1)
    await leader.followerFetch(2, 2)
    await leader.followerFetch(3, 2)
    const answers = await deleteTo(cluster, 1)
    expect(leader.log.logStartOffset).toBe(1)
    await leader.followerFetch(2, 2, { logStartOffset: 1 })
    expect(answers).toEqual([])
    await leader.followerFetch(3, 2, { logStartOffset: 1 })
    expect(answers).toMatchObject([{ errorCode: ErrorCode.NONE, lowWatermark: 1 }])
  })

  test('does not wait for a fenced replica, and no longer than it may', async () => {
    const { cluster, leader } = await leading()
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    await leader.followerFetch(3, 1)
    const timedOut = await deleteTo(cluster, 1)
    await cluster.runtime.advance(1001)
    expect(timedOut).toMatchObject([{ errorCode: ErrorCode.REQUEST_TIMED_OUT }])
    await cluster.changeBroker(3, { fenced: true })
    await cluster.changeBroker(2, { fenced: true })
    expect(await deleteTo(cluster, 1)).toMatchObject([{ errorCode: ErrorCode.NONE, lowWatermark: 1 }])
  })
})

describe('reading from followers', () => {
  const racks = { 1: 'a', 2: 'b', 3: 'b' }
  const selector = { replicaSelectorClass: 'org.apache.kafka.common.replica.RackAwareReplicaSelector' }
  const consumer = (rackId: string) => ({
    requireLeader: false,
    clientMetadata: { rackId, listenerName: 'PLAINTEXT' },
  })

  async function withRecords() {
    const { cluster, leader } = await leading({ racks, replication: selector })
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    await leader.followerFetch(3, 1)
    return { cluster, leader }
  }

  test('a consumer is sent to the follower in its rack', async () => {
    const { leader } = await withRecords()
    expect(await leader.fetch({ fetchOffset: 0 }, consumer('b'))).toMatchObject([
      { errorCode: 0, preferredReadReplica: 2, highWatermark: 1 },
    ])
    for (const rack of ['a', 'c', '']) {
      const [data] = await leader.fetch({ fetchOffset: 0 }, consumer(rack))
      expect(data?.preferredReadReplica).toBeUndefined()
      expect(data?.records.length).toBeGreaterThan(0)
    }
  })

  test('R20: never to one that is not in sync', async () => {
    const { cluster, leader } = await withRecords()
    await cluster.change({ isr: [1, 3] })
    expect(await leader.fetch({ fetchOffset: 0 }, consumer('b'))).toMatchObject([{ preferredReadReplica: 3 }])
  })

  test('R20: never to one that is fenced, nor to one without the offset', async () => {
    const { cluster, leader } = await withRecords()
    await cluster.changeBroker(2, { fenced: true })
    expect(await leader.fetch({ fetchOffset: 0 }, consumer('b'))).toMatchObject([{ preferredReadReplica: 3 }])
    await leader.followerFetch(3, 0)
    const [data] = await leader.fetch({ fetchOffset: 1 }, consumer('b'))
    expect(data?.preferredReadReplica).toBeUndefined()
  })

  test('nobody is sent anywhere without a selector', async () => {
    const { cluster, leader } = await leading({ racks })
    await leader.produce(batch('a'), 1)
    await leader.followerFetch(2, 1)
    await leader.followerFetch(3, 1)
    await cluster.runtime.settle()
    const [data] = await leader.fetch({ fetchOffset: 0 }, consumer('b'))
    expect(data?.preferredReadReplica).toBeUndefined()
  })
})

function errorAnswer(request: Parameters<TestCluster['alterPartition']>[0], errorCode: number) {
  const partition = { leaderId: -1, leaderEpoch: -1, isr: [], leaderRecoveryState: 0, partitionEpoch: -1 }
  const topics = request.topics.map(({ topicId, partitions }) => ({
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, ...partition })),
  }))
  return { throttleTimeMs: 0, errorCode: 0, topics }
}
