import { describe, expect, test } from 'vitest'
import { type ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import type { FetchPartitionData } from '../../src/replication/fetch-params.ts'
import { batch, config, fileBytes, TOPIC_ID, withFile } from '../log/log-fixture.ts'
import {
  CONSUMER,
  changeOrders,
  createOrders,
  createReplicaWorld,
  deleteRecords,
  fetch,
  ORDERS,
  produce,
  type ReplicaWorld,
  valuesOf,
} from './replication-fixture.ts'

const OTHER_ID = 'dGhlLXRvcGljLWlkLTAwMg'

async function leading(settings = config()): Promise<ReplicaWorld> {
  const world = await createReplicaWorld(settings)
  await world.change(delta => createOrders(delta))
  return world
}

/** The broker after it was killed, its metadata read again. */
async function restarted(world: ReplicaWorld, settings = config()): Promise<ReplicaWorld> {
  const { runtime } = world
  return createReplicaWorld(settings, runtime.sibling({ name: runtime.name, disk: runtime.disk }))
}

describe('producing', () => {
  test.each([0, 1, -1])(
    'acks=%i is answered with the offset as soon as the only replica has the records',
    async acks => {
      const world = await leading()
      const first = await produce(world, batch('a'), acks)
      const second = await produce(world, batch('b'), acks)
      expect(first.answers).toMatchObject([{ errorCode: ErrorCode.NONE, baseOffset: 0, logStartOffset: 0 }])
      expect(second.answers).toMatchObject([{ errorCode: ErrorCode.NONE, baseOffset: 1 }])
      expect(world.replicaManager.getPartition(ORDERS)?.log?.highWatermark).toBe(2)
    },
  )

  test('a repeated batch is answered with its first offset and its timestamp', async () => {
    const world = await leading()
    const input = { values: ['a'], producerId: 5, producerEpoch: 0, baseSequence: 0, timestamp: 1_700_000_000_007 }
    const first = await produce(world, batch(input))
    await produce(world, batch('other'))
    const again = await produce(world, batch(input))
    expect(first.answers).toMatchObject([{ logAppendTimeMs: -1 }])
    expect(again.answers).toMatchObject([
      { errorCode: ErrorCode.NONE, baseOffset: 0, logAppendTimeMs: 1_700_000_000_007 },
    ])
    expect(world.replicaManager.getPartition(ORDERS)?.log?.logEndOffset).toBe(2)
  })

  test('other acks are refused', async () => {
    const world = await leading()
    expect((await produce(world, batch('a'), 2)).answers).toMatchObject([
      { errorCode: ErrorCode.INVALID_REQUIRED_ACKS, baseOffset: -1 },
    ])
    expect(world.replicaManager.getPartition(ORDERS)?.log?.logEndOffset).toBe(0)
  })

  test('says why it cannot append', async () => {
    const world = await leading(config({ 'max.message.bytes': 200 }))
    const code = async (records: Buffer, id = ORDERS) => (await produce(world, records, 1, 0, id)).answers[0]?.errorCode
    const corrupt = batch('a')
    corrupt[65] = 99
    const sequence = (baseSequence: number) => batch({ values: ['x'], producerId: 1, producerEpoch: 0, baseSequence })
    expect(await code(batch('x'.repeat(500)))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(await code(corrupt)).toBe(ErrorCode.CORRUPT_MESSAGE)
    expect(await code(sequence(0))).toBe(ErrorCode.NONE)
    expect(await code(sequence(2))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(await code(batch('a'), { ...ORDERS, partition: 7 })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await code(batch('a'), { ...ORDERS, topicId: OTHER_ID })).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
    expect(await code(batch('a'), { ...ORDERS, topic: '__consumer_offsets' })).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
  })

  test('a refused producer is told where the log begins, as far as Kafka tells it', async () => {
    const world = await leading(config({ 'max.message.bytes': 200 }))
    await produce(world, batch({ values: ['a', 'b', 'c'], producerId: 1, producerEpoch: 3, baseSequence: 0 }))
    await deleteRecords(world, 2)
    const answer = async (records: Buffer) => (await produce(world, records)).answers[0]

    const outOfOrder = await answer(batch({ values: ['x'], producerId: 1, producerEpoch: 3, baseSequence: 7 }))
    const staleEpoch = await answer(batch({ values: ['x'], producerId: 1, producerEpoch: 2, baseSequence: 3 }))
    const tooLarge = await answer(batch('x'.repeat(500)))

    expect(outOfOrder).toMatchObject({ errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, logStartOffset: 2 })
    expect(staleEpoch).toMatchObject({ errorCode: ErrorCode.INVALID_PRODUCER_EPOCH, logStartOffset: 2 })
    expect(tooLarge).toMatchObject({ errorCode: ErrorCode.MESSAGE_TOO_LARGE, logStartOffset: -1 })
  })

  test('names the records that break a rule', async () => {
    const world = await leading(config({ 'cleanup.policy': 'compact' }))
    const { answers } = await produce(world, batch({ values: ['a', 'b'] }))
    expect(answers).toMatchObject([
      { errorCode: ErrorCode.INVALID_RECORD, recordErrors: [{ batchIndex: 0 }, { batchIndex: 1 }] },
    ])
    expect(answers[0]?.errorMessage).not.toBeNull()
  })

  test('a broker that does not lead says so', async () => {
    const world = await createReplicaWorld()
    await world.change(delta => createOrders(delta, { replicas: [2, 1], isr: [2, 1], leader: 2 }))
    expect((await produce(world, batch('a'))).answers).toMatchObject([{ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }])
  })

  test('acks=all waits for replicas in sync until the time is over, and its outcome is open', async () => {
    const world = await createReplicaWorld()
    await world.change(delta => createOrders(delta, { replicas: [1, 2], isr: [1, 2] }))
    const pending = await produce(world, batch('a'), -1, 1000)
    expect(pending.answers).toEqual([])
    await world.runtime.advance(999)
    expect(pending.answers).toEqual([])
    await world.runtime.advance(1)
    expect(pending.answers).toMatchObject([{ errorCode: ErrorCode.REQUEST_TIMED_OUT }])
    expect(world.replicaManager.getPartition(ORDERS)?.log?.highWatermark).toBe(0)
  })

  test('acks=all is answered when the replica that lags leaves the in-sync replicas', async () => {
    const world = await createReplicaWorld()
    await world.change(delta => createOrders(delta, { replicas: [1, 2], isr: [1, 2] }))
    const pending = await produce(world, batch('a'))
    await world.change(delta => changeOrders(delta, { isr: [1] }))
    expect(pending.answers).toMatchObject([{ errorCode: ErrorCode.NONE, baseOffset: 0 }])
  })

  test('acks=all is refused below min.insync.replicas, and acks=1 is not', async () => {
    const world = await createReplicaWorld(config({ 'min.insync.replicas': 2 }))
    await world.change(delta => createOrders(delta, { replicas: [1, 2], isr: [1] }))
    expect((await produce(world, batch('a'), -1)).answers).toMatchObject([{ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS }])
    expect((await produce(world, batch('a'), 1)).answers).toMatchObject([{ errorCode: ErrorCode.NONE }])
    expect(world.replicaManager.getPartition(ORDERS)?.log?.highWatermark).toBe(0)
  })

  test('acks=all ends with an error when the leadership goes', async () => {
    const world = await createReplicaWorld()
    await world.change(delta => createOrders(delta, { replicas: [1, 2], isr: [1, 2] }))
    const pending = await produce(world, batch('a'))
    await world.change(delta => changeOrders(delta, { leader: 2 }))
    expect(pending.answers).toMatchObject([{ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }])
  })
  test('acks=all ends with an error when the broker is shutting down and its leadership was moved away', async () => {
    const world = await createReplicaWorld()
    await world.change(delta => createOrders(delta, { replicas: [1, 2], isr: [1, 2] }))
    const pending = await produce(world, batch('a'))
    world.replicaManager.beginControlledShutdown()
    await world.change(delta => changeOrders(delta, { leader: 2, isr: [2] }))
    expect(pending.answers).toMatchObject([{ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }])
  })
})

describe('fetching', () => {
  test('gives what is there at once', async () => {
    const world = await leading()
    await produce(world, batch('a'))
    const { answers } = await fetch(world, 0)
    expect(answers).toMatchObject([
      { errorCode: ErrorCode.NONE, highWatermark: 1, lastStableOffset: 1, logStartOffset: 0 },
    ])
    expect(valuesOf(answers[0])).toEqual(['a'])
  })

  test('waits for the first record', async () => {
    const world = await leading()
    const pending = await fetch(world, 0)
    expect(pending.answers).toEqual([])
    await produce(world, batch('a'))
    await world.runtime.settle()
    expect(valuesOf(pending.answers[0])).toEqual(['a'])
    expect(world.replicaManager.fetchPurgatory.delayed).toBe(0)
  })

  test('waits for min.bytes, and answers with less when the time is over', async () => {
    const world = await leading()
    const pending = await fetch(world, 0, { minBytes: 10_000, maxWaitMs: 300 })
    await produce(world, batch('a'))
    await world.runtime.advance(299)
    expect(pending.answers).toEqual([])
    await world.runtime.advance(1)
    expect(valuesOf(pending.answers[0])).toEqual(['a'])
  })

  test('an empty fetch that times out is answered once', async () => {
    const world = await leading()
    const pending = await fetch(world, 0)
    await world.runtime.advance(10_000)
    expect(pending.answers).toMatchObject([{ errorCode: ErrorCode.NONE, records: Buffer.alloc(0) }])
  })

  test('says at once why it cannot', async () => {
    const world = await leading()
    await produce(world, batch('a'))
    const code = async (offset: number, options: Parameters<typeof fetch>[2] = {}, id = ORDERS) =>
      (await fetch(world, offset, options, id)).answers[0]?.errorCode
    expect(await code(5)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(await code(0, { currentLeaderEpoch: 3 })).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    expect(await code(0, {}, { ...ORDERS, topic: 'nothing' })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    await world.change(delta => changeOrders(delta, { leader: 1 }))
    expect(await code(0, { currentLeaderEpoch: 0 })).toBe(ErrorCode.FENCED_LEADER_EPOCH)
  })

  test('a waiting fetch is answered when the leadership goes', async () => {
    const world = await createReplicaWorld()
    await world.change(delta => createOrders(delta, { replicas: [1, 2], isr: [1, 2] }))
    const pending = await fetch(world, 0)
    await world.change(delta => changeOrders(delta, { leader: 2 }))
    await world.runtime.settle()
    expect(pending.answers).toMatchObject([{ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }])
  })

  test('tells a fetcher from a lost epoch where it must truncate', async () => {
    const world = await leading()
    await produce(world, batch('a'))
    await world.change(delta => changeOrders(delta, { leader: 1 }))
    await produce(world, batch('b'))
    await world.change(delta => changeOrders(delta, { leader: 1 }))
    const { answers } = await fetch(world, 2, { lastFetchedEpoch: 0 })
    expect(answers[0]?.divergingEpoch).toEqual({ epoch: 0, endOffset: 1 })
    expect(answers[0]?.records).toHaveLength(0)
  })

  test('the first partition gives a whole batch whatever the limits, the second stays within them', async () => {
    const world = await createReplicaWorld()
    await world.change(delta => createOrders(delta))
    await produce(world, batch('a'.repeat(400)))
    const request = {
      topicIdPartition: ORDERS,
      fetchOffset: 0,
      logStartOffset: -1,
      maxBytes: 100,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
    }
    const params = { ...CONSUMER, maxWaitMs: 0, maxBytes: 100 }
    const fetched: Buffer[] = []
    const note = (results: readonly FetchPartitionData[]) => fetched.push(...results.map(({ records }) => records))
    await world.replicaManager.fetchMessages(params, [request, request], note)
    expect(fetched.map(records => [...batches(records)].length)).toEqual([1, 0])
    const larger = { ...params, maxBytes: (fetched[0]?.length ?? 0) + 50 }
    await world.replicaManager.fetchMessages(larger, [request, { ...request, maxBytes: 1000 }], note)
    // 50 bytes were left for the second partition: half a batch is not worth sending.
    expect(fetched.slice(2).map(records => records.length)).toEqual([fetched[0]?.length, 0])
  })
})

describe('offsets', () => {
  test('lists the ends and times as readers see them', async () => {
    const world = await leading()
    for (const value of ['a', 'b', 'c']) await produce(world, batch(value))
    const at = (timestamp: number) => world.replicaManager.fetchOffset(ORDERS, timestamp, 'high-watermark', -1)
    expect(await at(-1)).toMatchObject({ errorCode: 0, offset: 3, leaderEpoch: 0 })
    expect(await at(-2)).toMatchObject({ errorCode: 0, offset: 0 })
    expect(await at(-3)).toMatchObject({ errorCode: 0, offset: 0, timestamp: 1_700_000_000_000 })
    expect(await at(1_700_000_000_001)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 })
    const unknown = { topic: 'x', partition: 0 }
    const missing = await world.replicaManager.fetchOffset(unknown, -1, 'high-watermark', -1)
    expect(missing.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  test('deletes records below an offset', async () => {
    const world = await leading()
    for (const value of ['a', 'b', 'c']) await produce(world, batch(value))
    const remove = async (offset: number) => (await deleteRecords(world, offset)).answers[0]
    expect(await remove(2)).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 2 })
    expect(await remove(9)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 })
    expect(await remove(-1)).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 3 })
    expect((await fetch(world, 1)).answers).toMatchObject([{ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE }])
  })

  test('tells where leader epochs end', async () => {
    const world = await leading()
    await produce(world, batch('a'))
    await world.change(delta => changeOrders(delta, { leader: 1 }))
    const ask = (epoch: number) => world.replicaManager.lastOffsetForLeaderEpoch(ORDERS, -1, epoch)
    expect(ask(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 1 })
    expect(ask(1)).toMatchObject({ errorCode: 0, leaderEpoch: 1, endOffset: 1 })
    expect(ask(2)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 })
  })
})

describe('metadata', () => {
  test('a deleted topic is gone at once, and one of the same name begins empty', async () => {
    const world = await leading()
    await produce(world, batch('a'))
    await world.change(delta => delta.replayRemoveTopic({ topicId: TOPIC_ID }))
    expect((await fetch(world, 0)).answers).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }])
    await world.change(delta => createOrders(delta, {}, OTHER_ID))
    const id = { ...ORDERS, topicId: OTHER_ID }
    expect((await produce(world, batch('b'), -1, 0, id)).answers).toMatchObject([{ errorCode: 0, baseOffset: 0 }])
  })

  test('a topic that was deleted and made again in one step begins empty', async () => {
    const world = await leading()
    await produce(world, batch('a'))
    await world.change(delta => {
      delta.replayRemoveTopic({ topicId: TOPIC_ID })
      createOrders(delta, {}, OTHER_ID)
    })
    expect(world.replicaManager.getPartition(ORDERS)?.log?.logEndOffset).toBe(0)
  })

  test('an older state of a partition changes nothing', async () => {
    const world = await leading()
    const partition = world.replicaManager.getPartition(ORDERS)
    await world.change(delta => changeOrders(delta, { leader: 1 }))
    const stale = { ...TEMPLATE, leader: 2, leaderEpoch: 9, partitionEpoch: 0 }
    expect(await partition?.makeFollower(stale)).toBe(false)
    expect(await partition?.makeLeader({ ...stale, leader: 1 })).toBe(false)
    expect([partition?.isLeader, partition?.leaderEpoch, partition?.partitionEpoch]).toEqual([true, 1, 1])
  })

  test('a new leader epoch is noted even when nothing is written in it', async () => {
    const world = await leading()
    await world.change(delta => changeOrders(delta, { leader: 1 }))
    await produce(world, batch('a'))
    const log = world.replicaManager.getPartition(ORDERS)?.log
    expect(log?.leaderEpochCache.entries).toEqual([{ epoch: 1, startOffset: 0 }])
  })

  test('a change of role waits for the append under way, and the next append meets the new role', async () => {
    const world = await createReplicaWorld()
    await world.change(delta => createOrders(delta, { replicas: [1, 2], isr: [1, 2] }))
    const partition = world.replicaManager.getPartition(ORDERS)
    if (partition === undefined) throw new Error('the broker hosts the partition')
    const order: string[] = []
    const appended = partition.appendRecordsToLeader(batch('a'), 'client', 1).then(() => order.push('append'))
    const follower = { ...TEMPLATE, leader: 2, leaderEpoch: 1, partitionEpoch: 1 }
    const changed = partition.makeFollower(follower).then(() => order.push('change'))
    const late = partition.appendRecordsToLeader(batch('b'), 'client', 1).catch((error: ApiError) => error.code)
    await Promise.all([appended, changed])
    expect(await late).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(order).toEqual(['append', 'change'])
    expect(partition.log?.logEndOffset).toBe(1)
  })
})

