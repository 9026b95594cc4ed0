import type { Divergence } from '../world/determinism.ts'
import { type Finding, findingKey, severityOf } from './finding.ts'
import type { TrialReport } from './jobs.ts'

/** A finding, how often it was made, and where first. */
export interface FindingTotal {
  readonly finding: Finding
  readonly count: number
  /** Number of the first trial that made it. */
  readonly firstTrial: number
  readonly firstSeed: string
}

export interface DivergenceTotal {
  readonly seed: string
  readonly divergence: Divergence
}

/** Divergences and errors that are kept for the report; more of them add nothing. */
const MAX_KEPT = 10

/** The sums of a campaign; its size does not grow with the number of trials. */
export class Totals {
  trials = 0
  /** Trials that were run more than once, to compare. */
  repeated = 0
  events = 0
  virtualMs = 0
  /** Time that trials took, all workers together. */
  wallMs = 0
  divergenceCount = 0
  workerErrorCount = 0
  readonly faults = new Map<string, number>()
  readonly probes = new Map<string, number>()
  readonly divergences: DivergenceTotal[] = []
  /** Trials that a worker did not survive. */
  readonly workerErrors: { readonly seed: string; readonly message: string }[] = []
  readonly #findings = new Map<string, FindingTotal>()

  add(trial: number, report: TrialReport): void {
    this.trials++
    if (report.runs > 1) this.repeated++
    this.events += report.events
    this.virtualMs += report.virtualMs
    this.wallMs += report.wallMs
    addAll(this.faults, report.faults)
    addAll(this.probes, report.probes)
    for (const finding of report.findings) this.#count(trial, report.seed, finding)
    if (report.divergence === undefined) return
    this.divergenceCount++
    if (this.divergences.length < MAX_KEPT) this.divergences.push({ seed: report.seed, divergence: report.divergence })
  }

  addWorkerError(seed: string, message: string): void {
    this.trials++
    this.workerErrorCount++
    if (this.workerErrors.length < MAX_KEPT) this.workerErrors.push({ seed, message })
  }

  /** By severity (violations, then what got stuck, then defects of the harness), then by first trial. */
  get findings(): FindingTotal[] {
    const rank = ({ finding }: FindingTotal): number => SEVERITIES.indexOf(severityOf(finding))
    return [...this.#findings.values()].sort((a, b) => rank(a) - rank(b) || a.firstTrial - b.firstTrial)
  }

  #count(trial: number, seed: string, finding: Finding): void {
    const key = findingKey(finding)
    const known = this.#findings.get(key)
    if (known === undefined) {
      this.#findings.set(key, { finding, count: 1, firstTrial: trial, firstSeed: seed })
    } else if (trial < known.firstTrial) {
      this.#findings.set(key, { finding, count: known.count + 1, firstTrial: trial, firstSeed: seed })
    } else {
      this.#findings.set(key, { ...known, count: known.count + 1 })
    }
  }
}

const SEVERITIES = ['violation', 'stuck', 'internal']

function addAll(totals: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) totals.set(name, (totals.get(name) ?? 0) + count)
}
