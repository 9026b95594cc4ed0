import { describe, expect, test } from 'vitest'
import { readLogDirectory } from '../../src/log/inspect.ts'
import { OutOfOrderSequenceError } from '../../src/log/log-errors.ts'
import type { UnifiedLog } from '../../src/log/unified-log.ts'
import {
  batch,
  config,
  createLogWorld,
  DIRECTORY,
  type LogWorld,
  openLog,
  recordsIn,
  restarted,
  withFile,
} from './log-fixture.ts'

const FIRST = `${DIRECTORY}/00000000000000000000`
const INDEXED = config({ 'index.interval.bytes': 100, 'internal.segment.bytes': 2000 })

/** A log with records 0 to 9, its index entries, and its process gone. */
async function written(count = 10, options: Parameters<typeof openLog>[1] = { config: INDEXED }): Promise<LogWorld> {
  const world = await createLogWorld()
  const log = await openLog(world, options)
  for (let index = 0; index < count; index++) await log.appendAsLeader(batch(`value ${index}`), 2)
  return world
}

async function reopened(
  world: LogWorld,
  options: Parameters<typeof openLog>[1] = { config: INDEXED },
): Promise<UnifiedLog> {
  const log = await openLog(await restarted(world), options)
  const report = await readLogDirectory(world.runtime.disk, DIRECTORY)
  expect(report.findings).toEqual([])
  expect(report.logEndOffset).toBe(log.logEndOffset)
  return log
}

const offsets = async (log: UnifiedLog) => (await recordsIn(log)).map(([offset]) => offset)

