import { describe, expect, test } from 'vitest'
import {
  InvalidProducerEpochError,
  KafkaStorageError,
  OffsetOutOfRangeError,
  OutOfOrderSequenceError,
  RecordBatchTooLargeError,
  RecordTooLargeError,
  UnexpectedAppendOffsetError,
} from '../../src/log/log-errors.ts'
import { ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import { batches, buildBatch, CorruptRecordError } from '../../src/protocol/records/batch.ts'
import { batch, commit, config, createLogWorld, DIRECTORY, openLog, recordsIn, restarted } from './log-fixture.ts'

describe('appending as leader', () => {
  test('gives records dense offsets and the leader epoch, and they can be read back', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    const first = await log.appendAsLeader(batch({ values: ['a', 'b'] }), 3)
    const second = await log.appendAsLeader(batch('c'), 3)
    expect([first.firstOffset, first.lastOffset]).toEqual([0, 1])
    expect([second.firstOffset, second.lastOffset]).toEqual([2, 2])
    expect(log.logEndOffset).toBe(3)
    expect(await recordsIn(log)).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ])
    const { records } = await log.read(0, 1000, 'log-end', true)
    expect([...batches(records)].map(view => view.partitionLeaderEpoch)).toEqual([3, 3])
    expect(log.latestEpoch).toBe(3)
  })

  test('appends that are asked for at the same time do not overlap', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    const appends = ['a', 'b', 'c', 'd'].map(value => log.appendAsLeader(batch(value), 0))
    expect((await Promise.all(appends)).map(info => info.firstOffset)).toEqual([0, 1, 2, 3])
    expect((await recordsIn(log)).map(([, value]) => value).join('')).toBe('abcd')
  })

  test('sets all timestamps to the time of the append where the topic says LogAppendTime', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { config: config({ 'message.timestamp.type': 'LogAppendTime' }) })
    await world.runtime.advance(5000)
    const info = await log.appendAsLeader(batch({ values: ['a'], timestamp: 1 }), 0)
    expect(info.logAppendTime).toBe(world.runtime.clock.wallMs())
    const { records } = await log.read(0, 1000, 'log-end', true)
    const [view] = [...batches(records)]
    expect(view?.isValidCrc()).toBe(true)
    expect([...(view?.records() ?? [])][0]?.timestamp).toBe(world.runtime.clock.wallMs())
  })

  test('refuses a batch above max.message.bytes, and more than a segment holds, without a trace', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { config: config({ 'max.message.bytes': 200, 'internal.segment.bytes': 150 }) })
    await expect(log.appendAsLeader(batch('x'.repeat(300)), 0)).rejects.toThrow(RecordTooLargeError)
    await expect(log.appendAsLeader(batch('x'.repeat(100)), 0)).rejects.toThrow(RecordBatchTooLargeError)
    expect(log.logEndOffset).toBe(0)
    expect(log.sizeInBytes).toBe(0)
  })

  test('refuses a batch whose checksum is wrong', async () => {
    const log = await openLog(await createLogWorld())
    const bytes = batch('a')
    bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1
    await expect(log.appendAsLeader(bytes, 0)).rejects.toThrow(CorruptRecordError)
    expect(log.sizeInBytes).toBe(0)
  })

  test('refuses transactional batches, since no transaction is known', async () => {
    const log = await openLog(await createLogWorld())
    const bytes = buildBatch({
      records: [{ value: Buffer.from('a'), timestamp: 1_700_000_000_000 }],
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    })
    const refused = log.appendAsLeader(bytes, 0).catch(error => error)
    expect(await refused).toBeInstanceOf(ApiError)
    expect((await refused).code).toBe(ErrorCode.INVALID_TXN_STATE)
  })

  test('recompresses where the topic wants another codec', async () => {
    const log = await openLog(await createLogWorld(), { config: config({ 'compression.type': 'gzip' }) })
    await log.appendAsLeader(batch({ values: ['a'.repeat(500), 'b'] }), 0)
    const { records } = await log.read(0, 10_000, 'log-end', true)
    const [view] = [...batches(records)]
    expect(view?.compression).toBe('gzip')
    expect(view?.isValidCrc()).toBe(true)
    expect((await recordsIn(log)).map(([offset]) => offset)).toEqual([0, 1])
  })

  test('is on the platter before it resolves when flush.messages is reached', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { config: config({ 'flush.messages': 1 }) })
    await log.assignEpochStartOffset(0, 0)
    world.runtime.disk.operations.length = 0
    await log.appendAsLeader(batch('a'), 0)
    const kinds = world.runtime.disk.operations.map(({ operation, path }) => `${operation} ${path}`)
    const written = kinds.indexOf(`append ${DIRECTORY}/00000000000000000000.log`)
    expect(written).toBeGreaterThanOrEqual(0)
    expect(kinds.indexOf(`sync ${DIRECTORY}/00000000000000000000.log`)).toBeGreaterThan(written)
    expect(kinds).toContain(`syncDirectory ${DIRECTORY}`)
    expect(log.recoveryPoint).toBe(1)
  })

  test('does not flush by default', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    await log.appendAsLeader(batch('a'), 0)
    expect(world.runtime.disk.operations.filter(op => op.operation === 'sync' && op.path.endsWith('.log'))).toEqual([])
    expect(log.unflushedMessages).toBe(1)
  })
})