describe('restarts', () => {
  test('records and high watermark are there again, and producers go on', async () => {
    const world = await leading()
    const input = (baseSequence: number) => ({ values: ['a'], producerId: 5, producerEpoch: 0, baseSequence })
    await produce(world, batch(input(0)))
    await world.runtime.advance(5000)
    expect(String(await fileBytes(world.runtime, 'logs/replication-offset-checkpoint'))).toBe('0\n1\norders 0 1\n')
    const next = await restarted(world)
    await next.change(delta => createOrders(delta, { leaderEpoch: 1 }))
    expect(valuesOf((await fetch(next, 0)).answers[0])).toEqual(['a'])
    expect((await produce(next, batch(input(0)))).answers).toMatchObject([{ errorCode: 0, baseOffset: 0 }])
    expect((await produce(next, batch(input(1)))).answers).toMatchObject([{ errorCode: 0, baseOffset: 1 }])
  })

  test('logs of topics that were deleted meanwhile are set aside', async () => {
    const world = await leading()
    await produce(world, batch('a'))
    const next = await restarted(world)
    await next.change(() => {})
    expect(next.logManager.allLogs).toEqual([])
    const names = await world.runtime.disk.list('logs')
    expect(names.filter(name => /^orders-0\.[0-9a-f]{32}-stray$/.test(name))).toHaveLength(1)
  })
})

