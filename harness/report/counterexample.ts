import type { FoundCounterexample } from '../explore/explore.ts'
import type { ExploreOptions } from '../explore/explore-options.ts'
import { type Finding, findingKey } from '../explore/finding.ts'
import { replayCommand } from './commands.ts'
import { counted, formatCount } from './format.ts'
import { recordsIn, scenarioRows } from './scenario.ts'
import { storyLines } from './story.ts'
import type { Style } from './style.ts'
import { type Row, tableLines } from './table.ts'

/** What was found, in one sentence; what a failure has to say beyond it (stacks, who waits for what) stands below. */
export function findingLines(finding: Finding, style: Style): string[] {
  const [sentence = '', ...detail] = finding.message.split('\n')
  return [`${style.bad(findingKey(finding))}  ${sentence}`, ...detail.map(line => style.dim(`  ${line}`))]
}

/** A counterexample as a person reads it: the finding, what was given, the story, and how to replay it. */
export function counterexampleLines(found: FoundCounterexample, options: ExploreOptions, style: Style): string[] {
  const { total, counterexample, file } = found
  const { scenario, finding, digest, trials, complete } = counterexample
  const replay = file === undefined ? replayCommand(total.firstSeed, options) : replayCommand(file)
  const size = `${counted(scenario.faults.length, 'fault')} and ${counted(recordsIn(scenario), 'record')}`
  const limits = complete ? '' : ' (a limit ended the search: there may be a smaller one)'
  const rows: Row[] = [
    ['seed', `${total.firstSeed}, the first of ${counted(total.count, 'trial')} with it`],
    ['shrunk', `to ${size} in ${formatCount(trials)} trials${limits}`],
    ['digest', digest],
    ...(file === undefined ? [] : [['file', file] as const]),
    ['replay', replay],
  ]
  return [
    ...findingLines(finding, style),
    ...indented(tableLines(scenarioRows(scenario), style)),
    '',
    ...storyLines(counterexample.story, style),
    '',
    ...indented(tableLines(rows, style)),
  ]
}

export function indented(lines: readonly string[]): string[] {
  return lines.map(line => (line === '' ? line : `  ${line}`))
}
