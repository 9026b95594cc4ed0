import { describe, expect, it } from 'vitest'
import { Lineage } from '../../harness/checkers/lineage.ts'

function lineage(...runs: readonly (readonly [epoch: number, end: number])[]): Lineage {
  const made = new Lineage()
  for (const [epoch, end] of runs) made.extend(epoch, end)
  return made
}

describe('Lineage', () => {
  it('knows in which epoch an offset was written', () => {
    const log = lineage([1, 3], [4, 5])

    expect([0, 2, 3, 4, 5].map(offset => log.epochAt(offset))).toEqual([1, 1, 4, 4, undefined])
    expect(log.end).toBe(5)
  })

  it('finds the first offset that two logs hold otherwise', () => {
    expect(lineage([1, 3], [4, 9]).firstDifference(lineage([1, 5]), 9)).toBe(3)
    expect(lineage([1, 3], [4, 9]).firstDifference(lineage([1, 3], [2, 4], [4, 9]), 9)).toBe(3)
    expect(lineage([2, 3]).firstDifference(lineage([1, 3]), 3)).toBe(0)
  })

  it('finds no difference where one ends, or above the offset that was asked for', () => {
    expect(lineage([1, 3], [4, 9]).firstDifference(lineage([1, 3]), 9)).toBeUndefined()
    expect(lineage([1, 3], [4, 9]).firstDifference(lineage([1, 5]), 3)).toBeUndefined()
  })

  it('does not compare what lies before a log that begins later', () => {
    const late = new Lineage(4)
    late.extend(2, 6)

    expect(late.firstDifference(lineage([1, 4], [2, 6]), 6)).toBeUndefined()
    expect(late.firstDifference(lineage([1, 5], [2, 6]), 6)).toBe(4)
  })

  it('copies what another log has, and ascribes the rest to an epoch', () => {
    const log = lineage([1, 2])
    log.extendFrom(lineage([1, 3], [4, 5]), 7, 4)

    expect(log.firstDifference(lineage([1, 3], [4, 7]), 7)).toBeUndefined()
    expect(log.end).toBe(7)
  })

  it('forgets what is cut off, and goes on from there', () => {
    const log = lineage([1, 3], [4, 5])
    log.truncate(2)
    log.extend(6, 4)

    expect([1, 2, 3].map(offset => log.epochAt(offset))).toEqual([1, 6, 6])
  })
})
