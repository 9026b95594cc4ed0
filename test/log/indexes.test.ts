import { describe, expect, test } from 'vitest'
import { CorruptIndexError } from '../../src/log/log-errors.ts'
import { OffsetIndex } from '../../src/log/offset-index.ts'
import { TimeIndex } from '../../src/log/time-index.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'
import { fileBytes, withFile } from './log-fixture.ts'

describe('the offset index', () => {
  const open = (runtime = createManualRuntime(), maxBytes = 1000) =>
    OffsetIndex.open(runtime.disk, '100.index', 100, maxBytes)

  test('writes relative offset and position as two int32', async () => {
    const runtime = createManualRuntime()
    const { index } = await open(runtime)
    await index.append(105, 4096)
    expect((await fileBytes(runtime, '100.index')).toString('hex')).toBe('0000000500001000')
  })

  test('finds the last entry that is not above the offset', async () => {
    const { index } = await open()
    for (const [offset, position] of [
      [105, 50],
      [110, 90],
      [130, 200],
    ] as const)
      await index.append(offset, position)
    expect([100, 104, 105, 109, 110, 129, 130, 999].map(offset => index.lookup(offset).position)).toEqual([
      0, 0, 50, 50, 90, 90, 200, 200,
    ])
  })

  test('refuses offsets that do not rise, and is full at its bound', async () => {
    const { index } = await open(undefined, 20)
    await index.append(105, 50)
    await expect(async () => index.append(105, 60)).rejects.toThrow(RangeError)
    await index.append(106, 60)
    expect(index.isFull).toBe(true)
  })

  test('drops entries from an offset on, in the file too', async () => {
    const runtime = createManualRuntime()
    const { index } = await open(runtime)
    for (const offset of [105, 110, 130]) await index.append(offset, offset)
    await index.truncateTo(110)
    expect([index.entries, index.lastOffset]).toEqual([1, 105])
    expect(await fileBytes(runtime, '100.index')).toHaveLength(8)
  })

  test('is read again, without half an entry at its end', async () => {
    const runtime = createManualRuntime()
    const { index } = await open(runtime)
    await index.append(105, 50)
    await withFile(runtime, '100.index', file => file.append(Buffer.alloc(3)))
    const reopened = await open(runtime)
    expect([reopened.torn, reopened.index.entries, reopened.index.lastOffset]).toEqual([true, 1, 105])
  })

  test.each([
    ['zeros, as a power failure leaves them', [[0, 0]]],
    [
      'offsets that fall',
      [
        [5, 10],
        [4, 20],
      ],
    ],
    [
      'positions that fall',
      [
        [5, 20],
        [6, 10],
      ],
    ],
    ['positions beyond the segment', [[5, 5000]]],
  ] as const)('is corrupt with %s', async (_, entries) => {
    const runtime = createManualRuntime()
    const bytes = Buffer.alloc(entries.length * 8)
    entries.flat().forEach((value, at) => {
      bytes.writeInt32BE(value, at * 4)
    })
    await withFile(runtime, '100.index', file => file.append(bytes))
    const { index } = await open(runtime)
    expect(() => index.sanityCheck(1000)).toThrow(CorruptIndexError)
  })
})

describe('the time index', () => {
  const open = (runtime = createManualRuntime(), maxBytes = 1000) =>
    TimeIndex.open(runtime.disk, '100.timeindex', 100, maxBytes)

  test('writes timestamp as int64 and relative offset as int32', async () => {
    const runtime = createManualRuntime()
    const { index } = await open(runtime)
    await index.maybeAppend({ timestamp: 1_700_000_000_000, offset: 107 })
    expect((await fileBytes(runtime, '100.timeindex')).toString('hex')).toBe('0000018bcfe5680000000007')
  })

  test('takes only timestamps that rise, and keeps a place for the last one', async () => {
    const { index } = await open(undefined, 36)
    await index.maybeAppend({ timestamp: 10, offset: 101 })
    await index.maybeAppend({ timestamp: 10, offset: 102 })
    await index.maybeAppend({ timestamp: 20, offset: 103 })
    await index.maybeAppend({ timestamp: 30, offset: 104 })
    expect([index.entries, index.isFull]).toEqual([2, true])
    await index.maybeAppend({ timestamp: 30, offset: 104 }, true)
    expect(index.lastEntry).toEqual({ timestamp: 30, offset: 104 })
  })

  test('finds the last entry that is not younger, and drops entries by offset', async () => {
    const { index } = await open()
    for (const [timestamp, offset] of [
      [10, 101],
      [20, 105],
    ] as const)
      await index.maybeAppend({ timestamp, offset })
    expect([9, 10, 19, 20, 99].map(time => index.lookup(time).offset)).toEqual([100, 101, 101, 105, 105])
    await index.truncateTo(105)
    expect(index.lastEntry).toEqual({ timestamp: 10, offset: 101 })
  })

  test('is corrupt when it holds zeros or falls', async () => {
    const runtime = createManualRuntime()
    await withFile(runtime, '100.timeindex', file => file.append(Buffer.alloc(12)))
    const { index } = await open(runtime)
    expect(() => index.sanityCheck()).toThrow(CorruptIndexError)
  })
})

test('an index that an earlier process wrote is synced by the first flush', async () => {
  const runtime = createManualRuntime()
  const first = await OffsetIndex.open(runtime.disk, 'a.index', 0, 1000)
  await first.index.append(5, 5)
  const { index } = await OffsetIndex.open(runtime.disk, 'a.index', 0, 1000)
  runtime.disk.operations.length = 0
  await index.flush()
  await index.flush()
  expect(runtime.disk.operations.map(({ operation }) => operation)).toEqual(['sync'])
})
