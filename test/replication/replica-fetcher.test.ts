import { describe, expect, test, vi } from 'vitest'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchedPartition } from '../../src/replication/leader-end-point.ts'
import { batch } from '../log/log-fixture.ts'
import { TestCluster } from './cluster-fixture.ts'

describe('followers', () => {
  test('copy what the leader has, and what comes', async () => {
    const cluster = await TestCluster.withOrders([1, 2, 3])
    const leader = cluster.broker(1)
    const answers = await leader.produce(batch('a'))
    await cluster.runtime.settle()
    expect(answers).toMatchObject([{ errorCode: ErrorCode.NONE, baseOffset: 0 }])
    for (const id of [2, 3]) expect(await cluster.broker(id).records()).toEqual([[0, 'a']])
    await leader.produce(batch({ values: ['b', 'c'] }), 1)
    await cluster.runtime.settle()
    for (const id of [2, 3]) expect(await cluster.broker(id).values()).toEqual(['a', 'b', 'c'])
    expect(cluster.broker(2).events).toContain('copied 1-2 in 0')
  })

  test('learn the high watermark by the fetch after the one that got the records', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(batch('a'))
    await cluster.runtime.settle()
    expect(cluster.broker(1).log.highWatermark).toBe(1)
    expect(cluster.broker(2).log.highWatermark).toBe(0)
    // The long poll ends.
    await cluster.runtime.advance(500)
    expect(cluster.broker(2).log.highWatermark).toBe(1)
    expect(cluster.broker(2).events).toContain('follower hw 1')
  })

  test('answer consumers up to their own high watermark', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    const follower = cluster.broker(2)
    await cluster.broker(1).produce(batch('a'))
    await cluster.runtime.settle()
    const waiting = await follower.fetch({ fetchOffset: 0 }, { requireLeader: false, maxWaitMs: 5000 })
    expect(waiting).toEqual([])
    await cluster.runtime.advance(500)
    expect(waiting).toMatchObject([{ errorCode: 0, highWatermark: 1 }])
    expect(await follower.fetch({ fetchOffset: 0 })).toMatchObject([{ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }])
  })

  test('copy the state of idempotent producers, so that a repeated batch is known after a failover', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    const first = batch({ values: ['a'], producerId: 7, producerEpoch: 0, baseSequence: 0 })
    await cluster.broker(1).produce(Buffer.from(first))
    await cluster.runtime.settle()
    await cluster.kill(1)
    await cluster.change({ leader: 2, isr: [2] })
    const again = await cluster.broker(2).produce(Buffer.from(first))
    expect(again).toMatchObject([{ errorCode: ErrorCode.NONE, baseOffset: 0 }])
    expect(await cluster.broker(2).values()).toEqual(['a'])
    const gap = batch({ values: ['c'], producerId: 7, producerEpoch: 0, baseSequence: 2 })
    expect(await cluster.broker(2).produce(gap)).toMatchObject([{ errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER }])
  })

  test('follow the log start of the leader', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    const leader = cluster.broker(1)
    for (const value of ['a', 'b']) await leader.produce(batch(value))
    await cluster.runtime.advance(600)
    await leader.replicaManager.deleteRecords(
      1000,
      [{ topicPartition: { topic: 'orders', partition: 0 }, offset: 1 }],
      () => {},
    )
    await cluster.runtime.advance(600)
    expect(cluster.broker(2).log.logStartOffset).toBe(1)
  })

  test('wait before they ask again when the leader cannot be reached', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    cluster.cut.add('2>1')
    await cluster.broker(1).produce(batch('a'), 1)
    await cluster.runtime.advance(500)
    cluster.cut.delete('2>1')
    await cluster.runtime.advance(999)
    expect(cluster.broker(2).log.logEndOffset).toBe(1)
    cluster.cut.add('2>1')
    await cluster.broker(1).produce(batch('b'), 1)
    await cluster.broker(1).produce(batch('c'), 1)
    await cluster.runtime.advance(600)
    cluster.cut.delete('2>1')
    const { firedTimers } = cluster.runtime
    await cluster.runtime.advance(100)
    expect(cluster.runtime.firedTimers - firedTimers).toBeLessThan(3)
    await cluster.runtime.advance(1000)
    expect(cluster.broker(2).log.logEndOffset).toBe(3)
  })

  test('cost one timer for each long poll while nothing happens', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.runtime.advance(10_000)
    const { firedTimers } = cluster.runtime
    await cluster.runtime.advance(10_000)
    // 20 long polls; checkpoints of two brokers every 5 s, their ISR checks every 15 s.
    expect(cluster.runtime.firedTimers - firedTimers).toBeLessThanOrEqual(20 + 4 + 2 + 2)
  })

  test('stop with their leader and sleep until there is another one', async () => {
    const cluster = await TestCluster.withOrders([1, 2, 3])
    const follower = cluster.broker(2)
    await cluster.change({ leader: -1 })
    expect(follower.replicaManager.fetcherManager.fetcherThreads).toEqual([])
    await cluster.change({ leader: 3 })
    expect(follower.replicaManager.fetcherManager.fetcherThreads.map(({ leader }) => leader.broker.id)).toEqual([3])
    await cluster.broker(3).produce(batch('a'), 1)
    // It may have asked before the new leader had heard that it leads.
    await cluster.runtime.advance(1500)
    expect(await follower.values()).toEqual(['a'])
  })

  test('join the ISR again after they were away', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(batch('a'))
    await cluster.runtime.advance(600)
    const disk = await cluster.kill(2)
    await cluster.change({ isr: [1] })
    for (const value of ['b', 'c']) await cluster.broker(1).produce(batch(value))
    await cluster.start(2, disk)
    await cluster.runtime.advance(1500)
    expect(await cluster.broker(2).values()).toEqual(['a', 'b', 'c'])
    expect(cluster.orders.isr).toEqual([1, 2])
  })

  test('tell the leader epoch of the last record that they hold, which may be older than the leadership', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    cluster.cut.add('2>1')
    await cluster.runtime.advance(600)
    await cluster.broker(1).produce(batch('a'), 1)
    await cluster.change({ leader: 1 })
    cluster.cut.clear()
    await cluster.runtime.advance(1500)
    expect(await cluster.broker(2).values()).toEqual(['a'])
    const [thread] = cluster.broker(2).replicaManager.fetcherManager.fetcherThreads
    expect(thread?.fetchState('orders-0')?.target).toMatchObject({ currentLeaderEpoch: 1, lastFetchedEpoch: 0 })
  })

  test('are not assigned any more: their log goes, and the leader forgets them', async () => {
    const cluster = await TestCluster.withOrders([1, 2, 3])
    await cluster.change({ isr: [1, 2], replicas: [1, 2] })
    expect(cluster.broker(3).replicaManager.partitions).toEqual([])
    expect([...cluster.broker(1).partition.remoteReplicas.keys()]).toEqual([2])
  })
})

