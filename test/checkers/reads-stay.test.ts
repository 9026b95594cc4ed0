import { describe, expect, it } from 'vitest'
import type { ReadRecord } from '../../harness/checkers/evidence.ts'
import { readsStay } from '../../harness/checkers/reads-stay.ts'
import { historyOf, Script, scripted } from './cluster-support.ts'
import { kinds, log } from './support.ts'

/** Two records are committed by 8 ms. */
const SCRIPT = new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2, 3).appends(1, 0, 1).copies(0, 1, 2, 3)
SCRIPT.commits(1, 2)

const LOG = log(['p0-s0-r0', 'p0-s0-r1'])

function read(offset: number, changes: Partial<ReadRecord> = {}): ReadRecord {
  const { id = '', valueCrc = 0 } = LOG.records[offset] ?? {}
  return { ms: 50, node: 2, partition: 0, offset, id, valueCrc, epoch: 0, askedEpoch: -1, ...changes }
}

const judge = (reads: ReadRecord[], changes = {}) =>
  kinds(readsStay(scripted(SCRIPT, { logs: [LOG], reads, ...changes })))

describe('reads-stay', () => {
  it('is content with what was committed when it was read, and is still there', () => {
    expect(judge([read(0), read(1, { node: 3 })])).toEqual([])
  })

  it('finds a record that was shown before a leader had committed it', () => {
    expect(readsStay(scripted(SCRIPT, { logs: [LOG], reads: [read(1, { ms: 5 })] }))).toEqual([
      {
        guarantee: 'reads-stay',
        kind: 'read-before-committed',
        message:
          'At 5 ms node 2 showed record p0-s0-r1 at offset 1 of partition 0, but no leader had committed it by then.',
      },
    ])
  })

  it('finds a record of a later epoch than the one that was asked in', () => {
    const asked = (askedEpoch: number) => judge([read(1, { epoch: 2, askedEpoch })])

    expect(asked(1)).toEqual(['read-of-later-epoch'])
    expect([...asked(2), ...asked(3), ...asked(-1)]).toEqual([])
  })

  it('finds a record that is not there in the end, or another one, or another value', () => {
    expect(judge([read(1)], { logs: [log(['p0-s0-r0'])] })).toEqual(['read-record-missing'])
    expect(judge([read(1)], { logs: [log(['p0-s0-r0', 'p0-s9-r0'])] })).toEqual(['read-record-replaced'])
    expect(judge([read(1, { valueCrc: 7 })])).toEqual(['read-record-replaced'])
  })

  it('does not miss what was deleted at the start of the log, nor judge a log that could not be read', () => {
    expect(judge([read(0)], { logs: [log(['p0-s0-r1'], { start: 1 })] })).toEqual([])
    expect(judge([read(0)], { logs: [] })).toEqual([])
  })

  it('does not miss what an unclean election has taken', () => {
    const script = new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2).commits(1, 1).leads(3, 1, 0, [3])
    const partitionHistory = historyOf({}, { leader: 3, leaderEpoch: 1, isr: [3], recovering: true })

    expect(kinds(readsStay(scripted(script, { logs: [log([])], reads: [read(0)], partitionHistory })))).toEqual([])
    expect(kinds(readsStay(scripted(script, { logs: [log([])], reads: [read(0)] })))).toEqual(['read-record-missing'])
  })
})
