import { findingKey } from '../explore/finding.ts'
import type { GuaranteeAnswer, VerdictAnswer } from '../verdict/answer.ts'
import type { Broken, VerdictCampaignResult } from '../verdict/campaign.ts'
import type { Suggestion } from '../verdict/suggest.ts'
import { replayCommand } from './commands.ts'
import { findingLines, indented } from './counterexample.ts'
import { counted, formatCount, formatCounts, formatDuration, formatMebibytes, wrap } from './format.ts'
import { happeningsIn, recordsIn, scenarioRows } from './scenario.ts'
import { storyLines } from './story.ts'
import type { Style } from './style.ts'
import { LINE_WIDTH, type Row, tableLines } from './table.ts'
import { verdictCommand } from './verdict-words.ts'

/** Stands below `held  ` and `broken  `. */
const BELOW_WORD = '        '

/** The answer as a person reads it: the stories of what broke, the configuration, guarantee by guarantee, and what to type next. */
export function verdictLines(answer: VerdictAnswer, workers: number, style: Style): string[] {
  const { guarantees, others, campaign, suggestion } = answer
  const stories = [
    ...guarantees.flatMap(({ title, broken }) => (broken === undefined ? [] : brokenLines(title, broken, style))),
    ...others.flatMap(broken => brokenLines(findingKey(broken.finding), broken, style)),
  ]
  return [
    ...stories,
    ...defectLines(campaign, style),
    ...tableLines(
      answer.configuration.map(([key, value]): Row => [key, value]),
      style,
    ),
    '',
    ...answer.notes.map(note => `${style.dim('note')}  ${note}`),
    ...(answer.notes.length === 0 ? [] : ['']),
    ...guarantees.flatMap(guarantee => guaranteeLines(guarantee, style)),
    '',
    ...tableLines(campaignRows(answer, workers), style),
    '',
    ...(suggestion === undefined ? [] : [...suggestionLines(suggestion, style), '']),
    conclusion(answer, style),
    `${style.dim('next:')} ${nextCommand(answer)}`,
  ]
}

function brokenLines(title: string, broken: Broken, style: Style): string[] {
  const { finding, counterexample, seed, file } = broken
  if (counterexample === undefined) {
    return [`${style.bad('broken')}  ${title}`, ...findingLines(finding, style), `  seed  ${seed}`, '']
  }
  const { scenario, digest, trials, complete, story } = counterexample
  const size = `${happeningsIn(scenario)}, ${counted(recordsIn(scenario), 'record')}`
  const limits = complete ? '' : ' (a limit ended the search: there may be a smaller one)'
  const rows: Row[] = [
    ['found', `in trial ${formatCount(broken.trial + 1)} (${seed}), after ${formatDuration(broken.afterMs)}`],
    ['shrunk', `to ${size} in ${counted(trials, 'trial')}${limits}`],
    ['digest', digest],
    ...(file === undefined ? [] : [['file', file] as const, ['replay', replayCommand(file)] as const]),
  ]
  return [
    `${style.bad('broken')}  ${title}`,
    ...findingLines(counterexample.finding, style),
    ...indented(tableLines(scenarioRows(scenario), style)),
    '',
    ...storyLines(story, style),
    '',
    ...indented(tableLines(rows, style)),
    '',
  ]
}

function guaranteeLines({ title, verdict, trials, promise, broken }: GuaranteeAnswer, style: Style): string[] {
  const held = verdict === 'held'
  const word = (held ? style.good : style.bad)(held ? 'held  ' : 'broken')
  const how = held
    ? trials === 0
      ? 'was not judged'
      : `in ${counted(trials, 'trial')}`
    : `after ${counted(trials, 'trial')}${faultsOf(broken)}`
  const says = promise.promised ? 'Kafka promises it' : 'Kafka does not promise it'
  return [
    `${word}  ${style.bold(title)} ${how}`,
    ...wrap(`${says}: ${promise.text} (${promise.source})`, LINE_WIDTH - BELOW_WORD.length).map(
      line => `${BELOW_WORD}${style.dim(line)}`,
    ),
  ]
}

function faultsOf(broken: Broken | undefined): string {
  const scenario = broken?.counterexample?.scenario
  return scenario === undefined ? '' : `, by ${happeningsIn(scenario)}`
}

