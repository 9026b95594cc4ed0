import { trialSeed } from '../explore/arbitrary.ts'
import { counterexampleFile, counterexamplePath } from '../explore/counterexample-file.ts'
import { type Finding, findingKey, severityOf } from '../explore/finding.ts'
import type { Counterexample, ShrinkLimits, TrialReport } from '../explore/jobs.ts'
import { nowMs, writeText } from '../explore/real-host.ts'
import { hash32 } from '../explore/seeded-generator.ts'
import { Totals } from '../explore/totals.ts'
import { WorkerError, type Workforce } from '../explore/worker-pool.ts'
import type { GuaranteeName, Scenario } from '../trial/scenario.ts'
import { breaks, type Judged, type JudgedName, judgedBy } from './guarantee-groups.ts'
import { pinned, type VerdictPlan } from './plan.ts'
import { verdictScenario } from './verdict-arbitrary.ts'

export interface VerdictCampaignOptions {
  readonly plan: VerdictPlan
  readonly runSeed: string
  /** Trials to run; absent: as many as `timeMs` allows. */
  readonly trials?: number
  /** How long trials begin, ms, beside the time that it takes to shrink what they find. */
  readonly timeMs?: number
  /** What to judge; default everything. */
  readonly judge?: readonly JudgedName[]
  /** One broken guarantee is enough: the campaign ends with the first. */
  readonly untilBroken?: boolean
  /** Directory for counterexample files; absent: none are written. */
  readonly directory?: string
  readonly shrinkLimits?: ShrinkLimits
  readonly onProgress?: (progress: VerdictProgress) => void
  /** Ends the campaign early, with what there is so far. */
  readonly signal?: AbortSignal
}

/** A guarantee that did not hold: in which trial first, and the smallest scenario that shows it. */
export interface Broken {
  readonly finding: Finding
  /** Number of the trial, from 0. */
  readonly trial: number
  readonly seed: string
  /** Since the campaign began, ms. */
  readonly afterMs: number
  /** Absent while it is being shrunk, and when that failed. */
  readonly counterexample?: Counterexample
  readonly file?: string
}

/** What became of one of the things that were judged. */
export interface Outcome {
  readonly judged: Judged
  /** Trials in which it was judged: until it was broken, all that could be judged at all. */
  readonly trials: number
  readonly broken: Broken | undefined
}

export interface VerdictProgress {
  readonly totals: Totals
  readonly outcomes: readonly Outcome[]
  readonly trials: number | undefined
  readonly timeMs: number | undefined
  readonly elapsedMs: number
  /** Something was found or shrunk just now. */
  readonly news?: { readonly what: 'broken' | 'shrunk'; readonly title: string; readonly broken: Broken }
}

export interface VerdictCampaignResult {
  readonly plan: VerdictPlan
  readonly runSeed: string
  readonly totals: Totals
  readonly outcomes: readonly Outcome[]
  /** What was found besides: promises that hold in every configuration, crashes, defects. The first of each is shrunk. */
  readonly others: readonly Broken[]
  readonly shrinkErrors: readonly string[]
  readonly elapsedMs: number
  readonly rssMaxBytes: number
  readonly interrupted: boolean
}

const TWICE_ONE_IN = 20
/** When so many trials ended by defects of the harness, more of them only waste time. */
const MAX_USELESS = 20
const MAX_OTHERS_SHRUNK = 3
/** Long stories convince nobody, and a verdict is waited for. */
const SHRINK_LIMITS: ShrinkLimits = { maxTrials: 400, maxMs: 30_000 }
/** The loss is judged on its own (`no-loss`), whatever explains it. */
const NOT_ASKED: ReadonlySet<GuaranteeName> = new Set(['no-unexplained-loss'])

/**
 * Runs trials of one configuration. A guarantee is judged until it is broken; its first counterexample is shrunk at once,
 * while the others are judged on. Ends when nothing is left to judge, or trials or time are used up.
 */
export async function runVerdict(
  workforce: Workforce,
  options: VerdictCampaignOptions,
): Promise<VerdictCampaignResult> {
  const campaign = new VerdictCampaign(workforce, options)
  await campaign.run()
  return campaign.result()
}

/** A judged guarantee on its way. */
interface Question {
  readonly judged: Judged
  trials: number
  broken: Broken | undefined
}

interface ToShrink {
  readonly title: string
  readonly scenario: Scenario
  readonly broken: Broken
  readonly done: (broken: Broken) => void
}

class VerdictCampaign {
  readonly #workforce: Workforce
  readonly #options: VerdictCampaignOptions
  readonly #startedMs = nowMs()
  readonly #totals = new Totals()
  readonly #questions: Question[]
  readonly #others = new Map<string, Broken>()
  readonly #toShrink: ToShrink[] = []
  readonly #shrinkErrors: string[] = []
  #next = 0
  #useless = 0

  constructor(workforce: Workforce, options: VerdictCampaignOptions) {
    this.#workforce = workforce
    this.#options = options
    this.#questions = judgedBy(options.plan.configuration)
      .filter(({ name }) => options.judge?.includes(name) ?? true)
      .map(judged => ({ judged, trials: 0, broken: undefined }))
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#workforce.size }, () => this.#lane()))
  }

  result(): VerdictCampaignResult {
    return {
      plan: this.#options.plan,
      runSeed: this.#options.runSeed,
      totals: this.#totals,
      outcomes: this.#questions,
      others: [...this.#others.values()],
      shrinkErrors: this.#shrinkErrors,
      elapsedMs: this.#elapsedMs,
      rssMaxBytes: this.#workforce.rssMaxBytes,
      interrupted: this.#options.signal?.aborted === true,
    }
  }

  get #elapsedMs(): number {
    return nowMs() - this.#startedMs
  }

