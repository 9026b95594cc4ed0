import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchedPartition } from '../../src/replication/leader-end-point.ts'
import { batch } from '../log/log-fixture.ts'
import { TestCluster } from './cluster-fixture.ts'

const A = batch('a')

async function expectSameLogs(cluster: TestCluster, ...ids: readonly number[]): Promise<void> {
  const [first, ...others] = ids
  const expected = await cluster.broker(first ?? 0).records()
  for (const id of others) expect(await cluster.broker(id).records()).toEqual(expected)
}

/** Faults that Apache Kafka had, by the names under which they are known here and there. */
describe('R1, KIP-101', () => {
  test('a follower that comes back does not cut its log to its own high watermark', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    expect(await cluster.broker(1).produce(Buffer.from(A))).toEqual([])
    await cluster.runtime.settle()
    // Both have the record, and the follower does not know that it is committed.
    expect(cluster.broker(2).log.highWatermark).toBe(0)
    const disk = await cluster.kill(2)
    cluster.cut.add('2>1')
    await cluster.start(2, disk)
    await cluster.kill(1)
    await cluster.change({ leader: 2, isr: [2] })
    await cluster.runtime.advance(2000)
    expect(await cluster.broker(2).values()).toEqual(['a'])
    expect(cluster.broker(2).log.highWatermark).toBe(1)
    expect(cluster.broker(2).events.filter(event => event.startsWith('cut'))).toEqual([])
  })
})

describe('R2, KIP-279', () => {
  test('a follower that does not know the epoch that the leader names cuts what it has after all earlier ones', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(Buffer.from(A))
    await cluster.runtime.advance(600)
    // 1 goes on alone in epoch 0, and is gone; 2 is elected in epoch 1, goes on alone, and is gone; and so on.
    cluster.cut.add('2>1').add('1>2')
    await cluster.runtime.advance(600)
    await cluster.broker(1).produce(batch({ values: ['x', 'y'] }), 1)
    cluster.withoutNews.add(1)
    await cluster.change({ leader: 2, isr: [2] })
    await cluster.broker(2).produce(batch('p'), 1)
    cluster.withoutNews.delete(1)
    cluster.withoutNews.add(2)
    await cluster.change({ leader: 1, isr: [1] })
    await cluster.broker(1).produce(batch('z'), 1)
    cluster.withoutNews.delete(2)
    cluster.cut.clear()
    // 2 leads, with epochs 0 1 3; 1 has 0 and 2, so that the leader names an epoch that it does not know.
    await cluster.change({ leader: 2, isr: [2] })
    await cluster.broker(2).produce(batch('q'), 1)
    await cluster.runtime.advance(2500)
    expect(await cluster.broker(2).values()).toEqual(['a', 'p', 'q'])
    await expectSameLogs(cluster, 2, 1)
    expect(cluster.broker(1).log.leaderEpochCache.entries).toEqual(cluster.broker(2).log.leaderEpochCache.entries)
  })
})

describe('R3, KIP-320', () => {
  test('a follower of an older epoch does not commit what it cannot have', async () => {
    const cluster = await TestCluster.withOrders([1, 2, 3])
    cluster.withoutNews.add(2).add(3)
    await cluster.change({ leader: 1 })
    await cluster.broker(1).produce(Buffer.from(A), 1)
    await cluster.runtime.advance(3000)
    expect(cluster.broker(1).log.highWatermark).toBe(0)
    expect(cluster.broker(2).log.logEndOffset).toBe(0)
  })
})

describe('R5, KAFKA-7164', () => {
  test('a follower that has missed epochs compares its log though its leader is the one that it knew', async () => {
    const cluster = await TestCluster.withOrders([1, 2, 3])
    cluster.cut.add('2>1')
    await cluster.runtime.advance(600)
    await cluster.broker(1).produce(batch('lost'), 1)
    await cluster.runtime.settle()
    expect(await cluster.broker(3).values()).toEqual(['lost'])
    // 3 hears nothing while 2 leads and 1 follows it.
    cluster.withoutNews.add(3)
    await cluster.change({ leader: 2, isr: [2] })
    await cluster.broker(2).produce(batch('b'), 1)
    await cluster.runtime.advance(1500)
    expect(await cluster.broker(1).values()).toEqual(['b'])
    cluster.cut.clear()
    cluster.withoutNews.delete(3)
    await cluster.change({ leader: 1, isr: [1, 2] })
    await cluster.broker(1).produce(batch('c'), 1)
    await cluster.runtime.advance(2500)
    expect(await cluster.broker(3).values()).toEqual(['b', 'c'])
    await expectSameLogs(cluster, 1, 2, 3)
  })
})