describe('idempotence', () => {
  const producer = { producerId: 7, producerEpoch: 0 }

  test('answers any of the last five batches with its first offsets, and appends nothing', async () => {
    const log = await openLog(await createLogWorld())
    const sequences = [0, 2, 4, 6, 8]
    const make = (baseSequence: number) => batch({ values: [`${baseSequence}`, 'x'], ...producer, baseSequence })
    for (const sequence of sequences) await log.appendAsLeader(make(sequence), 0)
    for (const sequence of sequences) {
      const repeated = await log.appendAsLeader(make(sequence), 0)
      expect([repeated.duplicate, repeated.firstOffset, repeated.lastOffset]).toEqual([true, sequence, sequence + 1])
    }
    expect(log.logEndOffset).toBe(10)
  })

  test('no longer recognises the sixth last batch', async () => {
    const log = await openLog(await createLogWorld())
    for (let sequence = 0; sequence < 6; sequence++) {
      await log.appendAsLeader(batch({ values: ['x'], ...producer, baseSequence: sequence }), 0)
    }
    const oldest = log.appendAsLeader(batch({ values: ['x'], ...producer, baseSequence: 0 }), 0)
    await expect(oldest).rejects.toThrow(OutOfOrderSequenceError)
  })

  test('refuses a gap, and leaves the state as it was', async () => {
    const log = await openLog(await createLogWorld())
    await log.appendAsLeader(batch({ values: ['a'], ...producer, baseSequence: 0 }), 0)
    const gap = log.appendAsLeader(batch({ values: ['c'], ...producer, baseSequence: 2 }), 0)
    await expect(gap).rejects.toThrow(OutOfOrderSequenceError)
    const next = await log.appendAsLeader(batch({ values: ['b'], ...producer, baseSequence: 1 }), 0)
    expect(next.firstOffset).toBe(1)
  })

  test('a new epoch begins with sequence number 0, and fences the old one', async () => {
    const log = await openLog(await createLogWorld())
    await log.appendAsLeader(batch({ values: ['a'], ...producer, baseSequence: 0 }), 0)
    const wrong = log.appendAsLeader(batch({ values: ['b'], producerId: 7, producerEpoch: 1, baseSequence: 1 }), 0)
    await expect(wrong).rejects.toThrow(OutOfOrderSequenceError)
    await log.appendAsLeader(batch({ values: ['b'], producerId: 7, producerEpoch: 1, baseSequence: 0 }), 0)
    const old = log.appendAsLeader(batch({ values: ['c'], ...producer, baseSequence: 1 }), 0)
    await expect(old).rejects.toThrow(InvalidProducerEpochError)
  })

  test('an unknown producer may begin with any sequence number', async () => {
    const log = await openLog(await createLogWorld())
    const info = await log.appendAsLeader(batch({ values: ['a'], ...producer, baseSequence: 41 }), 0)
    expect(info.firstOffset).toBe(0)
  })

  test('0 follows 2^31 - 1', async () => {
    const log = await openLog(await createLogWorld())
    const last = 2_147_483_647
    await log.appendAsLeader(batch({ values: ['a', 'b'], ...producer, baseSequence: last - 1 }), 0)
    await log.appendAsLeader(batch({ values: ['c'], ...producer, baseSequence: 0 }), 0)
    expect(log.logEndOffset).toBe(3)
    const wrapping = await log.appendAsLeader(batch({ values: ['a', 'b'], ...producer, baseSequence: last - 1 }), 0)
    expect([wrapping.duplicate, wrapping.firstOffset]).toEqual([true, 0])
  })

  test('forgets a producer after producer.id.expiration.ms', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { producerStateConfig: { producerIdExpirationMs: 1000 } })
    await log.appendAsLeader(batch({ values: ['a'], ...producer, baseSequence: 0 }), 0)
    await world.runtime.advance(999)
    log.removeExpiredProducers()
    expect(log.producerStateManager.activeProducers.size).toBe(1)
    await world.runtime.advance(1)
    log.removeExpiredProducers()
    expect(log.producerStateManager.activeProducers.size).toBe(0)
  })
})

