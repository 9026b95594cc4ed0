import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionAssignorError } from '../../../../src/coordinator/group/assignor/consumer-group-partition-assignor.ts'
import { RangeAssignor } from '../../../../src/coordinator/group/assignor/range-assignor.ts'
import { UniformAssignor } from '../../../../src/coordinator/group/assignor/uniform-assignor.ts'
import { groupOf, type MemberSpec, named, type Partitions, sizeOf, topicsOf } from './support.ts'

function assign(topics: Record<string, number>, members: Record<string, MemberSpec>) {
  return named(new UniformAssignor().assign(groupOf(members), topicsOf(topics)))
}

describe('the uniform assignor, when all members read the same topics', () => {
  const topics = ['a', 'b']

  it('gives all equally many', () => {
    const sizes = Object.values(assign({ a: 3, b: 4 }, { m0: { topics }, m1: { topics }, m2: { topics } })).map(sizeOf)

    expect(sizes.sort()).toEqual([2, 2, 3])
  })

  it('moves only what a new member needs', () => {
    const members = {
      m0: { topics, has: { a: [0, 1, 2], b: [0] } },
      m1: { topics, has: { b: [1, 2] } },
      m2: { topics },
    }

    expect(assign({ a: 3, b: 3 }, members)).toEqual({ m0: { a: [0, 1] }, m1: { b: [1, 2] }, m2: { a: [2], b: [0] } })
  })

  it('gives what a member has left behind to those who have least', () => {
    const members = { m0: { topics, has: { a: [0, 1] } }, m1: { topics, has: { b: [0] } } }

    expect(assign({ a: 2, b: 2 }, members)).toEqual({ m0: { a: [0, 1] }, m1: { b: [0, 1] } })
  })

  it('leaves the extra partition with whoever has it', () => {
    const members = { m0: { topics, has: { a: [0] } }, m1: { topics, has: { a: [1, 2] } } }

    expect(assign({ a: 3, b: 0 }, members)).toEqual({ m0: { a: [0] }, m1: { a: [1, 2] } })
  })

  it('takes topics away that nobody reads any more', () => {
    expect(assign({ a: 2 }, { m0: { topics: ['a'], has: { a: [0], z: [0, 1] } } })).toEqual({ m0: { a: [0, 1] } })
  })

  it('needs no members and no topics, but those that are read must exist', () => {
    expect(assign({}, {})).toEqual({})
    expect(assign({ a: 1 }, { m0: { topics: [] } })).toEqual({})
    expect(() => assign({ a: 1 }, { m0: { topics: ['b'] } })).toThrow(PartitionAssignorError)
  })
})

describe('the uniform assignor, when members read different topics', () => {
  it('gives each what only it can read and evens out the rest', () => {
    const members = { m0: { topics: ['a', 'b'] }, m1: { topics: ['b'] } }

    expect(assign({ a: 3, b: 5 }, members)).toEqual({ m0: { a: [0, 1, 2], b: [4] }, m1: { b: [0, 1, 2, 3] } })
  })

  it('deals out first the topics with most partitions a reader', () => {
    const topics = ['a', 'b']

    expect(assign({ a: 1, b: 4, c: 1 }, { m0: { topics }, m1: { topics }, m2: { topics: ['c'] } })).toEqual({
      m0: { a: [0], b: [0, 2] },
      m1: { b: [1, 3] },
      m2: { c: [0] },
    })
  })

  it('moves partitions from the most loaded to the least loaded', () => {
    const members = { m0: { topics: ['a', 'b'], has: { a: [0, 1, 2, 3], b: [0, 1] } }, m1: { topics: ['a'] } }

    expect(assign({ a: 4, b: 2 }, members)).toEqual({ m0: { a: [0], b: [0, 1] }, m1: { a: [1, 2, 3] } })
  })

  it('takes topics away that a member does not read any more', () => {
    const members = { m0: { topics: ['a'], has: { a: [0], b: [0] } }, m1: { topics: ['b'] } }

    expect(assign({ a: 1, b: 1 }, members)).toEqual({ m0: { a: [0] }, m1: { b: [0] } })
  })

  it('needs that all topics exist', () => {
    expect(() => assign({ a: 1 }, { m0: { topics: ['a'] }, m1: { topics: ['b'] } })).toThrow(PartitionAssignorError)
  })
})

const TOPICS = ['a', 'b', 'c', 'd']

const partitionCounts = fc.record({ a: fc.nat(9), b: fc.nat(9), c: fc.nat(9), d: fc.nat(9) })
const subscriptions = fc.dictionary(fc.constantFrom('m0', 'm1', 'm2', 'm3', 'm4', 'm5'), fc.subarray(TOPICS), {
  minKeys: 1,
})
const sameSubscriptions = fc
  .tuple(fc.subarray(TOPICS, { minLength: 1 }), fc.integer({ min: 1, max: 6 }))
  .map(([topics, size]) => Object.fromEntries(Array.from({ length: size }, (_, member) => [`m${member}`, topics])))

