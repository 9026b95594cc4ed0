import { describe, expect, it } from 'vitest'
import { PartitionAssignorError } from '../../../../src/coordinator/group/assignor/consumer-group-partition-assignor.ts'
import { RangeAssignor } from '../../../../src/coordinator/group/assignor/range-assignor.ts'
import { groupOf, type MemberSpec, named, topicsOf } from './support.ts'

function assign(topics: Record<string, number>, members: Record<string, MemberSpec>) {
  return named(new RangeAssignor().assign(groupOf(members), topicsOf(topics)))
}

describe('the range assignor', () => {
  it('gives members the same partitions of topics with equally many', () => {
    const members = { m0: { topics: ['a', 'b'] }, m1: { topics: ['a', 'b'] } }

    expect(assign({ a: 3, b: 3 }, members)).toEqual({
      m0: { a: [0, 1], b: [0, 1] },
      m1: { a: [2], b: [2] },
    })
  })

  it('gives the first members one more when it does not come out even, and the last ones nothing when there is not enough', () => {
    const topics = ['a', 'b']
    const members = { m0: { topics }, m1: { topics }, m2: { topics }, m3: { topics } }

    expect(assign({ a: 2, b: 6 }, members)).toEqual({
      m0: { a: [0], b: [0, 1] },
      m1: { a: [1], b: [2, 3] },
      m2: { b: [4] },
      m3: { b: [5] },
    })
  })

  it('divides each topic among those who read it', () => {
    const members = { m0: { topics: ['a', 'b'] }, m1: { topics: ['c'] }, m2: { topics: ['b', 'c'] } }

    expect(assign({ a: 3, b: 3, c: 2 }, members)).toEqual({
      m0: { a: [0, 1, 2], b: [0, 1] },
      m1: { c: [0] },
      m2: { b: [2], c: [1] },
    })
  })

  it('takes static members first, by their names, so that they keep their ranges under other ids', () => {
    const topics = ['a']
    const before = { m5: { topics, instanceId: 'i1' }, m6: { topics, instanceId: 'i2' }, m0: { topics } }
    const after = { m9: { topics, instanceId: 'i1' }, m1: { topics, instanceId: 'i2' }, m0: { topics } }

    expect(assign({ a: 3 }, before)).toEqual({ m5: { a: [0] }, m6: { a: [1] }, m0: { a: [2] } })
    expect(assign({ a: 3 }, after)).toEqual({ m9: { a: [0] }, m1: { a: [1] }, m0: { a: [2] } })
    for (const members of [
      { m0: { topics }, m1: { topics, instanceId: 'i' } },
      { m1: { topics, instanceId: 'i' }, m0: { topics } },
    ]) {
      expect(assign({ a: 2 }, members)).toEqual({ m0: { a: [1] }, m1: { a: [0] } })
    }
  })

  it('needs no members and no topics, but those that are read must exist', () => {
    expect(assign({}, {})).toEqual({})
    expect(assign({ a: 1 }, { m0: { topics: [] } })).toEqual({ m0: {} })
    expect(() => assign({ a: 1 }, { m0: { topics: ['b'] } })).toThrow(PartitionAssignorError)
  })
})
