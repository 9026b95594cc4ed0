import { OUTPUT_DIRECTORY } from '../explore/counterexample-file.ts'
import { campaignExitCode } from '../explore/exit-code.ts'
import { type CampaignOptions, explore } from '../explore/explore.ts'
import { freshSeed } from '../explore/real-host.ts'
import { WorkerPool } from '../explore/worker-pool.ts'
import { campaignJson } from '../report/json.ts'
import { createProgress } from '../report/progress.ts'
import { campaignLines } from '../report/summary.ts'
import { explorationOf, type GenerationFlags } from './generation-options.ts'
import { interruptible } from './interruptible.ts'
import { hasInteractiveProgress, outputStyle, printJson, printLines } from './output.ts'
import { UsageError } from './usage-error.ts'

export interface ExploreFlags extends GenerationFlags {
  readonly trials?: number
  readonly time?: number
  readonly seed?: string
  readonly workers: number
  readonly json?: boolean
}

const DEFAULT_TRIALS = 500

/** Runs a campaign and reports it. */
export async function exploreCommand(flags: ExploreFlags): Promise<number> {
  if (flags.trials !== undefined && flags.time !== undefined) throw new UsageError('--trials or --time, not both')
  const options = await explorationOf(flags)
  const runSeed = flags.seed ?? freshSeed()
  process.stderr.write(`seed ${runSeed}\n`)
  const { signal, release } = interruptible()
  const progress = await createProgress(process.stderr, hasInteractiveProgress())
  const pool = new WorkerPool(flags.workers)
  const limit: Pick<CampaignOptions, 'trials' | 'timeMs'> =
    flags.time === undefined ? { trials: flags.trials ?? DEFAULT_TRIALS } : { timeMs: flags.time }
  try {
    const result = await explore(pool, {
      explore: options,
      runSeed,
      directory: OUTPUT_DIRECTORY,
      onProgress: state => progress.update(state),
      signal,
      ...limit,
    })
    progress.stop()
    if (flags.json === true) printJson(campaignJson(result, options, flags.workers))
    else printLines(campaignLines(result, options, flags.workers, outputStyle()))
    return campaignExitCode(result)
  } finally {
    progress.stop()
    pool.close()
    release()
  }
}
