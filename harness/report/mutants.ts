import { EXIT, type ExitCode } from '../explore/exit-code.ts'
import { findingKey } from '../explore/finding.ts'
import type { HuntResult } from '../mutants/hunt.ts'
import { indented } from './counterexample.ts'
import { counted, formatCount, formatDuration, wrap } from './format.ts'
import { recordsIn, scenarioRows } from './scenario.ts'
import { storyLines } from './story.ts'
import type { Style } from './style.ts'
import { LINE_WIDTH, tableLines } from './table.ts'

const ID_WIDTH = 5
const VERDICT_WIDTH = 8

/** One mutant as soon as it is decided: caught or not, by what, after how much work. */
export function huntLines(result: HuntResult, style: Style): string[] {
  const { mutant, caught, trials, elapsedMs, disturbed, disturbance = '' } = result
  const left = ID_WIDTH + VERDICT_WIDTH
  const effort = `${counted(trials, 'trial')}, ${formatDuration(elapsedMs)}`
  const verdict = caught === undefined ? style.bad('missed'.padEnd(VERDICT_WIDTH)) : style.good('caught'.padEnd(8))
  const by = caught === undefined ? effort : `${findingKey(caught.finding)} after ${effort} (${caught.seed})`
  const surprise = caught === undefined || caught.expected ? [] : [`not by ${mutant.caughtBy.join(', ')}, as expected`]
  const useless = disturbed === 0 ? [] : [`${counted(disturbed, 'useless trial')}, first ${disturbance}`]
  const found = caught === undefined ? [] : [caught.finding.message.split('\n', 1)[0] ?? '']
  const more = [`${mutant.reference}: ${mutant.title}`, ...found, ...surprise, ...useless]
  return [
    `${style.bold(mutant.id.padEnd(ID_WIDTH))}${verdict}${by}`,
    ...more.flatMap(text => wrap(text, LINE_WIDTH - left)).map(text => `${' '.repeat(left)}${style.dim(text)}`),
    ...catchLines(caught, style),
  ]
}

/** The shrunk story of what caught a mutant, if it was shrunk. */
function catchLines(caught: HuntResult['caught'], style: Style): string[] {
  const shrunk = caught?.counterexample
  if (shrunk === undefined) return []
  const { scenario, finding, story, trials, complete } = shrunk
  const size = `${counted(scenario.faults.length, 'fault')} and ${counted(recordsIn(scenario), 'record')}`
  return [
    '',
    ...indented(wrap(finding.message.split('\n', 1)[0] ?? '', LINE_WIDTH)),
    ...indented(tableLines(scenarioRows(scenario), style)),
    '',
    ...storyLines(story, style),
    '',
    `  shrunk to ${size} in ${counted(trials, 'trial')}${complete ? '' : ' (a limit ended the search)'}`,
    '',
  ]
}

export function huntsSummary(results: readonly HuntResult[], style: Style): string {
  const missed = results.filter(({ caught }) => caught === undefined).map(({ mutant }) => mutant.id)
  if (missed.length === 0) return style.good(`All ${counted(results.length, 'mutant')} caught.`)
  return style.bad(
    `${formatCount(missed.length)} of ${counted(results.length, 'mutant')} missed: ${missed.join(', ')}.`,
  )
}

export function huntsExitCode(results: readonly HuntResult[]): ExitCode {
  return results.every(({ caught }) => caught !== undefined) ? EXIT.clean : EXIT.violation
}

/** The hunts for programs. Keys are stable; new ones may be added. */
export function huntsJson(results: readonly HuntResult[], seed: string, workers: number): object {
  return {
    command: 'mutants',
    exitCode: huntsExitCode(results),
    seed,
    workers,
    mutants: results.map(({ mutant, caught, trials, elapsedMs, disturbed, disturbance }) => ({
      id: mutant.id,
      title: mutant.title,
      reference: mutant.reference,
      expected: mutant.caughtBy,
      explore: mutant.explore,
      caught: caught !== undefined,
      ...(caught === undefined ? {} : { by: findingKey(caught.finding), asExpected: caught.expected, ...caught }),
      trials,
      elapsedMs,
      disturbed,
      disturbance,
    })),
  }
}
