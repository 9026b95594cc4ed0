import type { Progress } from '../explore/explore.ts'
import { findingKey } from '../explore/finding.ts'
import { counted, formatCount, formatDuration } from './format.ts'

/** Shows how far a campaign is. */
export interface ProgressDisplay {
  update(progress: Progress): void
  stop(): void
}

/** A log is not filled with more than one line in this time. */
const LINE_EVERY_MS = 5000

/** For logs: a line every five seconds at most, and one for everything that is shrunk. */
export class ProgressLines implements ProgressDisplay {
  readonly #write: (line: string) => void
  #lastMs = 0

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  update(progress: Progress): void {
    if (progress.phase === 'shrinking') {
      this.#write(shrinkingText(progress))
    } else if (progress.elapsedMs - this.#lastMs >= LINE_EVERY_MS) {
      this.#lastMs = progress.elapsedMs
      const { totals, trials, timeMs, elapsedMs } = progress
      const of = trials === undefined ? '' : ` of ${formatCount(trials)}`
      const time = timeMs === undefined ? '' : ` of ${formatDuration(timeMs)}`
      this.#write(
        `${formatCount(totals.trials)}${of} trials, ${formatDuration(elapsedMs)}${time}, ${findingsText(progress)}`,
      )
    }
  }

  stop(): void {}
}

/** For terminals: a bar that is redrawn. */
export class ProgressBar implements ProgressDisplay {
  readonly #bar: Bar
  #total = 0

  constructor(bar: Bar) {
    this.#bar = bar
  }

  update(progress: Progress): void {
    const { totals, trials, timeMs, elapsedMs } = progress
    const total = trials ?? timeMs ?? 0
    if (this.#total === 0) {
      this.#total = total
      this.#bar.start(total, 0, { text: '' })
    }
    const text =
      progress.phase === 'shrinking'
        ? shrinkingText(progress)
        : `${trials === undefined ? counted(totals.trials, 'trial') : `${formatCount(totals.trials)}/${formatCount(trials)} trials`}, ${findingsText(progress)}`
    this.#bar.update(Math.min(total, trials === undefined ? elapsedMs : totals.trials), { text })
  }

  stop(): void {
    this.#bar.stop()
  }
}

/** What is used of cli-progress. */
export interface Bar {
  start(total: number, value: number, payload: { readonly text: string }): void
  update(value: number, payload: { readonly text: string }): void
  stop(): void
}

export async function createProgress(stream: NodeJS.WriteStream, interactive: boolean): Promise<ProgressDisplay> {
  if (!interactive) return new ProgressLines(line => stream.write(`${line}\n`))
  const { default: cliProgress } = await import('cli-progress')
  const format = '{bar} {percentage}%  {text}'
  const bar = new cliProgress.SingleBar(
    { stream, format, hideCursor: true, clearOnComplete: true, stopOnComplete: false, gracefulExit: false },
    cliProgress.Presets.shades_classic,
  )
  return new ProgressBar(bar)
}

function findingsText({ totals }: Progress): string {
  const { length } = totals.findings
  return length === 0 ? 'no violations' : `${counted(length, 'kind')} of violation`
}

function shrinkingText({ shrinking }: Progress): string {
  return shrinking === undefined
    ? 'shrinking'
    : `shrinking ${findingKey(shrinking.finding)} of trial ${shrinking.firstSeed}`
}
