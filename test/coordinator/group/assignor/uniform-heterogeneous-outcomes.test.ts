import { expect, test } from 'vitest'
import { UniformAssignor } from '../../../../src/coordinator/group/assignor/uniform-assignor.ts'
import { groupOf, type MemberSpec, named, type Partitions, topicsOf } from './support.ts'

interface Outcome {
  readonly topics: Readonly<Record<string, number>>
  readonly members: Readonly<Record<string, MemberSpec>>
  readonly assignment: Readonly<Record<string, Partitions>>
}

/** What Apache Kafka 4.2 makes of these groups, partition by partition (facts from its own tests). */
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  'a first assignment': {
    topics: { a: 3, c: 6 },
    members: { A: { topics: ['a', 'c'] }, B: { topics: ['c'] } },
    assignment: { A: { a: [0, 1, 2], c: [4] }, B: { c: [0, 1, 2, 3, 5] } },
  },
  'more members than partitions': {
    topics: { a: 2, c: 1 },
    members: { A: { topics: ['c'] }, B: { topics: ['c'] }, C: { topics: ['a'] } },
    assignment: { A: { c: [0] }, B: {}, C: { a: [0, 1] } },
  },
  'an assignment out of balance': {
    topics: { a: 6, b: 4, c: 4 },
    members: {
      A: { topics: ['a'], has: { a: [0, 1, 2] } },
      B: { topics: ['a', 'b'], has: { a: [3], b: [0] } },
      C: { topics: ['a', 'b', 'c'], has: { a: [4, 5], b: [1, 2, 3], c: [0, 1, 2, 3] } },
    },
    assignment: { A: { a: [0, 1, 2, 5] }, B: { a: [3], b: [0, 1, 2, 3] }, C: { a: [4], c: [0, 1, 2, 3] } },
  },
  'partitions are added': {
    topics: { a: 6, b: 5, c: 3, d: 3 },
    members: {
      A: { topics: ['a', 'c'], has: { a: [0, 1, 2, 3], c: [0, 1] } },
      B: { topics: ['a', 'b', 'c', 'd'], has: { b: [0, 1, 2], d: [0, 1, 2] } },
    },
    assignment: { A: { a: [0, 1, 2, 3, 4, 5], c: [0, 1, 2] }, B: { b: [0, 1, 2, 3, 4], d: [0, 1, 2] } },
  },
  'a member and partitions are added': {
    topics: { a: 6, b: 7 },
    members: {
      A: { topics: ['a'], has: { a: [0, 2], b: [0] } },
      B: { topics: ['a', 'b'], has: { a: [1], b: [1, 2] } },
      C: { topics: ['a', 'b'] },
    },
    assignment: { A: { a: [0, 2, 3, 4, 5] }, B: { a: [1], b: [1, 2, 6] }, C: { b: [0, 3, 4, 5] } },
  },
  'a member has gone': {
    topics: { a: 3, b: 8, c: 3 },
    members: {
      A: { topics: ['a', 'c'], has: { a: [0, 1, 2], c: [0, 1] } },
      B: { topics: ['b'], has: { b: [3, 4, 5, 6] } },
    },
    assignment: { A: { a: [0, 1, 2], c: [0, 1, 2] }, B: { b: [0, 1, 2, 3, 4, 5, 6, 7] } },
  },
  'a subscription has gone': {
    topics: { a: 3, b: 5 },
    members: {
      A: { topics: ['a'], has: { a: [0, 2], b: [1, 3] } },
      B: { topics: ['a', 'b'], has: { a: [1], b: [0, 2, 4] } },
    },
    assignment: { A: { a: [0, 1, 2] }, B: { b: [0, 1, 2, 3, 4] } },
  },
  'one member has all': {
    topics: { a: 2, b: 2, c: 2 },
    members: {
      A: { topics: ['a', 'b', 'c'], has: { a: [0, 1], b: [0, 1], c: [0, 1] } },
      B: { topics: ['a', 'b', 'c'] },
    },
    assignment: { A: { b: [0], c: [0, 1] }, B: { a: [0, 1], b: [1] } },
  },
  'one member reads nothing': {
    topics: { a: 3 },
    members: { A: { topics: ['a'] }, B: { topics: [] } },
    assignment: { A: { a: [0, 1, 2] }, B: {} },
  },
}

test.each(Object.entries(OUTCOMES))('%s: the same as in Kafka', (_, { topics, members, assignment }) => {
  const group = { ...groupOf(members), subscriptionType: 'heterogeneous' as const }

  expect(named(new UniformAssignor().assign(group, topicsOf(topics)))).toEqual(assignment)
})