function campaignRows({ campaign, probesReached, probesMissed }: VerdictAnswer, workers: number): Row[] {
  const { plan, runSeed, totals, elapsedMs, rssMaxBytes, interrupted } = campaign
  const atOnce = `${counted(plan.atOnce, 'node')} at once`
  const losses = `${formatCount(plan.powerLosses)} power ${plan.powerLosses === 1 ? 'loss' : 'losses'} a trial`
  const power = plan.models.includes('power-loss') ? `, ${losses}` : ''
  const compared = `${formatCount(totals.repeated)} run more than once: ${counted(totals.divergenceCount, 'divergence')}`
  const speed = totals.wallMs > 0 ? `, ${formatCount(totals.virtualMs / totals.wallMs)} times faster than it` : ''
  return [
    ['faults', `${plan.models.join(', ')} (${atOnce}${power})`],
    ['injected', totals.faults.size === 0 ? 'none' : formatCounts(totals.faults)],
    ['reached', probesReached.size === 0 ? 'none' : formatCounts(probesReached)],
    ...(probesMissed.length === 0 ? [] : [['never reached', probesMissed.join(', ')] as const]),
    ['trials', `${formatCount(totals.trials)}${interrupted ? ' (interrupted)' : ''}, ${compared}`],
    ['virtual time', formatDuration(totals.virtualMs)],
    ['wall time', `${formatDuration(elapsedMs)} with ${counted(workers, 'worker')}${speed}`],
    ['memory', `${formatMebibytes(rssMaxBytes)} at most in a worker`],
    ['seed', runSeed],
  ]
}

export function defectLines({ totals, shrinkErrors }: VerdictCampaignResult, style: Style): string[] {
  const lines: string[] = []
  for (const { seed, divergence } of totals.divergences) {
    lines.push(
      `${style.bad('divergence')}  Trial ${seed} did not repeat itself; first difference:`,
      ...indented([`first  ${divergence.first}`, `second ${divergence.second}`, ...divergence.stack.split('\n')]),
      '',
    )
  }
  for (const { seed, message } of totals.workerErrors)
    lines.push(`${style.bad('internal')}  Trial ${seed}: ${message}`, '')
  for (const message of shrinkErrors) lines.push(`${style.bad('internal')}  Shrinking ${message}`, '')
  return lines
}

function suggestionLines({ found, attempts, untried }: Suggestion, style: Style): string[] {
  const broke = attempts.filter(({ held }) => !held)
  const tried = broke.map(({ changes, result }): Row => {
    const broken = result.outcomes.flatMap(({ broken, trials }) => (broken === undefined ? [] : [trials]))
    const how =
      broken.length === 0
        ? 'not enough trials in the time there was'
        : `broken after ${counted(Math.min(...broken), 'trial')}`
    return [changes.map(({ setting }) => setting).join(' '), how]
  })
  const lines = tried.length === 0 ? [] : indented(tableLines(tried, style))
  if (found !== undefined) {
    const settings = found.changes.map(({ setting }) => setting).join(' and ')
    const { trials } = found.result.totals
    return [
      `${style.good('smallest change that held')}  ${style.bold(settings)}, in ${counted(trials, 'trial')}`,
      ...lines,
    ]
  }
  const more = untried > 0 ? `; ${counted(untried, 'combination')} could not be tried in the time there was` : ''
  return [`${style.bad('no change of settings held')}${more}`, ...lines]
}

function conclusion({ guarantees, others, campaign }: VerdictAnswer, style: Style): string {
  const { totals, shrinkErrors } = campaign
  const defects = totals.divergenceCount + totals.workerErrorCount + shrinkErrors.length
  if (defects > 0)
    return style.bad(`${counted(defects, 'defect')} of the harness: its other results cannot be trusted.`)
  if (totals.trials === 0) return 'No trial was run.'
  const broken = guarantees.filter(({ verdict }) => verdict === 'broken')
  const against = [
    ...broken.filter(({ promise }) => promise.promised).map(({ title }) => title),
    ...others.map(({ finding }) => findingKey(finding)),
  ]
  if (against.length > 0) {
    return style.bad(
      `Broken although it is promised: ${against.join(', ')}. That is a defect, of Kafka's design or of this broker or client.`,
    )
  }
  if (broken.length > 0) return style.bad(`Broken: ${broken.map(({ title }) => title).join(', ')}.`)
  return style.good(`Everything that was judged held in ${counted(totals.trials, 'trial')}.`)
}

/** The command that is most likely wanted now. */
function nextCommand({ guarantees, others, campaign, suggestion }: VerdictAnswer): string {
  const file = [...guarantees.map(({ broken }) => broken), ...others].flatMap(broken => broken?.file ?? [])[0]
  if (suggestion?.found !== undefined) {
    const configuration = suggestion.found.result.plan
    return verdictCommand(configuration, ['--trials', '5000'])
  }
  if (file !== undefined) return replayCommand(file)
  if (!campaign.plan.models.includes('power-loss')) {
    return `${verdictCommand({ ...campaign.plan, models: [...campaign.plan.models, 'power-loss'] })}   (machines lose power, too)`
  }
  return verdictCommand(campaign.plan, ['--time', '10m'])
}