describe('reading', () => {
  test('ends at the high watermark for consumers and at the end for followers', async () => {
    const log = await openLog(await createLogWorld())
    await log.appendAsLeader(batch('a'), 0)
    await log.appendAsLeader(batch('b'), 0)
    log.updateHighWatermark(1)
    const visible = await log.read(0, 1000, 'high-watermark', true)
    expect([...batches(visible.records)].map(view => view.lastOffset)).toEqual([0])
    const all = await log.read(0, 1000, 'log-end', true)
    expect([...batches(all.records)].map(view => view.lastOffset)).toEqual([0, 1])
    expect((await log.read(1, 1000, 'high-watermark', true)).records).toHaveLength(0)
  })

  test('gives the first batch whole however small the limit, when one is wanted', async () => {
    const log = await openLog(await createLogWorld())
    await log.appendAsLeader(batch('a'.repeat(5000)), 0)
    commit(log)
    const whole = await log.read(0, 1, 'high-watermark', true)
    expect([...batches(whole.records)]).toHaveLength(1)
    expect(whole.firstEntryIncomplete).toBe(false)
    const cut = await log.read(0, 100, 'high-watermark', false)
    expect([cut.records.length, cut.firstEntryIncomplete]).toEqual([100, true])
  })

  test('begins with the batch that holds the offset', async () => {
    const log = await openLog(await createLogWorld())
    await log.appendAsLeader(batch({ values: ['a', 'b', 'c'] }), 0)
    await log.appendAsLeader(batch('d'), 0)
    const { records, fetchOffsetMetadata } = await log.read(2, 1000, 'log-end', true)
    expect([...batches(records)].map(view => view.baseOffset)).toEqual([0, 3])
    expect(fetchOffsetMetadata.messageOffset).toBe(2)
  })

  test('finds every offset in a log of many segments and index entries', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, {
      config: config({ 'internal.segment.bytes': 600, 'index.interval.bytes': 150 }),
    })
    for (let index = 0; index < 60; index++) await log.appendAsLeader(batch({ values: [`${index}a`, `${index}b`] }), 0)
    expect(log.numberOfSegments).toBeGreaterThan(5)
    for (let offset = 0; offset < 120; offset++) {
      const { records } = await log.read(offset, 10, 'log-end', true)
      const [view] = [...batches(records)]
      expect(view?.baseOffset).toBe(offset - (offset % 2))
    }
  })

  test('refuses offsets before the start and beyond the end', async () => {
    const log = await openLog(await createLogWorld())
    for (const value of ['a', 'b', 'c']) await log.appendAsLeader(batch(value), 0)
    commit(log)
    await log.maybeIncrementLogStartOffset(2)
    await expect(log.read(1, 100, 'high-watermark', true)).rejects.toThrow(OffsetOutOfRangeError)
    await expect(log.read(4, 100, 'high-watermark', true)).rejects.toThrow(OffsetOutOfRangeError)
    expect(await recordsIn(log)).toEqual([[2, 'c']])
  })
})

