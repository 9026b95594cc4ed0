import { trialSeed } from '../explore/arbitrary.ts'
import type { ExploreOptions } from '../explore/explore-options.ts'
import { type Finding, findingKey, severityOf } from '../explore/finding.ts'
import type { Counterexample, ShrinkLimits } from '../explore/jobs.ts'
import { after, nowMs } from '../explore/real-host.ts'
import { WorkerError, type Workforce } from '../explore/worker-pool.ts'
import type { Mutant } from './mutant.ts'

export interface HuntOptions {
  readonly mutant: Mutant
  /** What the mutant's flags of `explore` ask for. */
  readonly explore: ExploreOptions
  readonly runSeed: string
  /** The mutant is not caught after this time, ms. */
  readonly timeMs: number
  /** Workers with the mutant; they are ended when it is caught or the time is over. */
  readonly mutated: Workforce
  /** Workers without it. */
  readonly unmodified: Workforce
  /** Shrinks what caught it; absent: it is not shrunk. */
  readonly shrinkLimits?: ShrinkLimits
  readonly onTrial?: (trials: number, elapsedMs: number) => void
}

/** What caught a mutant. */
export interface Catch {
  readonly finding: Finding
  /** Of the trial. */
  readonly seed: string
  /** Whether the mutant's file names the guarantee. */
  readonly expected: boolean
  readonly counterexample?: Counterexample
}

export interface HuntResult {
  readonly mutant: Mutant
  readonly caught: Catch | undefined
  /** Trials that ended until then. */
  readonly trials: number
  readonly elapsedMs: number
  /** Trials that were useless: what they found is there without the mutant too, or is a defect of the harness. */
  readonly disturbed: number
  /** The first of them, in a sentence. */
  readonly disturbance?: string
}

/** When so many trials were useless because their worker ended, more of them only waste time. */
const MAX_WORKER_ERRORS = 20

/**
 * Runs general trials against a mutant until one finds something that the same trial does not find without the mutant.
 */
export async function hunt(options: HuntOptions): Promise<HuntResult> {
  const current = new Hunt(options)
  return await current.run()
}

class Hunt {
  readonly #options: HuntOptions
  readonly #startedMs = nowMs()
  #trials = 0
  #disturbed = 0
  #disturbance: string | undefined
  #workerErrors = 0
  #next = 0
  #over = false
  #caught: Catch | undefined
  #elapsedMs = 0

  constructor(options: HuntOptions) {
    this.#options = options
  }

  async run(): Promise<HuntResult> {
    const { mutant, mutated, timeMs } = this.#options
    const cancel = after(timeMs, () => this.#end())
    const lanes = Array.from({ length: mutated.size }, () => this.#lane())
    await Promise.all(lanes)
    cancel()
    this.#end()
    await this.#shrink()
    mutated.close()
    return {
      mutant,
      caught: this.#caught,
      trials: this.#trials,
      elapsedMs: this.#elapsedMs,
      disturbed: this.#disturbed,
      ...(this.#disturbance === undefined ? {} : { disturbance: this.#disturbance }),
    }
  }

  async #lane(): Promise<void> {
    const { explore, runSeed, mutated, onTrial } = this.#options
    while (!this.#over) {
      const seed = trialSeed(runSeed, this.#next++)
      try {
        const { findings } = await mutated.ask({ type: 'trial', seed, options: explore, twice: false, once: true })
        if (this.#over) return
        this.#trials++
        onTrial?.(this.#trials, nowMs() - this.#startedMs)
        const telling = findings.filter(finding => severityOf(finding) !== 'internal')
        if (telling.length > 0) await this.#judge(seed, telling)
        else this.#disturb(seed, findings.map(describe))
      } catch (error) {
        if (!(error instanceof WorkerError)) throw error
        if (this.#over) return
        this.#disturb(seed, [error.message])
        if (++this.#workerErrors >= MAX_WORKER_ERRORS) this.#end()
      }
    }
  }

  /** A finding counts only if the trial does not make it without the mutant. */
  async #judge(seed: string, findings: readonly Finding[]): Promise<void> {
    const { explore, unmodified, mutant } = this.#options
    const control = await unmodified.ask({ type: 'trial', seed, options: explore, twice: false, once: true })
    if (this.#over) return
    const known = new Set(control.findings.map(findingKey))
    const own = findings.filter(finding => !known.has(findingKey(finding)))
    const isExpected = ({ guarantee }: Finding): boolean => mutant.caughtBy.includes(guarantee)
    const finding = own.find(isExpected) ?? own[0]
    if (finding === undefined) {
      this.#disturb(seed, findings.map(describe), ', and without the mutant too')
      return
    }
    this.#caught = { finding, seed, expected: isExpected(finding) }
    this.#end()
  }

  async #shrink(): Promise<void> {
    const { explore, mutated, shrinkLimits } = this.#options
    if (this.#caught === undefined || shrinkLimits === undefined) return
    const { seed, finding } = this.#caught
    const source = { seed, options: explore }
    const counterexample = await mutated.ask({ type: 'shrink', source, finding, limits: shrinkLimits })
    this.#caught = { ...this.#caught, counterexample }
  }

  /** Ends the hunt, and the workers, one of which may hang. */
  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#elapsedMs = nowMs() - this.#startedMs
    this.#options.mutated.close()
  }

  #disturb(seed: string, [what]: readonly string[], more = ''): void {
    if (what === undefined) return
    this.#disturbed++
    this.#disturbance ??= `trial ${seed}${more}: ${what}`
  }
}

function describe(finding: Finding): string {
  return `${findingKey(finding)}: ${finding.message.split('\n', 1)[0]}`
}