describe('disk failures', () => {
  test('a failed directory answers with a storage error and completes what waits for it', async () => {
    const world = await leading()
    const pending = await fetch(world, 0)
    world.runtime.disk.fault = operation => (operation === 'append' ? 'EIO' : undefined)
    const { answers } = await produce(world, batch('a'))
    expect(answers).toMatchObject([{ errorCode: ErrorCode.KAFKA_STORAGE_ERROR }])
    await world.runtime.settle()
    expect(pending.answers).toMatchObject([{ errorCode: ErrorCode.KAFKA_STORAGE_ERROR }])
    world.runtime.disk.fault = undefined
    expect((await produce(world, batch('b'))).answers).toMatchObject([{ errorCode: ErrorCode.KAFKA_STORAGE_ERROR }])
    await world.change(delta => changeOrders(delta, { leader: 1 }))
    expect((await fetch(world, 0)).answers).toMatchObject([{ errorCode: ErrorCode.KAFKA_STORAGE_ERROR }])
  })

  test('other directories go on', async () => {
    const world = await createReplicaWorld(config(), undefined, ['a', 'b'])
    world.runtime.disk.fault = (_, path) => (path.startsWith('a/orders') ? 'EIO' : undefined)
    await world.change(delta => createOrders(delta))
    expect((await fetch(world, 0)).answers).toMatchObject([{ errorCode: ErrorCode.KAFKA_STORAGE_ERROR }])
    expect(world.logManager.liveLogDirs).toEqual(['b'])
  })
})