describe('rolling', () => {
  test('starts a new segment when one is full, with a producer snapshot at its beginning', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { config: config({ 'internal.segment.bytes': 200 }) })
    for (let sequence = 0; sequence < 6; sequence++) {
      await log.appendAsLeader(
        batch({ values: ['x'.repeat(60)], producerId: 1, producerEpoch: 0, baseSequence: sequence }),
        0,
      )
    }
    const bases = log.segments.map(segment => segment.baseOffset)
    expect(bases.length).toBeGreaterThan(1)
    const names = await world.runtime.disk.list(DIRECTORY)
    for (const base of bases.slice(1)) expect(names).toContain(`${String(base).padStart(20, '0')}.snapshot`)
  })

  test('starts a new segment when the records are older than segment.ms', async () => {
    const log = await openLog(await createLogWorld(), { config: config({ 'segment.ms': 1000 }) })
    await log.appendAsLeader(batch({ values: ['a'], timestamp: 1_700_000_000_000 }), 0)
    await log.appendAsLeader(batch({ values: ['b'], timestamp: 1_700_000_001_000 }), 0)
    expect(log.numberOfSegments).toBe(1)
    await log.appendAsLeader(batch({ values: ['c'], timestamp: 1_700_000_001_001 }), 0)
    expect(log.numberOfSegments).toBe(2)
  })

  test('starts a new segment when an index is full', async () => {
    const log = await openLog(await createLogWorld(), {
      config: config({ 'segment.index.bytes': 24, 'index.interval.bytes': 1 }),
    })
    for (let index = 0; index < 20; index++) {
      await log.appendAsLeader(batch({ values: ['x'], timestamp: 1_700_000_000_000 + index }), 0)
    }
    expect(log.numberOfSegments).toBeGreaterThan(1)
    expect((await recordsIn(log)).length).toBe(20)
  })

  test('flushes the finished segment in the background', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    await log.appendAsLeader(batch('a'), 0)
    await log.roll()
    expect(log.recoveryPoint).toBe(0)
    await world.runtime.advance(0)
    expect(log.recoveryPoint).toBe(1)
  })
})

