import { describe, expect, it } from 'vitest'
import { noUnexplainedLoss } from '../../harness/checkers/no-unexplained-loss.ts'
import { History } from '../../harness/history/history.ts'
import { healthy, invoke, kinds, log, ok, PRODUCER, powerLosses, scenarioOf } from './support.ts'

/** A record that was sent and acknowledged, and is nowhere. */
function lost(invokedMs: number, ackedMs: number): History {
  const history = new History()
  invoke(history, { send: 0, invokedMs }, ok(0, ackedMs))
  return history
}

const empty = [log([])]
const stalled = { ...scenarioOf([PRODUCER]), faults: [{ kind: 'stall-reader', at: { ms: 0 }, forMs: 9 }] } as const

describe('no-unexplained-loss', () => {
  it('misses a record that was acknowledged after the last power loss', () => {
    const violations = noUnexplainedLoss(
      healthy({ history: lost(7000, 7500), logs: empty, damage: powerLosses(100, 5000) }),
    )

    expect(kinds(violations)).toEqual(['acked-record-missing'])
    expect(violations[0]?.guarantee).toBe('no-unexplained-loss')
  })

  it('misses any record when there was no power loss', () => {
    expect(noUnexplainedLoss(healthy({ history: lost(0, 5), logs: empty }))).toHaveLength(1)
  })

  it('does not miss one that was acknowledged before, or just after: the answer may have been on its way', () => {
    expect(noUnexplainedLoss(healthy({ history: lost(0, 90), logs: empty, damage: powerLosses(100) }))).toEqual([])
    expect(noUnexplainedLoss(healthy({ history: lost(0, 1100), logs: empty, damage: powerLosses(100) }))).toEqual([])
  })

  it('does not miss one that was sent before, where a client may have read its answer late', () => {
    const late = { history: lost(50, 7000), logs: empty, damage: powerLosses(100) }

    expect(noUnexplainedLoss(healthy({ ...late, scenario: stalled }))).toEqual([])
    expect(noUnexplainedLoss(healthy(late))).toHaveLength(1)
    expect(noUnexplainedLoss(healthy({ ...late, history: lost(150, 7000), scenario: stalled }))).toHaveLength(1)
  })
})
