import { describe, expect, test } from 'vitest'
import { StripedReplicaPlacer, type UsableBroker } from '../../src/controller/striped-replica-placer.ts'
import { aleaStream } from '../../src/runtime/random-alea.ts'

function brokers(racks: Readonly<Record<number, string | null>>, fenced: number[] = []): UsableBroker[] {
  return Object.entries(racks).map(([id, rack]) => ({ id: Number(id), rack, fenced: fenced.includes(Number(id)) }))
}

function place(partitions: number, factor: number, list: UsableBroker[], seed = 'seed') {
  return new StripedReplicaPlacer(aleaStream(seed)).place(partitions, factor, list)
}

describe('StripedReplicaPlacer', () => {
  test('puts replicas of a partition in different racks', () => {
    const list = brokers({ 1: 'a', 2: 'a', 3: 'b', 4: 'b', 5: 'c', 6: 'c' })
    const rackOf = new Map(list.map(({ id, rack }) => [id, rack]))

    for (const replicas of place(60, 3, list)) expect(new Set(replicas.map(id => rackOf.get(id))).size).toBe(3)
  })

  test('lets each broker lead as often as the others', () => {
    const leaders = place(400, 2, brokers({ 1: null, 2: null, 3: null, 4: null })).map(([leader]) => leader)

    for (const id of [1, 2, 3, 4]) expect(leaders.filter(leader => leader === id)).toHaveLength(100)
  })

  test('never puts two replicas on one broker, and no leader on a fenced one', () => {
    for (const replicas of place(200, 3, brokers({ 1: 'a', 2: 'a', 3: 'a', 4: 'b' }, [4, 2]))) {
      expect(new Set(replicas).size).toBe(3)
      expect([1, 3]).toContain(replicas[0])
    }
  })

  test('gives the same placement for the same draws', () => {
    const list = brokers({ 1: 'a', 2: 'b', 3: 'c' })

    expect(place(20, 2, list, 'x')).toEqual(place(20, 2, list, 'x'))
  })

  test.each([
    ['more replicas than brokers', 3, brokers({ 1: null, 2: null })],
    ['only fenced brokers', 1, brokers({ 1: null }, [1])],
    ['no brokers', 1, []],
    ['no replicas', 0, brokers({ 1: null })],
  ])('refuses %s', (_what, factor, list) => {
    expect(() => place(1, factor, list)).toThrow(expect.objectContaining({ errorName: 'INVALID_REPLICATION_FACTOR' }))
  })
})