describe('deleting', () => {
  test('retention by time takes whole old segments below the high watermark, and moves the start', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { config: config({ 'retention.ms': 10_000, 'file.delete.delay.ms': 500 }) })
    for (const value of ['a', 'b', 'c']) {
      await log.appendAsLeader(batch({ values: [value], timestamp: world.runtime.clock.wallMs() }), 0)
      await log.roll()
      await world.runtime.advance(4000)
    }
    commit(log)
    expect(await log.deleteOldSegments()).toBe(1)
    expect(log.logStartOffset).toBe(1)
    expect(await recordsIn(log)).toEqual([
      [1, 'b'],
      [2, 'c'],
    ])
    const names = await world.runtime.disk.list(DIRECTORY)
    expect(names).toContain('00000000000000000000.log.deleted')
    await world.runtime.advance(500)
    const later = await world.runtime.disk.list(DIRECTORY)
    expect(later.filter(name => name.startsWith('00000000000000000000'))).toEqual([])
  })

  test('retention keeps what is above the high watermark', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { config: config({ 'retention.ms': 0 }) })
    await log.appendAsLeader(batch('a'), 0)
    await world.runtime.advance(5000)
    expect(await log.deleteOldSegments()).toBe(0)
    commit(log)
    expect(await log.deleteOldSegments()).toBe(1)
    expect([log.logStartOffset, log.logEndOffset]).toEqual([1, 1])
    expect((await log.appendAsLeader(batch('b'), 0)).firstOffset).toBe(1)
  })

  test('retention by size keeps at least the size', async () => {
    const log = await openLog(await createLogWorld(), {
      config: config({ 'retention.bytes': 250, 'internal.segment.bytes': 100 }),
    })
    for (let index = 0; index < 6; index++) await log.appendAsLeader(batch('x'.repeat(20)), 0)
    commit(log)
    const before = log.sizeInBytes
    await log.deleteOldSegments()
    expect(log.sizeInBytes).toBeLessThan(before)
    expect(log.sizeInBytes).toBeGreaterThanOrEqual(250)
  })

  test('deleting records hides them, and frees segments that lie below', async () => {
    const log = await openLog(await createLogWorld(), { config: config({ 'retention.ms': -1 }) })
    await log.appendAsLeader(batch('a'), 0)
    await log.roll()
    await log.appendAsLeader(batch('b'), 0)
    await expect(log.maybeIncrementLogStartOffset(1)).rejects.toThrow(OffsetOutOfRangeError)
    commit(log)
    expect(await log.maybeIncrementLogStartOffset(1)).toBe(true)
    expect(await log.maybeIncrementLogStartOffset(1)).toBe(false)
    expect(await log.deleteOldSegments()).toBe(1)
    expect(log.segments[0]?.baseOffset).toBe(1)
  })
})

describe('truncating', () => {
  test('cuts records, epochs and producer state down to an offset', async () => {
    const log = await openLog(await createLogWorld(), { config: config({ 'internal.segment.bytes': 200 }) })
    for (let sequence = 0; sequence < 8; sequence++) {
      const bytes = batch({ values: [`${sequence}`], producerId: 1, producerEpoch: 0, baseSequence: sequence })
      await log.appendAsLeader(bytes, sequence < 4 ? 1 : 2)
    }
    commit(log)
    expect(await log.truncateTo(3)).toBe(true)
    expect([log.logEndOffset, log.highWatermark, log.latestEpoch]).toEqual([3, 3, 1])
    expect(log.producerStateManager.lastEntry(1)?.lastSequence).toBe(2)
    const next = await log.appendAsLeader(
      batch({ values: ['new'], producerId: 1, producerEpoch: 0, baseSequence: 3 }),
      3,
    )
    expect(next.firstOffset).toBe(3)
    expect((await recordsIn(log)).map(([, value]) => value)).toEqual(['0', '1', '2', 'new'])
  })

  test('an epoch that never wrote is forgotten even when nothing is cut', async () => {
    const log = await openLog(await createLogWorld())
    await log.appendAsLeader(batch('a'), 1)
    await log.assignEpochStartOffset(4, 1)
    expect(await log.truncateTo(1)).toBe(false)
    expect(log.latestEpoch).toBe(1)
  })

  test('starts anew at an offset', async () => {
    const log = await openLog(await createLogWorld())
    await log.appendAsLeader(batch('a'), 1)
    await log.truncateFullyAndStartAt(100)
    expect([log.logStartOffset, log.logEndOffset, log.latestEpoch]).toEqual([100, 100, undefined])
    expect((await log.appendAsLeader(batch('b'), 2)).firstOffset).toBe(100)
  })
})