describe('answers that make no sense', () => {
  /** Spoils the first answer with records. */
  function spoil(cluster: TestCluster, change: (data: FetchedPartition['data']) => FetchedPartition['data']): void {
    let spoilt = false
    cluster.onFetched = async (_, fetched) =>
      fetched.map(({ target, data }) => {
        if (spoilt || (data.records?.length ?? 0) === 0) return { target, data }
        spoilt = true
        return { target, data: change(data) }
      })
  }

  test('R23: a batch with a wrong checksum is not appended, and asked for again', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    spoil(cluster, data => {
      data.records?.writeUInt8(0xff, 65)
      return data
    })
    await cluster.broker(1).produce(batch('a'), 1)
    await cluster.runtime.settle()
    expect(cluster.broker(2).log.logEndOffset).toBe(0)
    await cluster.runtime.advance(1500)
    expect(await cluster.broker(2).values()).toEqual(['a'])
  })

  test('R23: batches of a later leader epoch than was asked in are left out', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    // The leader has lost its leadership and copied from the next one while the answer was on its way.
    spoil(cluster, data => {
      data.records?.writeInt32BE(1, 12)
      return data
    })
    await cluster.broker(1).produce(batch('a'), 1)
    await cluster.runtime.settle()
    expect(await cluster.broker(2).values()).toEqual(['a'])
    expect(cluster.broker(2).log.latestEpoch).toBe(0)
  })

  /** Answers the first fetch with logs that part where the leader says. */
  function diverge(cluster: TestCluster, endOffset: number): void {
    let told = false
    cluster.onFetched = async (_, fetched) =>
      fetched.map(({ target, data }) => {
        if (told) return { target, data }
        told = true
        return { target, data: { ...data, divergingEpoch: { epoch: 0, endOffset } } }
      })
  }

  test('logs that part at an end that the leader does not know are kept up to what was fetched', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(batch('a'))
    await cluster.runtime.advance(600)
    diverge(cluster, -1)
    await cluster.broker(1).produce(batch('b'), 1)
    await cluster.runtime.advance(600)
    expect(await cluster.broker(2).values()).toEqual(['a', 'b'])
    expect(cluster.broker(2).events.filter(event => event.startsWith('cut'))).toEqual([])
  })

  test('logs that part where no log can end fail their partition only, until there is news of its leader', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(batch('a'))
    await cluster.runtime.advance(600)
    diverge(cluster, -2)
    await cluster.broker(1).produce(batch('b'), 1)
    await cluster.runtime.advance(600)
    const { fetcherManager } = cluster.broker(2).replicaManager
    expect([...fetcherManager.failedPartitions]).toEqual(['orders-0'])
    expect(await cluster.broker(2).values()).toEqual(['a'])
    await cluster.change({ leader: 1 })
    await cluster.runtime.advance(1500)
    expect([...fetcherManager.failedPartitions]).toEqual([])
    expect(await cluster.broker(2).values()).toEqual(['a', 'b'])
  })

  test('what nobody has thought of fails its partition only: the thread goes on when there is news of its leader', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    const { partition, replicaManager, events } = cluster.broker(2)
    vi.spyOn(partition, 'appendRecordsToFollower').mockRejectedValueOnce(new TypeError('a fault'))
    await cluster.broker(1).produce(batch('a'), 1)
    await cluster.runtime.advance(1500)
    expect([...replicaManager.fetcherManager.failedPartitions]).toEqual(['orders-0'])
    expect(events).toContain('fetching failed: TypeError: a fault')
    await cluster.change({ leader: 1 })
    await cluster.runtime.advance(1500)
    expect([...replicaManager.fetcherManager.failedPartitions]).toEqual([])
    expect(await cluster.broker(2).values()).toEqual(['a'])
  })

  test('an error of one partition is waited out', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    let errors = 0
    cluster.onFetched = async (_, fetched) =>
      fetched.map(({ target, data }) =>
        errors++ === 0 ? { target, data: { ...data, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER } } : { target, data },
      )
    await cluster.broker(1).produce(batch('a'), 1)
    await cluster.runtime.advance(1500)
    expect(errors).toBeGreaterThan(1)
    expect(await cluster.broker(2).values()).toEqual(['a'])
  })

  test('a fenced follower fetches no more until it hears of the next leader', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    cluster.withoutNews.add(2)
    await cluster.change({ leader: 1 })
    await cluster.runtime.advance(1000)
    const { fetcherManager } = cluster.broker(2).replicaManager
    expect([...fetcherManager.failedPartitions]).toEqual(['orders-0'])
    await cluster.broker(1).produce(batch('a'), 1)
    await cluster.deliver(2)
    await cluster.runtime.settle()
    expect([...fetcherManager.failedPartitions]).toEqual([])
    expect(await cluster.broker(2).values()).toEqual(['a'])
  })
})

