import { describe, expect, test } from 'vitest'
import { BatchAccumulator } from '../../src/raft/batch-accumulator.ts'
import { LeaderState } from '../../src/raft/leader-state.ts'
import { stringSerde } from './recorder.ts'

const WALL_MS = 1_700_000_000_000

/** Node 1 leads epoch 5, which begins at offset 10. */
function leading(voterIds: readonly number[]): LeaderState<string> {
  const accumulator = new BatchAccumulator({ epoch: 5, baseOffset: 11, lingerMs: 0, serde: stringSerde })
  return new LeaderState({
    nodeId: 1,
    voterIds,
    epoch: 5,
    epochStartOffset: 10,
    fetchTimeoutMs: 2000,
    nowMs: 0,
    accumulator,
  })
}

describe('LeaderState', () => {
  test.each([
    [[1], [], 15],
    [[1, 2], [12], 12],
    [[1, 2, 3], [12], 12],
    [[1, 2, 3], [12, 14], 14],
    [[1, 2, 3, 4], [12, 14], 12],
    [[1, 2, 3, 4, 5], [12, 14], 12],
    [[1, 2, 3, 4, 5], [12, 14, 13], 13],
  ])('of voters %j, of which others are at %j, counts up to %i', (voterIds, others, expected) => {
    const state = leading(voterIds)
    state.updateLocal(15)
    others.forEach((offset, index) => {
      state.updateReplica(index + 2, offset, 1, WALL_MS)
    })

    expect(state.highWatermark).toBe(expected)
  })

  test('counts nothing before a majority has a record of its own epoch', () => {
    const state = leading([1, 2, 3])
    state.updateLocal(11)

    expect(state.updateReplica(2, 10, 1, WALL_MS)).toBe(false)
    expect(state.highWatermark).toBeUndefined()
    expect(state.updateReplica(2, 11, 2, WALL_MS)).toBe(true)
    expect(state.highWatermark).toBe(11)
  })

  test('counts itself only up to what it has on disk, and never goes back', () => {
    const state = leading([1, 2, 3])
    state.updateReplica(2, 14, 1, WALL_MS)
    expect(state.highWatermark).toBeUndefined()

    state.updateLocal(12)
    expect(state.highWatermark).toBe(12)
    expect(state.updateReplica(2, 11, 2, WALL_MS)).toBe(false)
    expect(state.highWatermark).toBe(12)
  })

  test('an observer does not count', () => {
    const state = leading([1, 2, 3])
    state.updateLocal(15)

    expect(state.updateReplica(4, 15, 1, WALL_MS)).toBe(false)
    expect(state.highWatermark).toBeUndefined()
    expect([...state.observers(2)].map(({ id, endOffset }) => [id, endOffset])).toEqual([[4, 15]])
    expect([...state.observers(300_001)]).toEqual([])
  })

  test('a majority has to fetch within one and a half fetch timeouts', () => {
    const state = leading([1, 2, 3, 4, 5])

    expect(state.timeUntilCheckQuorumExpiresMs(1000)).toBe(2000)
    state.updateReplica(2, 11, 1000, WALL_MS)
    state.updateReplica(2, 11, 1500, WALL_MS)
    expect(state.timeUntilCheckQuorumExpiresMs(1500)).toBe(1500)
    state.onVoterFetch(3, 1600)
    expect(state.timeUntilCheckQuorumExpiresMs(1600)).toBe(3000)
    expect(state.timeUntilCheckQuorumExpiresMs(4600)).toBe(0)
    expect(leading([1]).timeUntilCheckQuorumExpiresMs(1_000_000)).toBe(Number.POSITIVE_INFINITY)
  })

  test('tells the voters that do not fetch who leads, at once and then twice a fetch timeout', () => {
    const state = leading([1, 2, 3])

    expect(state.timeUntilBeginQuorumMs(0)).toBe(0)
    expect(state.votersToTell(0)).toEqual([2, 3])
    expect(state.timeUntilBeginQuorumMs(400)).toBe(600)
    state.updateReplica(2, 11, 500, WALL_MS)
    expect(state.votersToTell(1000)).toEqual([3])
  })

  test('names the voter with the longest log as its first successor', () => {
    const state = leading([1, 2, 3, 4])
    state.updateReplica(2, 12, 1, WALL_MS)
    state.updateReplica(4, 13, 1, WALL_MS)

    expect(state.successors()).toEqual([4, 2, 3])
  })

  test('knows when a replica had all there was', () => {
    const state = leading([1, 2, 3])
    state.updateLocal(12)
    const times = (): [number, number] => {
      const voter = [...state.voters].find(({ id }) => id === 2)
      return [voter?.lastFetchTimestamp ?? 0, voter?.lastCaughtUpTimestamp ?? 0]
    }

    expect(times()).toEqual([-1, -1])
    state.updateReplica(2, 11, 1, 1000)
    expect(times()).toEqual([1000, -1])
    state.updateLocal(14)
    state.updateReplica(2, 12, 2, 2000)
    expect(times()).toEqual([2000, 1000])
    state.updateReplica(2, 14, 3, 3000)
    expect(times()).toEqual([3000, 3000])
  })
})
