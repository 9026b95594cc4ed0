import { findingKey, severityOf } from '../explore/finding.ts'
import type { VerdictAnswer } from '../verdict/answer.ts'
import type { Broken } from '../verdict/campaign.ts'
import { cellName, type MatrixResult } from '../verdict/matrix.ts'
import { replayCommand } from './commands.ts'
import { counted } from './format.ts'
import { type JUnitCase, junitXml } from './junit.ts'
import { scenarioRows } from './scenario.ts'
import { storyLines } from './story.ts'
import { createStyle } from './style.ts'
import { tableLines } from './table.ts'

const PLAIN = createStyle(false)
const SECOND_MS = 1000

/** One test a guarantee, and one for everything else that was found. */
export function verdictJunit({ guarantees, others, campaign, configuration }: VerdictAnswer): string {
  const className = `verdict.${campaign.plan.models.join('+')}`
  const settings = configuration.map(([key, value]) => `${key}=${value}`).join('\n')
  const cases = guarantees.map(({ title, trials, promise, broken }): JUnitCase => {
    const seconds = (broken?.afterMs ?? campaign.elapsedMs) / SECOND_MS
    const output = `${settings}\n\n${promise.promised ? 'promised' : 'not promised'}: ${promise.text} (${promise.source})`
    if (broken === undefined) {
      const skipped = trials === 0 ? { skipped: 'no trial judged it' } : {}
      return { name: title, className, seconds, output: `held in ${counted(trials, 'trial')}\n\n${output}`, ...skipped }
    }
    return { name: title, className, seconds, output, failure: failureOf(broken) }
  })
  const found = others.map(
    (broken): JUnitCase => ({
      name: findingKey(broken.finding),
      className,
      seconds: broken.afterMs / SECOND_MS,
      failure: failureOf(broken),
    }),
  )
  return junitXml('kafka-trial verdict', [...cases, ...found, ...defects(campaign, className)])
}

/** One test a cell: it fails when what was found is not what is expected. */
export function matrixJunit({ cells }: MatrixResult): string {
  const className = 'verdict.matrix'
  const cases = cells.map(({ cell, expected, broken, agrees, trials, campaign }): JUnitCase => {
    const name = `${cellName(cell)}: ${expected.lossPossible ? 'can lose' : 'cannot lose'}`
    const seconds = campaign.elapsedMs / SECOND_MS
    const output = expected.reason
    if (agrees) return { name, className, seconds, output }
    const [other] = campaign.others
    const shown = broken ?? other
    if (shown !== undefined) return { name, className, seconds, output, failure: failureOf(shown) }
    const message = `no loss was found in ${counted(trials, 'trial')}`
    return { name, className, seconds, output, failure: { kind: 'failure', message, text: expected.reason } }
  })
  return junitXml('kafka-trial verdict --matrix', [
    ...cases,
    ...cells.flatMap(({ campaign }) => defects(campaign, className)),
  ])
}

function failureOf({ finding, counterexample, file, seed }: Broken): NonNullable<JUnitCase['failure']> {
  const kind = severityOf(finding) === 'internal' ? 'error' : 'failure'
  const [message = ''] = finding.message.split('\n', 1)
  if (counterexample === undefined) return { kind, message, text: `${finding.message}\nseed ${seed}` }
  const text = [
    ...tableLines(scenarioRows(counterexample.scenario), PLAIN),
    '',
    ...storyLines(counterexample.story, PLAIN),
    '',
    `seed ${seed}, digest ${counterexample.digest}`,
    ...(file === undefined ? [] : [replayCommand(file)]),
  ].join('\n')
  return { kind, message, text }
}

function defects({ totals, shrinkErrors }: VerdictAnswer['campaign'], className: string): JUnitCase[] {
  const error = (name: string, message: string): JUnitCase => {
    return { name, className, seconds: 0, failure: { kind: 'error', message, text: message } }
  }
  return [
    ...totals.divergences.map(({ seed, divergence }) =>
      error(`trial ${seed} repeats itself`, `first ${divergence.first}, then ${divergence.second}`),
    ),
    ...totals.workerErrors.map(({ seed, message }) => error(`trial ${seed} runs`, message)),
    ...shrinkErrors.map(message => error('shrinking', message)),
  ]
}