describe('logs that part', () => {
  test('are cut where the leader says, record by record the same afterwards', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(batch('a'))
    await cluster.runtime.advance(600)
    cluster.cut.add('2>1')
    await cluster.runtime.advance(500)
    await cluster.broker(1).produce(batch({ values: ['lost 1', 'lost 2'] }), 1)
    await cluster.change({ leader: 2, isr: [2] })
    await cluster.broker(2).produce(batch('b'))
    await cluster.runtime.advance(1500)
    expect(await cluster.broker(1).records()).toEqual([
      [0, 'a'],
      [1, 'b'],
    ])
    expect(cluster.broker(1).events).toContain('cut to 1 at high watermark 1')
    expect(cluster.broker(1).log.leaderEpochCache.entries).toEqual(cluster.broker(2).log.leaderEpochCache.entries)
  })

  test('a follower whose log ends before the leader’s begins starts anew there', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(batch('a'))
    await cluster.runtime.advance(600)
    cluster.cut.add('2>1')
    await cluster.runtime.advance(600)
    await cluster.changeBroker(2, { fenced: true })
    await cluster.change({ isr: [1] })
    const leader = cluster.broker(1)
    for (const value of ['b', 'c', 'd']) await leader.produce(batch(value))
    await leader.replicaManager.deleteRecords(
      0,
      [{ topicPartition: { topic: 'orders', partition: 0 }, offset: 3 }],
      () => {},
    )
    cluster.cut.delete('2>1')
    await cluster.changeBroker(2, { fenced: false })
    await cluster.runtime.advance(2500)
    expect(await cluster.broker(2).records()).toEqual([[3, 'd']])
    expect(cluster.broker(2).log.logStartOffset).toBe(3)
    expect(cluster.broker(2).log.highWatermark).toBe(4)
    expect(cluster.orders.isr).toEqual([1, 2])
  })

  test('a follower begins with a whole batch when the leader’s log begins in its middle', async () => {
    const cluster = await TestCluster.of([1, 2])
    cluster.cut.add('2>1')
    await cluster.createOrders([1, 2], [1])
    const leader = cluster.broker(1)
    await leader.produce(batch({ values: ['a', 'b', 'c'] }))
    await leader.replicaManager.deleteRecords(
      0,
      [{ topicPartition: { topic: 'orders', partition: 0 }, offset: 1 }],
      () => {},
    )
    cluster.cut.delete('2>1')
    await cluster.runtime.advance(2500)
    expect(await cluster.broker(2).records()).toEqual([
      [1, 'b'],
      [2, 'c'],
    ])
    expect(cluster.broker(2).log.logStartOffset).toBe(1)
  })

  test('a follower that is beyond an uncleanly elected leader’s end is cut to it', async () => {
    const cluster = await TestCluster.withOrders([1, 2])
    await cluster.broker(1).produce(batch('a'))
    await cluster.runtime.advance(600)
    cluster.cut.add('2>1')
    await cluster.change({ isr: [1] })
    for (const value of ['b', 'c']) await cluster.broker(1).produce(batch(value))
    const disk = await cluster.kill(1)
    await cluster.change({ leader: 2, isr: [2] })
    await cluster.start(1, disk)
    await cluster.runtime.advance(600)
    expect(await cluster.broker(1).values()).toEqual(['a'])
    await cluster.broker(2).produce(batch('x'))
    await cluster.runtime.settle()
    expect(await cluster.broker(1).values()).toEqual(['a', 'x'])
  })
})

describe('the spread over fetcher threads', () => {
  test('is Kafka’s', async () => {
    const cluster = await TestCluster.of([1], { replication: { numReplicaFetchers: 4 } })
    const { fetcherManager } = cluster.broker(1).replicaManager
    const ids = [0, 1, 2, 3].map(partition => fetcherManager.fetcherIdOf({ topic: 'orders', partition }))
    // 31 * "orders".hashCode() + partition, by Java: hashCode is -1008770331.
    const expected = [0, 1, 2, 3].map(partition => {
      const sum = Number(BigInt.asIntN(32, 31n * -1_008_770_331n + BigInt(partition)))
      return Math.abs(sum) % 4
    })
    expect(ids).toEqual(expected)
  })
})
