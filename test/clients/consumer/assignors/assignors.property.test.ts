import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CooperativeStickyAssignor } from '../../../../src/clients/consumer/assignors/cooperative-sticky-assignor.ts'
import { RangeAssignor } from '../../../../src/clients/consumer/assignors/range-assignor.ts'
import { RoundRobinAssignor } from '../../../../src/clients/consumer/assignors/round-robin-assignor.ts'
import { StickyAssignor } from '../../../../src/clients/consumer/assignors/sticky-assignor.ts'
import type {
  Assignment,
  ConsumerPartitionAssignor,
  Subscription,
} from '../../../../src/clients/consumer/consumer-partition-assignor.ts'
import { partitionKey, type TopicPartition } from '../../../../src/protocol/topic-partition.ts'
import { cluster, subscription } from './group-under-test.ts'

const RACKS = ['a', 'b', 'c']

interface Group {
  readonly topics: Readonly<Record<string, number>>
  readonly replicationFactor: number
  readonly members: ReadonlyMap<string, Subscription>
}

/**
 * @param isUniform whether all members subscribe to the same topics
 * @param hasRacks members in racks are given what is closer to them, also when that moves it (KIP-881)
 */
function group(isUniform: boolean, hasRacks = true): fc.Arbitrary<Group> {
  const member = fc.record({
    topics: fc.subarray(['t0', 't1', 't2', 't3'], { minLength: 1 }),
    rackId: hasRacks ? fc.constantFrom(undefined, ...RACKS) : fc.constant(undefined),
    isStatic: fc.boolean(),
  })
  return fc
    .record({
      counts: fc.tuple(fc.nat(7), fc.nat(7), fc.nat(7), fc.nat(7)),
      replicationFactor: fc.integer({ min: 1, max: 3 }),
      members: fc.array(member, { minLength: 1, maxLength: 7 }),
    })
    .map(({ counts, replicationFactor, members }) => ({
      topics: Object.fromEntries(counts.map((count, index) => [`t${index}`, count])),
      replicationFactor,
      members: new Map(
        members.map(({ topics, rackId, isStatic }, index) => [
          `member-${index}`,
          subscription(isUniform ? (members[0]?.topics ?? []) : topics, {
            rackId,
            groupInstanceId: isStatic ? `i${index}` : undefined,
          }),
        ]),
      ),
    }))
}

function assign(
  assignor: ConsumerPartitionAssignor,
  { topics, replicationFactor, members }: Group,
): ReadonlyMap<string, Assignment> {
  return assignor.assign(cluster(topics, RACKS, replicationFactor), members)
}

/** No partition twice, none missing that somebody has subscribed to, none for who has not. */
function expectComplete({ topics, members }: Group, assignment: ReadonlyMap<string, Assignment>): void {
  const given = [...assignment.values()].flatMap(({ partitions }) => partitions.map(partitionKey)).sort()
  const wanted = new Set([...members.values()].flatMap(member => member.topics))
  const expected = [...wanted].flatMap(topic =>
    Array.from({ length: topics[topic] ?? 0 }, (_, partition) => partitionKey({ topic, partition })),
  )
  expect(given).toEqual(expected.sort())
  for (const [member, { partitions }] of assignment) {
    for (const { topic } of partitions) expect(members.get(member)?.topics).toContain(topic)
  }
  expect([...assignment.keys()].sort()).toEqual([...members.keys()].sort())
}

function sizesOf(assignment: ReadonlyMap<string, Assignment>): number[] {
  return [...assignment.values()].map(({ partitions }) => partitions.length)
}

const withOwned = (owned: readonly TopicPartition[], of: Subscription, userData: Buffer | null): Subscription => ({
  ...of,
  userData,
  ownedPartitions: owned,
  generationId: 1,
})

/** The group once its members have got an assignment, as they tell it when they join again. */
function rejoined(
  before: Group,
  assignment: ReadonlyMap<string, Assignment>,
  create: () => ConsumerPartitionAssignor,
): Group {
  const members = new Map<string, Subscription>()
  for (const [member, of] of before.members) {
    const given = assignment.get(member) ?? { partitions: [], userData: null }
    const assignor = create()
    assignor.onAssignment(given, { groupId: 'group', generationId: 1, memberId: member, groupInstanceId: undefined })
    members.set(member, withOwned(given.partitions, of, assignor.subscriptionUserData(of.topics)))
  }
  return { ...before, members }
}

