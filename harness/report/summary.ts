import type { CampaignResult } from '../explore/explore.ts'
import type { ExploreOptions } from '../explore/explore-options.ts'
import { findingKey } from '../explore/finding.ts'
import {
  BOUNDED_BUFFER_PROBE_NAMES,
  CHURN_PROBE_NAMES,
  GROUP_PROBE_NAMES,
  PROBE_NAMES,
  type ProbeName,
} from '../trial/probes.ts'
import { exploreCommand, replayCommand } from './commands.ts'
import { counterexampleLines, indented } from './counterexample.ts'
import { counted, formatCount, formatCounts, formatDuration, formatMebibytes } from './format.ts'
import type { Style } from './style.ts'
import { type Row, tableLines } from './table.ts'

/** The end of a campaign: its counterexamples, everything that went wrong, a table, and what to type next. */
export function campaignLines(
  result: CampaignResult,
  options: ExploreOptions,
  workers: number,
  style: Style,
): string[] {
  const stories = result.counterexamples.flatMap(found => [...counterexampleLines(found, options, style), ''])
  return [
    ...stories,
    ...defectLines(result, options, style),
    ...tableLines(campaignRows(result, workers), style),
    '',
    verdictLine(result, style),
    `${style.dim('next:')} ${nextCommand(result, options)}`,
  ]
}

function campaignRows(
  { totals, elapsedMs, rssMaxBytes, runSeed, interrupted }: CampaignResult,
  workers: number,
): Row[] {
  const unreachable = UNREACHABLE_UNLESS_SEEN.filter(names => !names.some(name => totals.probes.has(name))).flat()
  const never = PROBE_NAMES.filter(name => !totals.probes.has(name) && !unreachable.includes(name))
  const speed = totals.wallMs > 0 ? `, ${formatCount(totals.virtualMs / totals.wallMs)} times faster than it` : ''
  const findings = totals.findings.map(
    ({ finding, count, firstSeed }): Row => [
      '',
      `${findingKey(finding)} in ${counted(count, 'trial')}, first ${firstSeed}`,
    ],
  )
  const compared = `${formatCount(totals.repeated)} run more than once: ${counted(totals.divergenceCount, 'divergence')}`
  return [
    ['seed', runSeed],
    ['trials', `${formatCount(totals.trials)}${interrupted ? ' (interrupted)' : ''}, ${compared}`],
    ['events', formatCount(totals.events)],
    ['virtual time', formatDuration(totals.virtualMs)],
    ['wall time', `${formatDuration(elapsedMs)} with ${counted(workers, 'worker')}${speed}`],
    ['memory', `${formatMebibytes(rssMaxBytes)} at most in a worker`],
    ['faults', totals.faults.size === 0 ? 'none' : formatCounts(totals.faults)],
    ['probes', totals.probes.size === 0 ? 'none' : formatCounts(totals.probes)],
    ...(never.length === 0 ? [] : [['never reached', never.join(', ')] as const]),
    ...redeployRows(totals),
    ['violations', findings.length === 0 ? 'none' : counted(findings.length, 'kind')],
    ...findings,
  ]
}

/** How often all members of a group were replaced, and whether that left a partition without an owner or an end. */
function redeployRows({ probes, findings }: CampaignResult['totals']): Row[] {
  const groups = probes.get('group-redeployed')
  if (groups === undefined) return []
  const stuck = findings.find(({ finding }) => finding.guarantee === 'group-converges')?.count ?? 0
  const outcome = stuck === 0 ? 'no partition stuck' : `partitions stuck in ${counted(stuck, 'trial')}`
  const members = formatCount(probes.get('member-redeployed') ?? 0)
  return [['redeploys', `${formatCount(groups)} of whole groups, ${members} of members: ${outcome}`]]
}

/** What only some scenarios can reach, each kind together. */
const UNREACHABLE_UNLESS_SEEN: readonly (readonly ProbeName[])[] = [
  GROUP_PROBE_NAMES,
  CHURN_PROBE_NAMES,
  BOUNDED_BUFFER_PROBE_NAMES,
]

function defectLines({ totals, shrinkErrors }: CampaignResult, options: ExploreOptions, style: Style): string[] {
  const lines: string[] = []
  for (const { seed, divergence } of totals.divergences) {
    lines.push(
      `${style.bad('divergence')}  Trial ${seed} did not repeat itself; first difference:`,
      ...indented([`first  ${divergence.first}`, `second ${divergence.second}`, ...divergence.stack.split('\n')]),
      ...indented([replayCommand(seed, options)]),
      '',
    )
  }
  for (const { seed, message } of totals.workerErrors) {
    lines.push(`${style.bad('internal')}  Trial ${seed}: ${message}`, ...indented([replayCommand(seed, options)]), '')
  }
  for (const message of shrinkErrors) lines.push(`${style.bad('internal')}  Shrinking ${message}`, '')
  return lines
}

function verdictLine({ totals, shrinkErrors }: CampaignResult, style: Style): string {
  const defects = totals.divergenceCount + totals.workerErrorCount + shrinkErrors.length
  if (defects > 0)
    return style.bad(`${counted(defects, 'defect')} of the harness: its other results cannot be trusted.`)
  const { findings } = totals
  if (findings.length > 0) return style.bad(`${counted(findings.length, 'kind')} of violation.`)
  return totals.trials === 0 ? 'No trial was run.' : style.good('Every promised guarantee held in every trial.')
}

/** The command that is most likely wanted now. */
export function nextCommand({ totals, counterexamples }: CampaignResult, options: ExploreOptions): string {
  const [found] = counterexamples
  if (found?.file !== undefined) return replayCommand(found.file)
  const [finding] = totals.findings
  const seed = finding?.firstSeed ?? totals.divergences[0]?.seed ?? totals.workerErrors[0]?.seed
  if (seed !== undefined) return replayCommand(seed, options)
  if (!(options.faults?.includes('power-loss') ?? false)) {
    return `${exploreCommand({ ...options, faults: ['power-loss'], brokers: 1 })}   (to see a loss)`
  }
  return exploreCommand(options, ['--time', '10m'])
}