  /** One order after the other; what was found is shrunk before more is looked for. */
  async #lane(): Promise<void> {
    let shrinkingMs = 0
    for (;;) {
      const found = this.#toShrink.shift()
      if (found !== undefined) {
        const beganMs = this.#elapsedMs
        await this.#shrink(found)
        shrinkingMs += this.#elapsedMs - beganMs
      } else if (this.#more(this.#elapsedMs - shrinkingMs)) await this.#trial()
      else return
    }
  }

  /** @param triedMs how long a lane has run trials */
  #more(triedMs: number): boolean {
    const { trials = Number.POSITIVE_INFINITY, timeMs = Number.POSITIVE_INFINITY, signal, untilBroken } = this.#options
    if (signal?.aborted || this.#totals.workerErrorCount + this.#useless >= MAX_USELESS) return false
    const broken = this.#questions.filter(question => question.broken !== undefined).length
    if (broken === this.#questions.length || (untilBroken === true && broken > 0)) return false
    return this.#next < trials && triedMs < timeMs
  }

  async #trial(): Promise<void> {
    const { plan, runSeed } = this.#options
    const trial = this.#next++
    const seed = trialSeed(runSeed, trial)
    const open = this.#questions.filter(({ broken }) => broken === undefined)
    const scenario = this.#judging(verdictScenario(plan, seed, trial), open)
    const twice = hash32(`${seed}/twice`) % TWICE_ONE_IN === 0
    try {
      const report = await this.#workforce.ask({ type: 'trial', seed, options: {}, twice, scenario })
      this.#totals.add(trial, report)
      // A trial that failed ended before its checkers ran.
      const failed = report.findings.find(({ guarantee }) => guarantee === 'trial')
      if (failed === undefined) for (const question of open) question.trials++
      else if (severityOf(failed) === 'internal') this.#useless++
      this.#note(trial, scenario, report)
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      this.#totals.addWorkerError(seed, error.message)
    }
    this.#progress()
  }

  /** The scenario with what is still to be judged, and what else it promises, as long as that was never found broken. */
  #judging(scenario: Scenario, open: readonly Question[]): Scenario {
    const asked = new Set(this.#questions.flatMap(({ judged }) => judged.guarantees))
    const known = (name: GuaranteeName): boolean => asked.has(name) || NOT_ASKED.has(name) || this.#others.has(name)
    const always = scenario.guarantees.filter(name => !known(name))
    return { ...scenario, guarantees: [...new Set([...open.flatMap(({ judged }) => judged.guarantees), ...always])] }
  }

  #note(trial: number, scenario: Scenario, { seed, findings }: TrialReport): void {
    for (const finding of findings) {
      const broken: Broken = { finding, trial, seed, afterMs: this.#elapsedMs }
      const asked = this.#questions.filter(({ judged }) => breaks(judged, finding))
      if (asked.length === 0) this.#noteOther(broken, scenario)
      this.#noteBroken(
        asked.filter(question => question.broken === undefined),
        broken,
        scenario,
      )
    }
  }

  /** A lost record breaks all that is built on it: it is told of each, and shrunk once. */
  #noteBroken(questions: readonly Question[], broken: Broken, scenario: Scenario): void {
    if (questions.length === 0) return
    const set = (found: Broken): void => {
      for (const question of questions) question.broken = found
    }
    const title = questions.map(({ judged }) => judged.title).join('; ')
    set(broken)
    this.#progress({ what: 'broken', title, broken })
    this.#toShrink.push({ title, scenario, broken, done: set })
  }

  #noteOther(broken: Broken, scenario: Scenario): void {
    const { guarantee } = broken.finding
    const key = guarantee === 'trial' ? findingKey(broken.finding) : guarantee
    if (this.#others.has(key)) return
    this.#others.set(key, broken)
    this.#progress({ what: 'broken', title: findingKey(broken.finding), broken })
    if (severityOf(broken.finding) === 'internal' || this.#others.size > MAX_OTHERS_SHRUNK) return
    this.#toShrink.push({
      title: findingKey(broken.finding),
      scenario,
      broken,
      done: shrunk => this.#others.set(key, shrunk),
    })
  }

  async #shrink({ title, scenario, broken, done }: ToShrink): Promise<void> {
    const { plan, directory, shrinkLimits = SHRINK_LIMITS } = this.#options
    const { finding, seed } = broken
    const guarantees = finding.guarantee === 'trial' ? scenario.guarantees : [finding.guarantee]
    try {
      const counterexample = await this.#workforce.ask({
        type: 'shrink',
        source: { scenario: { ...scenario, guarantees }, options: pinned(plan, guarantees) },
        finding,
        limits: shrinkLimits,
      })
      const file = directory === undefined ? undefined : counterexamplePath(finding, seed, directory)
      if (file !== undefined) writeText(file, `${JSON.stringify(counterexampleFile(counterexample), null, 2)}\n`)
      const shrunk: Broken = { ...broken, counterexample, ...(file === undefined ? {} : { file }) }
      done(shrunk)
      this.#progress({ what: 'shrunk', title, broken: shrunk })
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      this.#shrinkErrors.push(`${seed}: ${error.message}`)
    }
  }

  #progress(news?: VerdictProgress['news']): void {
    const { trials, timeMs, onProgress } = this.#options
    onProgress?.({
      totals: this.#totals,
      outcomes: this.#questions,
      trials,
      timeMs,
      elapsedMs: this.#elapsedMs,
      ...(news === undefined ? {} : { news }),
    })
  }
}
