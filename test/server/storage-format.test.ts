import { describe, expect, test } from 'vitest'
import { formatIfNeeded, InconsistentStorageError } from '../../src/server/storage-format.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

describe('formatIfNeeded', () => {
  test('formats at the first start, and finds the same ids at the next', async () => {
    const runtime = createManualRuntime()

    const first = await formatIfNeeded(runtime, { logDirs: ['a', 'b'], nodeId: 1 })
    const second = await formatIfNeeded(runtime, { logDirs: ['a', 'b'], nodeId: 1 })

    expect(first.formatted).toEqual(['a', 'b'])
    expect(new Set(first.directoryIds.values()).size).toBe(2)
    expect(second).toEqual({ ...first, formatted: [] })
  })

  test('takes the cluster id that it is given', async () => {
    const runtime = createManualRuntime()

    const { clusterId } = await formatIfNeeded(runtime, { logDirs: ['a'], nodeId: 1, clusterId: 'given' })

    expect(clusterId).toBe('given')
  })

  test('formats a directory that was added, for the same cluster', async () => {
    const runtime = createManualRuntime()
    const { clusterId } = await formatIfNeeded(runtime, { logDirs: ['a'], nodeId: 1 })

    const second = await formatIfNeeded(runtime, { logDirs: ['b', 'a'], nodeId: 1 })

    expect(second.formatted).toEqual(['b'])
    expect(second.clusterId).toBe(clusterId)
  })

  test.each([
    ['another node', { nodeId: 2 }],
    ['another cluster', { nodeId: 1, clusterId: 'other' }],
  ])('refuses directories of %s', async (_what, options) => {
    const runtime = createManualRuntime()
    await formatIfNeeded(runtime, { logDirs: ['a'], nodeId: 1, clusterId: 'mine' })

    await expect(formatIfNeeded(runtime, { logDirs: ['a'], ...options })).rejects.toThrow(InconsistentStorageError)
  })
})
