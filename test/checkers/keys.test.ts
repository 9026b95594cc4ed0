import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../harness/checkers/evidence.ts'
import { keyOrder } from '../../harness/checkers/key-order.ts'
import { noPhantoms } from '../../harness/checkers/no-phantoms.ts'
import { onePartitionPerKey } from '../../harness/checkers/one-partition-per-key.ts'
import { GroupHistory } from '../../harness/history/group-history.ts'
import { History, recordId } from '../../harness/history/history.ts'
import type { ProducerSpec } from '../../harness/trial/scenario.ts'
import { GROUP } from './group-support.ts'
import { healthy, indeterminate, kinds, log, ok, PRODUCER, scenarioOf } from './support.ts'

interface Keyed {
  readonly producer?: number
  readonly send: number
  readonly key: string
  readonly isOpen?: boolean
}

function idOf({ producer = 0, send, key }: Keyed): string {
  return recordId(producer, send, 0, key)
}

/**
 * Sends by key, what stands in partitions 0 and 1 of the log, and what the sink got, one after the other.
 */
function evidenceOf(
  sends: readonly Keyed[],
  logs: readonly (readonly Keyed[])[],
  processed: readonly Keyed[] = [],
  producers: readonly ProducerSpec[] = [PRODUCER, PRODUCER],
): Evidence {
  const history = new History()
  for (const [index, keyed] of sends.entries()) {
    const { producer = 0, send, key, isOpen = false } = keyed
    const call = { producer, send, key, partition: -1, records: [idOf(keyed)], acks: -1, afterHealing: false } as const
    const operation = history.invoke({ ...call, invokedMs: index })
    history.settle(operation, isOpen ? indeterminate() : ok(0), 1)
  }
  const group = new GroupHistory()
  for (const [offset, keyed] of processed.entries()) {
    const record = { partition: 1, offset, id: idOf(keyed), effect: true }
    group.add({ member: 0, run: 1, ms: 100 + offset, kind: 'processed', ...record })
  }
  return healthy({
    scenario: scenarioOf(producers),
    history,
    logs: logs.map((keyed, partition) => log(keyed.map(idOf), { partition })),
    groups: [
      {
        groupId: 'group-0',
        spec: GROUP,
        events: group.events,
        commits: [],
        dropped: 0,
        committed: [-1, -1],
        recovery: { converged: true, tookMs: 1, missing: [] },
        closed: [],
      },
    ],
  })
}

const FIRST: Keyed = { send: 0, key: 'k0' }
const SECOND: Keyed = { send: 1, key: 'k0' }
const THIRD: Keyed = { send: 2, key: 'k0' }

describe('key-order', () => {
  it('tells of a record that is processed before an earlier one of its key and producer', () => {
    expect(keyOrder(evidenceOf([FIRST, SECOND], [], [SECOND, FIRST]))).toEqual([
      {
        guarantee: 'key-order',
        kind: 'key-processed-out-of-order',
        message:
          'Producer 0 sent k0-p0-s0-r0 before k0-p0-s1-r0 by key k0 and both were acknowledged, but member 0 of group-0 processed k0-p0-s1-r0 (offset 0 of partition 1) at 100 ms, before member 0 of group-0 processed k0-p0-s0-r0 (offset 1 of partition 1) at 101 ms.',
      },
    ])
  })

  it('allows what a rebalance repeats: a suffix of what was processed, again and in order', () => {
    expect(keyOrder(evidenceOf([FIRST, SECOND, THIRD], [], [FIRST, SECOND, FIRST, SECOND, THIRD]))).toEqual([])
  })

  it('does not take a repetition for what fills a gap', () => {
    const violations = keyOrder(evidenceOf([FIRST, SECOND, THIRD], [], [FIRST, THIRD, FIRST, SECOND, THIRD]))
    expect(kinds(violations)).toEqual(['key-processed-out-of-order'])
  })

  it('says nothing of other keys, of other producers of the same key, and of sends without an end', () => {
    const otherKey: Keyed = { send: 1, key: 'k1' }
    const otherProducer: Keyed = { producer: 1, send: 0, key: 'k0' }
    const open: Keyed = { send: 3, key: 'k0', isOpen: true }

    expect(keyOrder(evidenceOf([FIRST, otherKey], [], [otherKey, FIRST]))).toEqual([])
    expect(keyOrder(evidenceOf([FIRST, otherProducer], [], [otherProducer, FIRST]))).toEqual([])
    expect(keyOrder(evidenceOf([open, SECOND], [], [SECOND, open]))).toEqual([])
  })

  it('leaves records that nobody processed to at-least-once', () => {
    expect(keyOrder(evidenceOf([FIRST, SECOND], [], [SECOND]))).toEqual([])
  })
})

describe('one-partition-per-key', () => {
  it('holds where every key is where its hash says', () => {
    // Of two partitions murmur2 puts k0 into the second and k4 into the first.
    const even: Keyed = { send: 2, key: 'k4' }
    expect(onePartitionPerKey(evidenceOf([FIRST, SECOND, even], [[even], [FIRST, SECOND]]))).toEqual([])
  })

  it('tells of a key in two partitions, whoever put it there', () => {
    const producers: ProducerSpec[] = [
      { ...PRODUCER, client: 'platformatic' },
      { ...PRODUCER, client: 'platformatic' },
    ]
    const other: Keyed = { producer: 1, send: 0, key: 'k0' }
    const violations = onePartitionPerKey(evidenceOf([FIRST, other], [[other], [FIRST]], [], producers))

    expect(kinds(violations)).toEqual(['key-in-two-partitions'])
    expect(violations[0]?.message).toBe(
      'Key k0 is in two partitions: record k0-p1-s0-r0 of producer 1 stands at offset 0 of partition 0, record k0-p0-s0-r0 of producer 0 stands at offset 0 of partition 1.',
    )
  })

  it('tells of a key that is not where murmur2 has it, of all that say that they do as the Java client', () => {
    const misplaced = (producer: ProducerSpec): string[] =>
      kinds(onePartitionPerKey(evidenceOf([FIRST], [[FIRST], []], [], [producer])))

    expect(misplaced(PRODUCER)).toEqual(['key-not-where-its-hash-says'])
    expect(misplaced({ ...PRODUCER, client: 'java-semantics' })).toEqual(['key-not-where-its-hash-says'])
    expect(misplaced({ ...PRODUCER, client: 'platformatic', partitioner: 'java' })).toEqual([
      'key-not-where-its-hash-says',
    ])
    expect(misplaced({ ...PRODUCER, client: 'platformatic', partitioner: 'own' })).toEqual([])
  })
})

describe('no-phantoms', () => {
  it('leaves it to one-partition-per-key where a key is', () => {
    expect(kinds(noPhantoms(evidenceOf([FIRST], [[FIRST], []])))).toEqual([])
  })
})
