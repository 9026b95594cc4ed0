import { describe, expect, test } from 'vitest'
import { MetadataSnapshot } from '../../../src/clients/metadata-snapshot.ts'
import { BuiltInPartitioner, partitionForKey } from '../../../src/clients/producer/built-in-partitioner.ts'
import { murmur2 } from '../../../src/clients/producer/murmur2.ts'
import { RoundRobinPartitioner } from '../../../src/clients/producer/round-robin-partitioner.ts'
import { AleaRandom } from '../../../src/runtime/random-alea.ts'
import { onStage } from './producer-support.ts'

/** Topic `t`; partitions named in `leaderless` have no leader. */
function cluster(partitions: number, leaderless: readonly number[] = []): MetadataSnapshot {
  return new MetadataSnapshot({
    clusterId: 'c',
    nodes: [{ id: 1, host: 'h', port: 1 }],
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      topic: 't',
      partition,
      errorCode: 0,
      leaderId: leaderless.includes(partition) ? undefined : 1,
      leaderEpoch: 0,
      replicaIds: [1],
      inSyncReplicaIds: [1],
      offlineReplicaIds: [],
    })),
  })
}

function partitioner(stickyBatchSize: number): BuiltInPartitioner {
  return new BuiltInPartitioner('t', stickyBatchSize, new AleaRandom('partitioner').stream('p'))
}

describe('keys', () => {
  // The values of Kafka's UtilsTest.
  test.each([
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ])('murmur2 of %s is that of Kafka', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash)
  })

  test('a hash with its sign bit set gives a partition all the same', () => {
    expect(partitionForKey(Buffer.from('21'), 10)).toBe((-973_932_308 & 0x7fffffff) % 10)
  })

  test('records with a key go where the key says, those without stick together', async () => {
    await onStage(
      { 'linger.ms': 0 },
      async ({ runtime, producer }) => {
        const keyed = await runtime.run(() => producer.send({ topic: 't', key: 'abc', value: 'a' }))
        expect(keyed.partition).toBe(479_470_107 % 6)
        const others = await runtime.run(() =>
          Promise.all(Array.from({ length: 20 }, () => producer.send({ topic: 't', value: 'a' }))),
        )
        expect(new Set(others.map(({ partition }) => partition)).size).toBe(1)
      },
      6,
    )
  })

  test('keys mean nothing when they are to be ignored', async () => {
    await onStage(
      { 'partitioner.ignore.keys': true },
      async ({ runtime, producer }) => {
        const keys = ['a', 'b', 'c', 'd', 'e', 'f']
        const sent = await runtime.run(() =>
          Promise.all(keys.map(key => producer.send({ topic: 't', key, value: 'a' }))),
        )
        expect(new Set(sent.map(({ partition }) => partition)).size).toBe(1)
      },
      6,
    )
  })

  test('a partitioner of the application decides', async () => {
    await onStage(
      {},
      async ({ runtime, producer }) => {
        expect((await runtime.run(() => producer.send({ topic: 't', key: 'k', value: 'a' }))).partition).toBe(2)
      },
      3,
      { partitioner: { partition: (_topic, key) => (key === 'k' ? 2 : 0) } },
    )
  })

  test('round robin takes one partition after the other, and leaves out those without a leader', () => {
    const roundRobin = new RoundRobinPartitioner()
    const next = (snapshot: MetadataSnapshot) => roundRobin.partition('t', null, null, null, null, snapshot)
    expect([0, 1, 2, 3].map(() => next(cluster(3)))).toEqual([0, 1, 2, 0])
    expect([0, 1, 2, 3].map(() => next(cluster(3, [1])))).toEqual([0, 2, 0, 2])
  })
})

describe('the built-in partitioner', () => {
  test('keeps to a partition until a batch is full, then switches', () => {
    const sticky = partitioner(100)
    const snapshot = cluster(1000)
    const first = sticky.peekCurrentPartitionInfo(snapshot)
    sticky.updatePartitionInfo(first, 99, snapshot, true)
    expect(sticky.isPartitionChanged(first)).toBe(false)
    sticky.updatePartitionInfo(first, 1, snapshot, true)
    expect(sticky.isPartitionChanged(first)).toBe(true)
  })

  test('puts a switch off while a batch has room, but not beyond twice the size', () => {
    const sticky = partitioner(100)
    const snapshot = cluster(1000)
    const first = sticky.peekCurrentPartitionInfo(snapshot)
    sticky.updatePartitionInfo(first, 199, snapshot, false)
    expect(sticky.isPartitionChanged(first)).toBe(false)
    sticky.updatePartitionInfo(first, 1, snapshot, false)
    expect(sticky.isPartitionChanged(first)).toBe(true)
  })

  test('chooses only among partitions that have a leader, while any has', () => {
    const sticky = partitioner(1)
    const snapshot = cluster(4, [0, 1, 3])
    for (let draw = 0; draw < 20; draw++) {
      const info = sticky.peekCurrentPartitionInfo(snapshot)
      expect(info.partition).toBe(2)
      sticky.updatePartitionInfo(info, 1, snapshot, true)
    }
  })

  test('gives partitions with short queues more', () => {
    const sticky = partitioner(1)
    const snapshot = cluster(3)
    // Weights 1, 5 and 4: the longest queue plus one, less the queue.
    sticky.updatePartitionLoadStats([4, 0, 1], [0, 1, 2], 3)
    const counts = [0, 0, 0]
    for (let draw = 0; draw < 2000; draw++) {
      const info = sticky.peekCurrentPartitionInfo(snapshot)
      counts[info.partition] = (counts[info.partition] ?? 0) + 1
      sticky.updatePartitionInfo(info, 1, snapshot, true)
    }
    const [long = 0, empty = 0, short = 0] = counts
    expect(long).toBeGreaterThan(100)
    expect(long).toBeLessThan(320)
    expect(empty).toBeGreaterThan(short)
    expect(short).toBeGreaterThan(2 * long)
  })
})