test.each(['part', 'all'])('a truncation of %s of a log takes back what counts as cleaned', async extent => {
  const first = await leading()
  for (const value of ['a', 'b', 'c']) {
    await produce(first, batch(value))
    await first.replicaManager.getPartition(ORDERS)?.log?.roll()
  }
  const checkpoint = 'logs/cleaner-offset-checkpoint'
  await withFile(first.runtime, checkpoint, file => file.append(Buffer.from('0\n1\norders 0 3\n')))
  const world = await restarted(first)
  await world.change(delta => createOrders(delta))

  const partition = world.replicaManager.getPartition(ORDERS)
  if (extent === 'part') await partition?.truncateTo(1)
  else await partition?.truncateFullyAndStartAt(1)

  expect(partition?.log?.logEndOffset).toBe(1)
  expect(String(await fileBytes(world.runtime, checkpoint))).toBe(`0\n1\norders 0 1\n`)
})

test('an idle hour costs few timers', async () => {
  const world = await leading()
  await produce(world, batch('a'))
  const before = world.runtime.firedTimers
  await world.runtime.advance(3_600_000)
  expect(world.runtime.firedTimers - before).toBeLessThan(1000)
})

const TEMPLATE = {
  replicas: [1, 2],
  directories: [],
  isr: [1, 2],
  removingReplicas: [],
  addingReplicas: [],
  elr: [],
  lastKnownElr: [],
  leaderRecoveryState: 'RECOVERED' as const,
}