describe('appending as follower', () => {
  const fromLeader = (value: string, baseOffset: number, partitionLeaderEpoch: number) =>
    buildBatch({ records: [{ value: Buffer.from(value), timestamp: 1 }], baseOffset, partitionLeaderEpoch })

  test('keeps offsets and epochs, and leaves out batches of an epoch it does not know', async () => {
    const log = await openLog(await createLogWorld())
    const copied = Buffer.concat([fromLeader('a', 0, 1), fromLeader('b', 1, 2), fromLeader('c', 2, 3)])
    await log.appendAsFollower(copied, 2)
    expect(await recordsIn(log)).toEqual([
      [0, 'a'],
      [1, 'b'],
    ])
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 1 })
    expect(log.endOffsetForEpoch(2)).toEqual({ epoch: 2, endOffset: 2 })
  })

  test('refuses what it has already', async () => {
    const log = await openLog(await createLogWorld())
    await log.appendAsFollower(fromLeader('a', 0, 1), 1)
    await expect(log.appendAsFollower(fromLeader('a', 0, 1), 1)).rejects.toThrow(UnexpectedAppendOffsetError)
  })
})

describe('timestamps', () => {
  test('finds the first record at or after a time, the largest time, both ends', async () => {
    const log = await openLog(await createLogWorld(), {
      config: config({ 'internal.segment.bytes': 300, 'index.interval.bytes': 100 }),
    })
    const start = 1_700_000_000_000
    for (const delta of [10, 20, 15, 40, 30, 50, 45, 60]) {
      await log.appendAsLeader(batch({ values: ['x'], timestamp: start + delta }), 5)
    }
    const at = async (timestamp: number) => (await log.fetchOffsetByTimestamp(timestamp))?.offset
    expect(await at(start)).toBe(0)
    expect(await at(start + 16)).toBe(1)
    expect(await at(start + 21)).toBe(3)
    expect(await at(start + 46)).toBe(5)
    expect(await at(start + 60)).toBe(7)
    expect(await at(start + 61)).toBeUndefined()
    expect(await log.fetchOffsetByTimestamp(-3)).toEqual({ offset: 7, timestamp: start + 60, leaderEpoch: 5 })
    expect(await log.fetchOffsetByTimestamp(-2)).toEqual({ offset: 0, timestamp: -1, leaderEpoch: 5 })
    expect(await log.fetchOffsetByTimestamp(-1)).toEqual({ offset: 8, timestamp: -1, leaderEpoch: 5 })
  })
})

describe('disk errors', () => {
  test('take the directory offline: the outcome is a storage error, and nothing is appended afterwards', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    await log.appendAsLeader(batch('a'), 0)
    world.runtime.disk.fault = operation => (operation === 'append' ? 'ENOSPC' : undefined)
    await expect(log.appendAsLeader(batch('b'), 0)).rejects.toThrow(KafkaStorageError)
    world.runtime.disk.fault = undefined
    expect([...world.failureChannel.offlineLogDirs.keys()]).toEqual(['logs'])
    const before = world.runtime.disk.operations.length
    await expect(log.appendAsLeader(batch('c'), 0)).rejects.toThrow(KafkaStorageError)
    expect(world.runtime.disk.operations.length).toBe(before)
    const after = await openLog(await restarted(world))
    expect(await recordsIn(after)).toEqual([[0, 'a']])
  })

  test('an fsync that fails is no acknowledgement', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { config: config({ 'flush.messages': 1 }) })
    world.runtime.disk.fault = (operation, path) => (operation === 'sync' && path.endsWith('.log') ? 'EIO' : undefined)
    await expect(log.appendAsLeader(batch('a'), 0)).rejects.toThrow(KafkaStorageError)
    expect(world.failureChannel.hasOfflineLogDir('logs')).toBe(true)
  })

  test('a flush that meets a directory that was renamed for deletion is no disk error', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    await log.appendAsLeader(batch('a'), 0)
    world.runtime.disk.fault = (operation, path) =>
      operation === 'syncDirectory' && path === DIRECTORY ? 'ENOENT' : undefined
    await log.flush()
    expect(world.failureChannel.offlineLogDirs.size).toBe(0)
  })

  test('a flush that meets a deleted log is no disk error', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    await log.appendAsLeader(batch('a'), 0)
    const flushed = log.flush()
    await log.closeHandlers()
    await flushed
    await expect(log.flush()).rejects.toThrow(KafkaStorageError)
    expect(world.failureChannel.offlineLogDirs.size).toBe(0)
  })
})
