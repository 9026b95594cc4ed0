import type { CounterexampleFile, Expectation } from '../explore/counterexample-file.ts'
import { type Finding, findingKey } from '../explore/finding.ts'
import type { Replay } from '../explore/jobs.ts'
import { findingLines, indented } from './counterexample.ts'
import { formatCount, formatDuration } from './format.ts'
import { scenarioRows } from './scenario.ts'
import { storyLines } from './story.ts'
import type { Style } from './style.ts'
import { type Row, tableLines } from './table.ts'

export interface ReplayReport {
  readonly replay: Replay
  /** What the file says it was found with. */
  readonly file: CounterexampleFile | undefined
  /** What it was replayed with. */
  readonly versions: Readonly<Record<string, string>>
  readonly untilMs: number | undefined
  readonly traceFile: string | undefined
}

/** A replay as a person reads it: what was given, the story, what was found, and whether it is what the file expects. */
export function replayLines(report: ReplayReport, style: Style): string[] {
  const { replay, traceFile, untilMs } = report
  const rows: Row[] = [
    ['digest', replay.digest],
    ['events', formatCount(replay.events)],
    ['virtual time', `${formatDuration(replay.virtualMs)}, in ${formatDuration(replay.wallMs)}`],
    ...(traceFile === undefined ? [] : [['trace', traceFile] as const]),
  ]
  return [
    ...indented(tableLines(scenarioRows(replay.scenario), style)),
    '',
    ...storyLines(replay.story, style),
    '',
    ...replay.findings.flatMap(finding => findingLines(finding, style)),
    ...(untilMs === undefined ? [] : [`Stopped at ${untilMs} virtual ms, before anything was checked.`]),
    ...expectationLines(report, style),
    ...indented(tableLines(rows, style)),
  ]
}

function expectationLines({ replay, file, versions, untilMs }: ReplayReport, style: Style): string[] {
  if (untilMs !== undefined) return []
  if (file === undefined) return replay.findings.length === 0 ? [style.good('Every promised guarantee held.')] : []
  const key = expectedKey(file.expect)
  if (!replay.findings.some(finding => findingKey(finding) === key)) {
    return [style.good(`The file's finding, ${key}, does not appear any more.`)]
  }
  if (replay.digest === file.expect.digest) return [`As the file says: ${key}, with the same digest.`]
  const changed = changedVersions(file.versions, versions)
  const why = changed.length > 0 ? changed.join(', ') : 'the code has changed since'
  return [`As the file says: ${key}, but with another digest than ${file.expect.digest}: ${why}.`]
}

export function expectedKey(expect: Expectation): string {
  if ('failure' in expect) return findingKey({ guarantee: 'trial', kind: expect.failure })
  return findingKey({ guarantee: expect.guarantee as Finding['guarantee'], kind: expect.kind })
}

function changedVersions(then: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): string[] {
  return Object.entries(then)
    .filter(([name, version]) => now[name] !== undefined && now[name] !== version)
    .map(([name, version]) => `${name} was ${version} and is ${now[name]}`)
}