describe('after an unclean shutdown', () => {
  test('a log that is whole loses nothing', async () => {
    const log = await reopened(await written())
    expect(await offsets(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect([log.truncatedBytes, log.latestEpoch]).toEqual([0, 2])
    expect((await log.appendAsLeader(batch('next'), 3)).firstOffset).toBe(10)
  })

  test.each([1, 11, 12, 17, 60, 61, 75])('a batch torn after %i bytes is cut off', async kept => {
    const world = await written()
    await withFile(world.runtime, `${FIRST}.log`, file => file.append(batch('torn'.repeat(9)).subarray(0, kept)))
    const log = await reopened(world)
    expect(log.truncatedBytes).toBe(kept)
    expect(log.logEndOffset).toBe(10)
  })

  test('a sound batch whose offset goes back is cut off', async () => {
    const world = await written()
    await withFile(world.runtime, `${FIRST}.log`, file => file.append(batch('as a producer sent it')))
    expect(await offsets(await reopened(world))).toHaveLength(10)
  })

  test('a tail of zeros, as a power failure leaves it, is cut off', async () => {
    const world = await written()
    await withFile(world.runtime, `${FIRST}.log`, file => file.append(Buffer.alloc(4096)))
    const log = await reopened(world)
    expect([log.truncatedBytes, log.logEndOffset]).toEqual([4096, 10])
  })

  test('a flipped bit ends the log before its batch, and takes what follows', async () => {
    const world = await written()
    const report = await readLogDirectory(world.runtime.disk, DIRECTORY)
    const size = report.segments[0]?.sizeInBytes ?? 0
    await withFile(world.runtime, `${FIRST}.log`, async file => {
      const bytes = await file.read(0, size)
      const at = Math.floor((size / 10) * 6) + 70
      bytes[at] = (bytes[at] ?? 0) ^ 8
      await file.truncate(0)
      await file.append(bytes)
    })
    const log = await reopened(world)
    expect(await offsets(log)).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('a crash between data and index leaves no index that misses or lies', async () => {
    const world = await written()
    await withFile(world.runtime, `${FIRST}.index`, file => file.truncate(8))
    await withFile(world.runtime, `${FIRST}.timeindex`, file => file.truncate(7))
    const log = await reopened(world)
    expect(log.segments[0]?.offsetIndex.entries).toBeGreaterThan(1)
    expect(await offsets(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('an index ahead of its data, as a power failure may leave it, is rebuilt', async () => {
    const world = await written()
    await withFile(world.runtime, `${FIRST}.log`, file => file.truncate(170))
    const log = await reopened(world)
    expect(await offsets(log)).toEqual([0, 1])
  })

  test('missing indexes are rebuilt', async () => {
    const world = await written()
    await world.runtime.disk.remove(`${FIRST}.index`)
    await world.runtime.disk.remove(`${FIRST}.timeindex`)
    const log = await reopened(world)
    expect(log.segments[0]?.offsetIndex.entries).toBeGreaterThan(1)
  })

  test('what recovery found is flushed where flush.messages asks for it, since nothing else would before it is told', async () => {
    const world = await written()
    const eager = { config: config({ 'flush.messages': 1 }) }
    world.runtime.disk.operations.length = 0
    expect((await reopened(world, eager)).recoveryPoint).toBe(10)
    const synced = world.runtime.disk.operations.filter(({ operation }) => operation === 'sync').map(({ path }) => path)
    expect(synced).toContain(`${FIRST}.log`)
    expect((await reopened(world)).recoveryPoint).toBe(0)
  })

  test('what was flushed is not read again', async () => {
    const world = await written()
    const log = await openLog(await restarted(world), { config: INDEXED, recoveryPoint: 10 })
    expect(log.recoveryPoint).toBe(10)
  })

  test('segments after the damage go, with their indexes and snapshots', async () => {
    const small = { config: config({ 'internal.segment.bytes': 250 }) }
    const world = await written(12, small)
    const before = await readLogDirectory(world.runtime.disk, DIRECTORY)
    const second = before.segments[1]
    expect(before.segments.length).toBeGreaterThan(3)
    const path = `${DIRECTORY}/${String(second?.baseOffset).padStart(20, '0')}.log`
    await withFile(world.runtime, path, file => file.truncate((second?.sizeInBytes ?? 0) - 1))
    const log = await reopened(world, small)
    expect(log.logEndOffset).toBe((second?.nextOffset ?? 0) - 1)
    expect(log.numberOfSegments).toBe(2)
    expect((await log.appendAsLeader(batch('next'), 3)).firstOffset).toBe(log.logEndOffset - 1)
  })

  test('a segment whose tail is missing at the end of a batch leaves no gap', async () => {
    const small = { config: config({ 'internal.segment.bytes': 250 }) }
    const world = await written(12, small)
    const before = await readLogDirectory(world.runtime.disk, DIRECTORY)
    const second = before.segments[1]
    const path = `${DIRECTORY}/${String(second?.baseOffset).padStart(20, '0')}.log`
    const batchBytes = (second?.sizeInBytes ?? 0) / (second?.batchCount ?? 1)
    await withFile(world.runtime, path, file => file.truncate((second?.sizeInBytes ?? 0) - batchBytes))
    const log = await reopened(world, small)
    expect(log.numberOfSegments).toBe(2)
  })

  test('epochs are rebuilt from the batches when their checkpoint is gone', async () => {
    const world = await written()
    await world.runtime.disk.remove(`${DIRECTORY}/leader-epoch-checkpoint`)
    const log = await reopened(world)
    expect(log.leaderEpochCache.entries).toEqual([{ epoch: 2, startOffset: 0 }])
  })

  test('files that wait for their deletion, and indexes without a segment, are removed', async () => {
    const world = await written()
    await withFile(world.runtime, `${FIRST}.log.deleted`, file => file.append(Buffer.alloc(10)))
    await withFile(world.runtime, `${DIRECTORY}/00000000000000000500.index`, file => file.append(Buffer.alloc(8)))
    await reopened(world)
    const names = await world.runtime.disk.list(DIRECTORY)
    expect(names.filter(name => name.includes('deleted') || name.includes('500'))).toEqual([])
  })

  test('a log start offset beyond what is left leaves an empty log that begins there', async () => {
    const log = await openLog(await restarted(await written()), { config: INDEXED, logStartOffset: 50 })
    expect([log.logStartOffset, log.logEndOffset, log.numberOfSegments]).toEqual([50, 50, 1])
    expect((await log.appendAsLeader(batch('next'), 3)).firstOffset).toBe(50)
  })
})

describe('producers after a restart', () => {
  const produce = (log: UnifiedLog, baseSequence: number) =>
    log.appendAsLeader(batch({ values: [`${baseSequence}`], producerId: 9, producerEpoch: 1, baseSequence }), 0)

  test('are known with their last five batches when the log was replayed', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    for (let sequence = 0; sequence < 7; sequence++) await produce(log, sequence)
    const after = await reopened(world, {})
    expect(await produce(after, 2)).toMatchObject({ duplicate: true, firstOffset: 2 })
    await expect(produce(after, 1)).rejects.toThrow(OutOfOrderSequenceError)
    await expect(produce(after, 8)).rejects.toThrow(OutOfOrderSequenceError)
    expect(await produce(after, 7)).toMatchObject({ duplicate: false, firstOffset: 7 })
  })

  test('are known with their last batch when only a snapshot was read', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    for (let sequence = 0; sequence < 3; sequence++) await produce(log, sequence)
    await log.closeCleanly()
    const after = await reopened(world, { hadCleanShutdown: true })
    expect(await produce(after, 2)).toMatchObject({ duplicate: true, firstOffset: 2 })
    await expect(produce(after, 1)).rejects.toThrow(OutOfOrderSequenceError)
    expect(await produce(after, 3)).toMatchObject({ duplicate: false, firstOffset: 3 })
  })

  test('are rebuilt from a snapshot and the records after it', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    for (let sequence = 0; sequence < 3; sequence++) await produce(log, sequence)
    await log.roll()
    for (let sequence = 3; sequence < 5; sequence++) await produce(log, sequence)
    const after = await reopened(world, { recoveryPoint: 3 })
    expect(after.producerStateManager.lastEntry(9)?.batches.map(known => known.lastSequence)).toEqual([2, 3, 4])
  })

  test('a torn snapshot is thrown away for the one before, or for the whole log', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    for (let sequence = 0; sequence < 3; sequence++) await produce(log, sequence)
    await log.closeCleanly()
    await withFile(world.runtime, `${DIRECTORY}/00000000000000000003.snapshot`, file => file.truncate(20))
    const after = await reopened(world, { hadCleanShutdown: true })
    expect(after.producerStateManager.lastEntry(9)?.lastSequence).toBe(2)
  })

  test('what was cut off a torn log is not remembered', async () => {
    const world = await createLogWorld()
    const log = await openLog(world)
    for (let sequence = 0; sequence < 3; sequence++) await produce(log, sequence)
    const size = log.sizeInBytes
    await withFile(world.runtime, `${FIRST}.log`, file => file.truncate(size - 1))
    const after = await reopened(world, {})
    expect(await produce(after, 2)).toMatchObject({ duplicate: false, firstOffset: 2 })
  })
})

describe('after a clean shutdown', () => {
  test('everything is on the platter and nothing is scanned for damage', async () => {
    const world = await createLogWorld()
    const log = await openLog(world, { config: INDEXED })
    for (let index = 0; index < 10; index++) await log.appendAsLeader(batch(`value ${index}`), 2)
    await log.closeCleanly()
    const after = await reopened(world, { config: INDEXED, hadCleanShutdown: true })
    expect([after.logEndOffset, after.recoveryPoint, after.truncatedBytes]).toEqual([10, 10, 0])
  })
})
