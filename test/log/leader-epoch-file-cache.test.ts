import { beforeEach, describe, expect, test } from 'vitest'
import { leaderEpochCheckpointFile } from '../../src/log/leader-epoch-checkpoint-file.ts'
import { LeaderEpochFileCache } from '../../src/log/leader-epoch-file-cache.ts'
import { CorruptCheckpointError } from '../../src/log/log-errors.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'
import { fileBytes, withFile } from './log-fixture.ts'

let runtime: ManualRuntime
let cache: LeaderEpochFileCache

beforeEach(async () => {
  runtime = createManualRuntime()
  cache = await LeaderEpochFileCache.open(leaderEpochCheckpointFile(runtime, ''))
  await cache.assign(2, 0)
  await cache.assign(5, 10)
  await cache.assign(7, 25)
})

test('is on disk in the format of Kafka, and comes back from it', async () => {
  expect(String(await fileBytes(runtime, 'leader-epoch-checkpoint'))).toBe('0\n3\n2 0\n5 10\n7 25\n')
  const again = await LeaderEpochFileCache.open(leaderEpochCheckpointFile(runtime, ''))
  expect(again.entries).toEqual(cache.entries)
})

describe('the end of an epoch', () => {
  test.each([
    ['the newest epoch ends at the log end', 7, { epoch: 7, endOffset: 40 }],
    ['a known epoch ends where the next begins', 5, { epoch: 5, endOffset: 25 }],
    ['an unknown epoch between is answered with the one below', 6, { epoch: 5, endOffset: 25 }],
    ['an epoch before all ends where the first begins', 1, { epoch: 1, endOffset: 0 }],
    ['an epoch after all is unknown', 8, { epoch: -1, endOffset: -1 }],
    ['no epoch is unknown', -1, { epoch: -1, endOffset: -1 }],
  ])('%s', (_, epoch, expected) => {
    expect(cache.endOffsetFor(epoch, 40)).toEqual(expected)
  })
})

test('tells which epoch wrote an offset', () => {
  expect([0, 9, 10, 24, 25, 99].map(offset => cache.epochForOffset(offset))).toEqual([2, 2, 5, 5, 7, 7])
})

test('the same epoch again changes nothing and writes nothing', async () => {
  const before = runtime.disk.operations.length
  await cache.assign(7, 30)
  expect(runtime.disk.operations.length).toBe(before)
  expect(cache.latestEntry).toEqual({ epoch: 7, startOffset: 25 })
})

test('what a newer word contradicts is forgotten', async () => {
  await cache.assign(8, 10)
  expect(cache.entries).toEqual([
    { epoch: 2, startOffset: 0 },
    { epoch: 8, startOffset: 10 },
  ])
  await cache.assign(3, 20)
  expect(cache.latestEntry).toEqual({ epoch: 3, startOffset: 20 })
})

test('truncation drops epochs at the end and shortens the one at the start', async () => {
  await cache.truncateFromEnd(25)
  expect(cache.latestEpoch).toBe(5)
  await cache.truncateFromStart(12)
  expect(cache.entries).toEqual([{ epoch: 5, startOffset: 12 }])
})

test('a malformed checkpoint is an error that names it', async () => {
  await withFile(runtime, 'leader-epoch-checkpoint', async file => {
    await file.truncate(0)
    await file.append(Buffer.from('0\n2\n1 0\n'))
  })
  const opening = LeaderEpochFileCache.open(leaderEpochCheckpointFile(runtime, ''))
  await expect(opening).rejects.toThrow(CorruptCheckpointError)
  await expect(opening).rejects.toThrow('leader-epoch-checkpoint is malformed: it promises 2 entries and holds 1')
})