describe('R6, KAFKA-18991', () => {
  test('an answer to a fetch in another epoch cuts nothing', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(Buffer.from(A))
    await cluster.runtime.advance(600)
    const held = Promise.withResolvers<void>()
    let holding = false
    cluster.onFetched = async (_, fetched) => {
      if (holding) return fetched
      holding = true
      await held.promise
      // As an uncleanly elected leader would have answered in that epoch.
      return fetched.map(({ target, data }) => ({
        target,
        data: { ...data, divergingEpoch: { epoch: 0, endOffset: 0 } },
      }))
    }
    await cluster.runtime.advance(600)
    expect(holding).toBe(true)
    await cluster.change({ leader: 1 })
    held.resolve()
    await cluster.runtime.advance(600)
    expect(await cluster.broker(2).values()).toEqual(['a'])
    expect(cluster.broker(2).events.filter(event => event.startsWith('cut'))).toEqual([])
  })

  test('nor does an answer append that was asked for from another offset', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    let repeated: readonly FetchedPartition[] = []
    cluster.onFetched = async (_, fetched) => {
      if (fetched.some(({ data }) => (data.records?.length ?? 0) > 0)) repeated = fetched
      return [...fetched, ...repeated]
    }
    await cluster.broker(1).produce(Buffer.from(A), 1)
    await cluster.runtime.advance(600)
    expect(await cluster.broker(2).values()).toEqual(['a'])
    expect([...cluster.broker(2).replicaManager.fetcherManager.failedPartitions]).toEqual([])
  })
})

describe('R11, KAFKA-10706', () => {
  test('elections without a record leave nothing behind that would keep a follower from following', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(Buffer.from(A))
    await cluster.runtime.advance(600)
    // 1 leads in epoch 1, alone, and writes nothing; then 2 leads, in epoch 2.
    cluster.withoutNews.add(2)
    await cluster.change({ leader: 1 })
    expect(cluster.broker(1).log.latestEpoch).toBe(1)
    cluster.withoutNews.delete(2)
    await cluster.change({ leader: 2 })
    await cluster.runtime.advance(1500)
    await cluster.broker(2).produce(batch('b'))
    await cluster.runtime.advance(600)
    expect(await cluster.broker(1).values()).toEqual(['a', 'b'])
    expect(cluster.broker(1).log.leaderEpochCache.entries).toEqual(cluster.broker(2).log.leaderEpochCache.entries)
    expect(cluster.orders.isr).toEqual([1, 2])
  })
})

describe('R21, KAFKA-2143 and KAFKA-9491', () => {
  test('a planned move of the leadership cuts nothing', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    for (const value of ['a', 'b', 'c']) await cluster.broker(1).produce(batch(value))
    await cluster.runtime.advance(600)
    await cluster.change({ leader: 2 })
    await cluster.runtime.advance(1500)
    await cluster.change({ leader: 1 })
    await cluster.runtime.advance(1500)
    for (const id of [1, 2]) {
      expect(await cluster.broker(id).values()).toEqual(['a', 'b', 'c'])
      expect(cluster.broker(id).events.filter(event => event.startsWith('cut'))).toEqual([])
      expect(cluster.broker(id).log.highWatermark).toBe(3)
    }
  })

  test('a follower that starts anew far ahead has its high watermark there, and can lead', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(Buffer.from(A))
    await cluster.runtime.advance(600)
    const disk = await cluster.kill(2)
    await cluster.changeBroker(2, { fenced: true })
    await cluster.change({ isr: [1] })
    for (const value of ['b', 'c']) await cluster.broker(1).produce(batch(value))
    const topicPartition = { topic: 'orders', partition: 0 }
    await cluster.broker(1).replicaManager.deleteRecords(0, [{ topicPartition, offset: 3 }], () => {})
    await cluster.changeBroker(2, { fenced: false })
    await cluster.start(2, disk)
    await cluster.runtime.advance(2500)
    expect(cluster.broker(2).log).toMatchObject({ logStartOffset: 3, highWatermark: 3, logEndOffset: 3 })
    expect(cluster.orders.isr).toEqual([1, 2])
    await cluster.change({ leader: 2, isr: [2] })
    const answers = await cluster.broker(2).produce(batch('d'))
    await cluster.runtime.advance(1500)
    expect(answers).toMatchObject([{ errorCode: ErrorCode.NONE, baseOffset: 3 }])
  })
})
