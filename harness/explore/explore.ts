import { trialSeed } from './arbitrary.ts'
import { counterexampleFile, counterexamplePath } from './counterexample-file.ts'
import type { ExploreOptions } from './explore-options.ts'
import { severityOf } from './finding.ts'
import type { Counterexample, ShrinkLimits } from './jobs.ts'
import { nowMs, writeText } from './real-host.ts'
import { hash32 } from './seeded-generator.ts'
import { type FindingTotal, Totals } from './totals.ts'
import { WorkerError, type Workforce } from './worker-pool.ts'

/** A campaign: many trials of one run seed. */
export interface CampaignOptions {
  readonly explore: ExploreOptions
  readonly runSeed: string
  /** Trials to run; absent: as many as `timeMs` allows. */
  readonly trials?: number
  /** No trial begins after this time, ms. Shrinking comes after it. */
  readonly timeMs?: number
  /** Directory for counterexample files; absent: none are written. */
  readonly directory?: string
  readonly shrinkLimits?: ShrinkLimits
  readonly onProgress?: (progress: Progress) => void
  /** Ends the campaign early, with what there is so far. */
  readonly signal?: AbortSignal
}

export interface Progress {
  readonly phase: 'trials' | 'shrinking'
  readonly totals: Totals
  /** Trials to run in all, if that is known. */
  readonly trials: number | undefined
  readonly timeMs: number | undefined
  readonly elapsedMs: number
  /** What is being shrunk. */
  readonly shrinking?: FindingTotal
}

/** A counterexample, where it came from and where it was put. */
export interface FoundCounterexample {
  readonly total: FindingTotal
  readonly counterexample: Counterexample
  readonly file?: string
}

export interface CampaignResult {
  readonly runSeed: string
  readonly totals: Totals
  readonly counterexamples: readonly FoundCounterexample[]
  /** Findings that were to be shrunk and could not be. */
  readonly shrinkErrors: readonly string[]
  readonly elapsedMs: number
  readonly rssMaxBytes: number
  /** The signal ended it before all trials were run. */
  readonly interrupted: boolean
}

/** One trial in 20 is run twice to compare its digests, chosen by its seed. */
const TWICE_ONE_IN = 20
/** The first of each guarantee and kind is shrunk, at most so many of them. */
const MAX_SHRUNK = 3
/** When so many trials took their worker with them, more of them only waste time. */
const MAX_WORKER_ERRORS = 20

/** Runs a campaign: all its trials, then shrinks what they found first. */
export async function explore(workforce: Workforce, options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Campaign(workforce, options)
  await campaign.runTrials()
  await campaign.shrinkFindings()
  return campaign.result()
}

class Campaign {
  readonly #workforce: Workforce
  readonly #options: CampaignOptions
  readonly #startedMs = nowMs()
  readonly #totals = new Totals()
  readonly #counterexamples: FoundCounterexample[] = []
  readonly #shrinkErrors: string[] = []
  #next = 0

  constructor(workforce: Workforce, options: CampaignOptions) {
    this.#workforce = workforce
    this.#options = options
  }

  async runTrials(): Promise<void> {
    await Promise.all(Array.from({ length: this.#workforce.size }, () => this.#lane()))
  }

  async shrinkFindings(): Promise<void> {
    if (this.#options.signal?.aborted) return
    const chosen = worthShrinking(this.#totals.findings)
    await Promise.all(chosen.map(total => this.#shrink(total)))
    this.#counterexamples.sort((a, b) => chosen.indexOf(a.total) - chosen.indexOf(b.total))
  }

  result(): CampaignResult {
    return {
      runSeed: this.#options.runSeed,
      totals: this.#totals,
      counterexamples: this.#counterexamples,
      shrinkErrors: this.#shrinkErrors,
      elapsedMs: this.#elapsedMs,
      rssMaxBytes: this.#workforce.rssMaxBytes,
      interrupted: this.#options.signal?.aborted === true,
    }
  }

  get #elapsedMs(): number {
    return nowMs() - this.#startedMs
  }

  /** Runs one trial after the other as long as there are more. */
  async #lane(): Promise<void> {
    const { explore: given, runSeed } = this.#options
    while (this.#more()) {
      const trial = this.#next++
      const seed = trialSeed(runSeed, trial)
      try {
        const twice = hash32(`${seed}/twice`) % TWICE_ONE_IN === 0
        this.#totals.add(trial, await this.#workforce.ask({ type: 'trial', seed, options: given, twice }))
      } catch (error) {
        if (!(error instanceof WorkerError)) throw error
        this.#totals.addWorkerError(seed, error.message)
      }
      this.#progress('trials')
    }
  }

  #more(): boolean {
    const { trials, timeMs, signal } = this.#options
    if (signal?.aborted || this.#totals.workerErrorCount >= MAX_WORKER_ERRORS) return false
    return this.#next < (trials ?? Number.POSITIVE_INFINITY) && this.#elapsedMs < (timeMs ?? Number.POSITIVE_INFINITY)
  }

  async #shrink(total: FindingTotal): Promise<void> {
    const { explore: given, directory, shrinkLimits } = this.#options
    this.#progress('shrinking', total)
    try {
      const counterexample = await this.#workforce.ask({
        type: 'shrink',
        source: { seed: total.firstSeed, options: given },
        finding: total.finding,
        limits: shrinkLimits ?? {},
      })
      const file = directory === undefined ? undefined : counterexamplePath(total.finding, total.firstSeed, directory)
      if (file !== undefined) writeText(file, `${JSON.stringify(counterexampleFile(counterexample), null, 2)}\n`)
      this.#counterexamples.push({ total, counterexample, ...(file === undefined ? {} : { file }) })
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      this.#shrinkErrors.push(`${total.firstSeed}: ${error.message}`)
    }
  }

  #progress(phase: Progress['phase'], shrinking?: FindingTotal): void {
    const { trials, timeMs, onProgress } = this.#options
    onProgress?.({
      phase,
      totals: this.#totals,
      trials,
      timeMs,
      elapsedMs: this.#elapsedMs,
      ...(shrinking === undefined ? {} : { shrinking }),
    })
  }
}

/** Findings to shrink: one of each guarantee before a second kind of any, because kinds of one often have one cause. */
function worthShrinking(findings: readonly FindingTotal[]): FindingTotal[] {
  const candidates = findings.filter(({ finding }) => severityOf(finding) !== 'internal')
  const isFirst = ({ finding }: FindingTotal, index: number): boolean =>
    candidates.findIndex(other => other.finding.guarantee === finding.guarantee) === index
  const firsts = candidates.filter(isFirst)
  return [...firsts, ...candidates.filter(total => !firsts.includes(total))].slice(0, MAX_SHRUNK)
}
