import { describe, expect, it } from 'vitest'
import type { PartitionLog } from '../../harness/checkers/evidence.ts'
import { stableOffsets } from '../../harness/checkers/stable-offsets.ts'
import { History } from '../../harness/history/history.ts'
import { healthy, invoke, kinds, log, ok } from './support.ts'

function shifted(from: PartitionLog, offsets: readonly number[]): PartitionLog {
  return { ...from, records: from.records.map((record, index) => ({ ...record, offset: offsets[index] ?? 0 })) }
}

describe('stable-offsets', () => {
  const empty = new History()

  it('is content when offsets are dense and acknowledged offsets hold their records', () => {
    expect(stableOffsets(healthy())).toEqual([])
  })

  it('is content with an empty log, also one that starts late', () => {
    expect(stableOffsets(healthy({ history: empty, logs: [log([], { start: 7 })] }))).toEqual([])
  })

  it.each([
    ['in the middle', shifted(log(['p0-s0-r0', 'p0-s0-r1', 'p0-s1-r0']), [0, 1, 3])],
    ['at the start', shifted(log(['p0-s0-r0', 'p0-s0-r1']), [1, 2])],
    ['at the end', { ...log(['p0-s0-r0']), endOffset: 2 }],
  ])('finds a gap %s', (_, gapped) => {
    expect(kinds(stableOffsets(healthy({ history: empty, logs: [gapped] })))).toEqual(['offset-gap'])
  })

  it('finds an offset that is used twice', () => {
    const repeated = shifted(log(['p0-s0-r0', 'p0-s0-r1']), [0, 0])
    expect(kinds(stableOffsets(healthy({ history: empty, logs: [repeated] })))).toEqual(['offset-not-increasing'])
  })

  it('finds records beyond the end of the log', () => {
    const beyond = { ...log(['p0-s0-r0', 'p0-s0-r1']), endOffset: 1 }
    expect(kinds(stableOffsets(healthy({ history: empty, logs: [beyond] })))).toEqual(['offset-not-increasing'])
  })

  it('finds another record at an acknowledged offset', () => {
    const history = new History()
    invoke(history, { send: 0, records: 2 }, ok(0))

    const violations = stableOffsets(healthy({ history, logs: [log(['p0-s0-r0', 'p0-s9-r0', 'p0-s0-r1'])] }))

    expect(violations).toEqual([
      {
        guarantee: 'stable-offsets',
        kind: 'acked-offset-holds-other-record',
        message:
          'Record p0-s0-r1 of producer 0 was acknowledged at 50 ms (acks=-1, offset 1 of partition 0), but record p0-s9-r0 stands there.',
      },
    ])
  })

  it('leaves a record that is nowhere to no-loss', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok(0))

    expect(stableOffsets(healthy({ history, logs: [log(['p0-s9-r0'])] }))).toEqual([])
  })

  it('finds an acknowledged offset that the log does not reach', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok(1))

    const violations = stableOffsets(healthy({ history, logs: [log(['p0-s0-r0'])] }))
    expect(kinds(violations)).toEqual(['acked-offset-beyond-end'])
  })

  it('expects nothing below the start of the log, of acks=0, or where no offset was told', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok(4))
    invoke(history, { send: 1, acks: 0 }, ok(5))
    invoke(history, { send: 2 }, ok())
    invoke(history, { send: 3 }, ok(-1))

    expect(stableOffsets(healthy({ history, logs: [log(['p0-s9-r0'], { start: 5 })] }))).toEqual([])
  })
})
