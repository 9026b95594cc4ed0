import { describe, expect, it } from 'vitest'
import { matrixLines } from '../../harness/report/matrix-terminal.ts'
import { createStyle } from '../../harness/report/style.ts'
import { matrixJson } from '../../harness/report/verdict-json.ts'
import { matrixJunit } from '../../harness/report/verdict-junit.ts'
import { matrixMarkdown } from '../../harness/report/verdict-markdown.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { matrixExitCode } from '../../harness/verdict/answer.ts'
import { cellName, planOf, runMatrix } from '../../harness/verdict/matrix.ts'
import { expectationFor, type MatrixCell, matrixCells } from '../../harness/verdict/matrix-expectations.ts'
import { fakeTrial, HOLDS, LOSES, type Verdict } from '../explore/fake-trial.ts'
import { LocalWorkforce } from '../support/local-workforce.ts'
import { planFor } from './support.ts'

const SAFE: MatrixCell = { acks: -1, minInsyncReplicas: 2, unclean: false, crash: 'process', elr: true }
const UNSAFE: MatrixCell = { acks: 1, minInsyncReplicas: 1, unclean: false, crash: 'power', elr: true }
const { configuration: base } = planFor()

/** A world in which acks=1 loses as soon as there is a fault. */
function judge({ workload, faults }: Scenario): Verdict {
  return workload.producers.some(({ acks }) => acks === 1) && faults.length > 0 ? LOSES : HOLDS
}

describe('what is expected', () => {
  it('is said of every cell, with a reason', () => {
    const cells = matrixCells()
    expect(cells).toHaveLength(54)
    expect(new Set(cells.map(cellName)).size).toBe(54)
    for (const cell of cells) expect(expectationFor(cell).reason).not.toBe('')
  })

  it.each([
    [{ ...SAFE }, false],
    [{ ...SAFE, unclean: true }, true],
    [{ ...SAFE, crash: 'power' }, false],
    [{ ...SAFE, crash: 'power', elr: false }, true],
    [{ ...SAFE, minInsyncReplicas: 1 }, false],
    [{ ...SAFE, minInsyncReplicas: 1, crash: 'power' }, true],
    [{ ...SAFE, minInsyncReplicas: 3, unclean: true }, false],
    [{ ...SAFE, minInsyncReplicas: 3, unclean: true, crash: 'power' }, true],
    [UNSAFE, true],
  ] as const)('of %j: loss possible %s', (cell, lossPossible) => {
    expect(expectationFor(cell).lossPossible).toBe(lossPossible)
  })
})

describe('the plan of a cell', () => {
  it('kills no process where a machine loses power: that would be a second unclean shutdown', () => {
    expect(planOf(UNSAFE, base).models).toEqual(['power-loss', 'partition'])
    expect(planOf(UNSAFE, base).configuration.producer).toMatchObject({ acks: 1, idempotent: false })
  })
})

describe('the matrix', () => {
  it('runs cells until they break, and says which disagree', async () => {
    const wrong: MatrixCell = { ...SAFE, unclean: true }
    const workforce = new LocalWorkforce(fakeTrial(judge))
    const done: string[] = []
    const result = await runMatrix(workforce, {
      base,
      runSeed: '3',
      trials: 6,
      cells: [SAFE, UNSAFE, wrong],
      nowMs: () => 0,
      onCell: ({ cell }, count, of) => done.push(`${count}/${of} ${cellName(cell)}`),
    })

    expect(result.cells.map(({ agrees }) => agrees)).toEqual([true, true, false])
    expect(result.cells.map(({ trials }) => trials)[0]).toBe(6)
    expect(result.cells[1]?.broken?.counterexample?.scenario.faults).toHaveLength(1)
    expect(done).toEqual([
      '1/3 acks1-isr1-clean-power-elr',
      '2/3 acksall-isr2-unclean-process',
      '3/3 acksall-isr2-clean-process',
    ])
    expect(matrixExitCode(result)).toBe(1)
    const lines = matrixLines(result, 2, createStyle(false)).map(line => line.replace(/^[\d.]+ m?s with/, 'T with'))
    expect(lines).toMatchSnapshot('terminal')
    expect(matrixMarkdown({ ...result, elapsedMs: 1000 })).toMatchSnapshot('markdown')
    expect(matrixJunit(result)).toContain('failures="1"')
    expect(matrixJunit(result)).toContain('no loss was found in 6 trials')
    expect(matrixJson(result, '3', 2)).toMatchObject({
      command: 'verdict --matrix',
      exitCode: 1,
      cells: [
        { name: 'acksall-isr2-clean-process', agrees: true, lossFound: false },
        { lossFound: true },
        { agrees: false },
      ],
    })
  })
})
