import { describe, expect, it } from 'vitest'
import { FAULT_CATALOGUE } from '../../harness/faults/catalogue.ts'
import { FAULT_NAMES } from '../../harness/trial/scenario.ts'

/** Waiting longer than this for one fault would make trials long; it covers a broker's session and a rolling restart. */
const LONGEST_MS = 30_000

describe('the fault catalogue', () => {
  it('has every fault that a scenario can name, under its name', () => {
    expect(Object.keys(FAULT_CATALOGUE).sort()).toEqual([...FAULT_NAMES].sort())
    for (const name of FAULT_NAMES) expect(FAULT_CATALOGUE[name].name).toBe(name)
  })

  it.each(FAULT_NAMES)('says of %s in one line what it does', name => {
    const { summary } = FAULT_CATALOGUE[name]

    expect(summary).toMatch(/^\S.{20,}[^.\s]$/)
    expect(summary).not.toContain('\n')
  })

  it.each(FAULT_NAMES)('bounds how long and how strong %s is', name => {
    const { longestMs, amount } = FAULT_CATALOGUE[name]

    expect(Number.isInteger(longestMs) && longestMs >= 0 && longestMs <= LONGEST_MS).toBe(true)
    if (amount === undefined) return
    expect(Number.isSafeInteger(amount.low) && Number.isSafeInteger(amount.high)).toBe(true)
    expect(amount.low).toBeLessThan(amount.high)
    expect(amount.unit).not.toBe('')
  })
})
