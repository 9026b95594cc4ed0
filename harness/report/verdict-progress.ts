import type { VerdictProgress } from '../verdict/campaign.ts'
import type { CellResult } from '../verdict/matrix.ts'
import { cellName } from '../verdict/matrix.ts'
import { formatCount, formatDuration } from './format.ts'
import type { Bar } from './progress.ts'
import { happeningsIn } from './scenario.ts'
import { foundText } from './verdict-markdown.ts'

/** Shows how far a verdict is: what broke at once, and else a sign of life. */
export interface VerdictDisplay {
  update(progress: VerdictProgress): void
  say(line: string): void
  stop(): void
}

/** A log is not filled with more than one line in this time, but for news. */
const LINE_EVERY_MS = 5000

export class VerdictProgressLines implements VerdictDisplay {
  readonly #write: (line: string) => void
  #lastMs = 0

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  update(progress: VerdictProgress): void {
    if (progress.news !== undefined) this.#write(newsText(progress))
    else if (progress.elapsedMs - this.#lastMs >= LINE_EVERY_MS) {
      this.#lastMs = progress.elapsedMs
      this.#write(stateText(progress))
    }
  }

  say(line: string): void {
    this.#write(line)
  }

  stop(): void {}
}

/** For terminals: a bar that is redrawn, with news above it. */
export class VerdictProgressBar implements VerdictDisplay {
  readonly #bar: Bar
  readonly #write: (line: string) => void
  #total = 0

  constructor(bar: Bar, write: (line: string) => void) {
    this.#bar = bar
    this.#write = write
  }

  update(progress: VerdictProgress): void {
    const { totals, trials, timeMs, elapsedMs } = progress
    const total = trials ?? timeMs ?? 0
    if (this.#total === 0) {
      this.#total = total
      this.#bar.start(total, 0, { text: '' })
    }
    if (progress.news !== undefined) this.say(newsText(progress))
    this.#bar.update(Math.min(total, trials === undefined ? elapsedMs : totals.trials), { text: stateText(progress) })
  }

  /** A line of its own, above the bar, which is drawn again. */
  say(line: string): void {
    this.#write(`\r\u001b[K${line}`)
  }

  stop(): void {
    this.#bar.stop()
  }
}

export async function createVerdictDisplay(stream: NodeJS.WriteStream, interactive: boolean): Promise<VerdictDisplay> {
  const write = (line: string): void => void stream.write(`${line}\n`)
  if (!interactive) return new VerdictProgressLines(write)
  const { default: cliProgress } = await import('cli-progress')
  const format = '{bar} {percentage}%  {text}'
  const bar = new cliProgress.SingleBar(
    { stream, format, hideCursor: true, clearOnComplete: true, stopOnComplete: false, gracefulExit: false },
    cliProgress.Presets.shades_classic,
  )
  return new VerdictProgressBar(bar, write)
}

function stateText({ totals, trials, timeMs, elapsedMs, outcomes }: VerdictProgress): string {
  const of = trials === undefined ? '' : `/${formatCount(trials)}`
  const time = timeMs === undefined ? '' : ` of ${formatDuration(timeMs)}`
  const broken = outcomes.filter(outcome => outcome.broken !== undefined).length
  return `${formatCount(totals.trials)}${of} trials, ${formatDuration(elapsedMs)}${time}, ${broken} of ${outcomes.length} broken`
}

function newsText({ news }: VerdictProgress): string {
  if (news === undefined) return ''
  const { what, title, broken } = news
  if (what === 'broken') {
    return `broken: ${title}, in trial ${formatCount(broken.trial + 1)} after ${formatDuration(broken.afterMs)}; shrinking`
  }
  const scenario = broken.counterexample?.scenario
  return `shrunk: ${title}${scenario === undefined ? '' : `, to ${happeningsIn(scenario)}`}`
}

/** A cell of the matrix that is done. */
export function cellText(result: CellResult, done: number, of: number): string {
  const mark = result.agrees ? '' : ', which is not what is expected'
  return `${done}/${of} ${cellName(result.cell)}: ${foundText(result)}${mark}`
}
