import { findingKey } from '../explore/finding.ts'
import type { VerdictAnswer } from '../verdict/answer.ts'
import type { Broken } from '../verdict/campaign.ts'
import type { CellResult, MatrixResult } from '../verdict/matrix.ts'
import type { MatrixCell } from '../verdict/matrix-expectations.ts'
import { replayCommand } from './commands.ts'
import { counted, formatCount, formatDuration } from './format.ts'
import { happeningsIn, scenarioRows } from './scenario.ts'
import { storyLines } from './story.ts'
import { createStyle } from './style.ts'
import { tableLines } from './table.ts'

const PLAIN = createStyle(false)

/** An answer as a page for people: for a pull request, a wiki, a CI summary. */
export function verdictMarkdown({
  configuration,
  notes,
  guarantees,
  others,
  campaign,
  suggestion,
}: VerdictAnswer): string {
  const { plan, runSeed, totals, elapsedMs } = campaign
  const found = suggestion?.found?.changes.map(({ setting }) => `\`${setting}\``).join(' and ')
  return [
    '# Verdict',
    '',
    `Faults: ${plan.models.join(', ')}. ${counted(totals.trials, 'trial')} in ${formatDuration(elapsedMs)}, seed \`${runSeed}\`.`,
    '',
    '| guarantee | verdict | Kafka promises it? |',
    '|---|---|---|',
    ...guarantees.map(({ title, verdict, trials, promise, broken }) => {
      const scenario = broken?.counterexample?.scenario
      const by = scenario === undefined ? '' : ` by ${happeningsIn(scenario)}`
      const how =
        verdict === 'held' ? `held in ${counted(trials, 'trial')}` : `**broken** after ${counted(trials, 'trial')}${by}`
      return row([title, how, `${promise.promised ? 'yes' : 'no'}: ${promise.text} (${promise.source})`])
    }),
    '',
    ...(found === undefined ? [] : [`Smallest change that held: ${found}.`, '']),
    ...notes.map(note => `- ${note}`),
    ...(notes.length === 0 ? [] : ['']),
    '<details><summary>Configuration</summary>',
    '',
    '```properties',
    ...configuration.map(([key, value]) => `${key}=${value}`),
    '```',
    '',
    '</details>',
    '',
    ...guarantees.flatMap(({ title, broken }) => (broken === undefined ? [] : brokenMarkdown(title, broken))),
    ...others.flatMap(broken => brokenMarkdown(findingKey(broken.finding), broken)),
  ].join('\n')
}

function brokenMarkdown(title: string, { finding, counterexample, file, seed }: Broken): string[] {
  const [sentence = ''] = (counterexample?.finding ?? finding).message.split('\n', 1)
  const story =
    counterexample === undefined
      ? []
      : [
          '```',
          ...tableLines(scenarioRows(counterexample.scenario), PLAIN),
          '',
          ...storyLines(counterexample.story, PLAIN),
          '```',
          '',
        ]
  const replay = file === undefined ? `Seed \`${seed}\`.` : `Replay: \`${replayCommand(file)}\``
  return [`## Broken: ${title}`, '', sentence.replaceAll('<', '&lt;'), '', ...story, replay, '']
}

/** The matrix as a table: what was found beside what is expected. */
export function matrixMarkdown({ cells, elapsedMs, interrupted }: MatrixResult): string {
  const disagree = cells.filter(({ agrees }) => !agrees).length
  const verdict = agreementText(cells.length, disagree)
  return [
    '# Can an acknowledged record be lost?',
    '',
    `Three replicas. ${verdict}${interrupted ? ' Not all cells were judged.' : ''} ${formatDuration(elapsedMs)}.`,
    '',
    '| acks | min.insync.replicas | unclean | crash | ELR | found | expected | |',
    '|---|---|---|---|---|---|---|---|',
    ...cells.map(result =>
      row([...cellColumns(result.cell), foundText(result), expectedText(result), result.agrees ? '' : '**disagrees**']),
    ),
    '',
  ].join('\n')
}

/** `3 of 54 cells disagree with what is expected.` */
export function agreementText(cells: number, disagree: number): string {
  if (disagree === 0) return `All ${counted(cells, 'cell')} agree with what is expected.`
  return `${formatCount(disagree)} of ${counted(cells, 'cell')} ${disagree === 1 ? 'disagrees' : 'disagree'} with what is expected.`
}

/** A cell by its settings, in the order of the table's columns. */
export function cellColumns({ acks, minInsyncReplicas, unclean, crash, elr }: MatrixCell): string[] {
  return [
    acks === -1 ? 'all' : String(acks),
    String(minInsyncReplicas),
    String(unclean),
    crash === 'process' ? 'process' : 'power loss',
    elr ? 'on' : 'off',
  ]
}

/** `yes, after 12 trials (2 faults)`, `held in 2000`. */
export function foundText({ broken, trials, campaign }: CellResult): string {
  if (broken === undefined) {
    const others = campaign.others.map(({ finding }) => findingKey(finding))
    return [`held in ${formatCount(trials)}`, ...others].join(', but ')
  }
  const faults = broken.counterexample?.scenario.faults.length
  return `yes, after ${counted(broken.trial + 1, 'trial')}${faults === undefined ? '' : ` (${counted(faults, 'fault')})`}`
}

export function expectedText({ expected }: CellResult): string {
  return `${expected.lossPossible ? 'yes' : 'no'}: ${expected.reason}`
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}