describe.each([
  ['range', () => new RangeAssignor()],
  ['roundrobin', () => new RoundRobinAssignor()],
  ['sticky', () => new StickyAssignor()],
  ['cooperative-sticky', () => new CooperativeStickyAssignor()],
])('the %s assignor', (_, create) => {
  test('gives every partition to one member that has subscribed to it', () => {
    fc.assert(
      fc.property(fc.oneof(group(true), group(false)), drawn => {
        expectComplete(drawn, assign(create(), drawn))
      }),
    )
  })

  test('does not depend on who asks', () => {
    fc.assert(
      fc.property(group(false), drawn => {
        const reversed = { ...drawn, members: new Map([...drawn.members].reverse()) }
        const [one, other] = [assign(create(), drawn), assign(create(), reversed)]
        for (const [member, { partitions }] of one) {
          expect(other.get(member)?.partitions.map(partitionKey).sort()).toEqual(partitions.map(partitionKey).sort())
        }
      }),
    )
  })
})

describe.each([
  ['sticky', () => new StickyAssignor()],
  ['cooperative-sticky', () => new CooperativeStickyAssignor()],
])('the %s assignor', (_, create) => {
  test('changes nothing when nothing has changed', () => {
    fc.assert(
      fc.property(fc.oneof(group(true, false), group(false, false)), drawn => {
        const first = assign(create(), drawn)
        const second = assign(create(), rejoined(drawn, first, create))
        for (const [member, { partitions }] of first) {
          expect(second.get(member)?.partitions.map(partitionKey).sort()).toEqual(partitions.map(partitionKey).sort())
        }
      }),
    )
  })

  test('leaves with the others what they had when a member goes, as far as that is balanced', () => {
    fc.assert(
      fc.property(
        group(true, false).filter(({ members }) => members.size > 1),
        drawn => {
          const first = assign(create(), drawn)
          const before = rejoined(drawn, first, create)
          const members = new Map([...before.members].slice(1))
          const second = assign(create(), { ...before, members })
          for (const [member, { partitions }] of second) {
            const had = first.get(member)?.partitions.map(partitionKey) ?? []
            expect(partitions.map(partitionKey)).toEqual(expect.arrayContaining(had))
          }
        },
      ),
    )
  })
})

describe.each([
  ['roundrobin', () => new RoundRobinAssignor()],
  ['sticky', () => new StickyAssignor()],
  ['cooperative-sticky', () => new CooperativeStickyAssignor()],
])('the %s assignor', (_, create) => {
  test('gives all members as many partitions, or one more, when all subscribe to the same', () => {
    fc.assert(
      fc.property(group(true), drawn => {
        const sizes = sizesOf(assign(create(), drawn))
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })
})

test('the cooperative sticky assignor never gives what is owned by one to another at once', () => {
  fc.assert(
    fc.property(group(false, false), group(false, false), (one, two) => {
      const joined = rejoined(one, assign(new CooperativeStickyAssignor(), one), () => new CooperativeStickyAssignor())
      const members = new Map([...joined.members, ...[...two.members].map(([id, of]) => [`new-${id}`, of] as const)])
      const changed = { ...joined, members }
      const assignment = assign(new CooperativeStickyAssignor(), changed)
      const owners = new Map<string, string>()
      for (const [member, { ownedPartitions }] of members) {
        for (const partition of ownedPartitions) owners.set(partitionKey(partition), member)
      }
      for (const [member, { partitions }] of assignment) {
        for (const partition of partitions) expect([undefined, member]).toContain(owners.get(partitionKey(partition)))
      }
      // Once they have given away what they must, the rest is given out; balancing that may take another turn.
      let settled = assignment
      for (let turn = 0; turn < 4; turn++)
        settled = assign(
          new CooperativeStickyAssignor(),
          rejoined(changed, settled, () => new CooperativeStickyAssignor()),
        )
      expectComplete(changed, settled)
    }),
  )
})