type Subscriptions = Readonly<Record<string, readonly string[]>>
type Counts = Readonly<Record<string, number>>

/** What members have that do not share partitions: each partition is dealt to one of them, or to nobody. */
function dealtOut(counts: Counts, members: readonly string[], deal: readonly number[]): Record<string, Partitions> {
  const all = Object.entries(counts).flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  )
  const ownerOf = (index: number) => members[(deal[index % deal.length] ?? 0) % (members.length + 1)]
  const of = (member: string) => all.filter((_, index) => ownerOf(index) === member)
  return Object.fromEntries(
    members.map(member => [
      member,
      Object.fromEntries(
        TOPICS.map(topic => [topic, of(member).filter(one => one.topic === topic)] as const)
          .filter(([, owned]) => owned.length > 0)
          .map(([topic, owned]) => [topic, owned.map(({ partition }) => partition)]),
      ),
    ]),
  )
}

function specsOf(subscribed: Subscriptions, has: Readonly<Record<string, Partitions>>): Record<string, MemberSpec> {
  return Object.fromEntries(
    Object.entries(subscribed).map(([member, topics]) => [member, { topics, has: has[member] ?? {} }]),
  )
}

/** Every partition that somebody reads is with exactly one of those who read it; nothing else is with anybody. */
function expectWhole(
  counts: Counts,
  subscribed: Subscriptions,
  assignment: Readonly<Record<string, Partitions>>,
): void {
  const owned: string[] = []
  for (const [member, partitions] of Object.entries(assignment)) {
    for (const [topic, numbers] of Object.entries(partitions)) {
      expect(subscribed[member]).toContain(topic)
      owned.push(...numbers.map(number => `${topic}-${number}`))
    }
  }
  const read = TOPICS.filter(topic => Object.values(subscribed).some(topics => topics.includes(topic)))
  const all = read.flatMap(topic => Array.from({ length: counts[topic] ?? 0 }, (_, number) => `${topic}-${number}`))
  expect(owned.sort()).toEqual(all.sort())
}

describe('any assignment', () => {
  const deal = fc.array(fc.nat(6), { minLength: 1, maxLength: 40 })

  it('gives every partition that is read to one member who reads it', () => {
    fc.assert(
      fc.property(partitionCounts, fc.oneof(subscriptions, sameSubscriptions), deal, (counts, subscribed, dealing) => {
        const group = groupOf(specsOf(subscribed, dealtOut(counts, Object.keys(subscribed), dealing)))
        for (const assignor of [new UniformAssignor(), new RangeAssignor()]) {
          expectWhole(counts, subscribed, named(assignor.assign(group, topicsOf(counts))))
        }
      }),
      { numRuns: 500, seed: 848 },
    )
  })

  it('that is uniform, of the same topics, differs by one at most and moves no more than it must', () => {
    fc.assert(
      fc.property(partitionCounts, sameSubscriptions, deal, (counts, subscribed, dealing) => {
        const has = dealtOut(counts, Object.keys(subscribed), dealing)
        const assignment = assign(counts, specsOf(subscribed, has))

        const sizes = Object.keys(subscribed).map(member => sizeOf(assignment[member]))
        const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
        expect(most - least).toBeLessThanOrEqual(1)
        for (const [member, topics] of Object.entries(subscribed)) {
          const had = Object.entries(has[member] ?? {}).filter(([topic]) => topics.includes(topic))
          const kept = had.flatMap(([topic, numbers]) => numbers.filter(n => assignment[member]?.[topic]?.includes(n)))
          const readable = had.reduce((size, [, numbers]) => size + numbers.length, 0)
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(readable, least))
        }
      }),
      { numRuns: 1000, seed: 849 },
    )
  })

  it('that is uniform is left as it is when nothing has changed', () => {
    fc.assert(
      fc.property(partitionCounts, fc.oneof(subscriptions, sameSubscriptions), deal, (counts, subscribed, dealing) => {
        const has = dealtOut(counts, Object.keys(subscribed), dealing)
        const once = assign(counts, specsOf(subscribed, has))

        const twice = assign(counts, specsOf(subscribed, once))

        expect(twice).toEqual(once)
      }),
      { numRuns: 500, seed: 850 },
    )
  })

  it('that is uniform is balanced among those who read the same', () => {
    fc.assert(
      fc.property(partitionCounts, subscriptions, deal, (counts, subscribed, dealing) => {
        const assignment = assign(counts, specsOf(subscribed, dealtOut(counts, Object.keys(subscribed), dealing)))
        const sizes = new Map<string, number[]>()
        for (const [member, topics] of Object.entries(subscribed)) {
          const key = topics.join()
          sizes.set(key, [...(sizes.get(key) ?? []), sizeOf(assignment[member])])
        }
        for (const of of sizes.values()) expect(Math.max(...of) - Math.min(...of)).toBeLessThanOrEqual(1)
      }),
      { numRuns: 1000, seed: 851 },
    )
  })
})
