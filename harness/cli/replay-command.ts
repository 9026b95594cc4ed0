import { type CounterexampleFile, readScenarioFile, versionsFor } from '../explore/counterexample-file.ts'
import { exitCodeOf } from '../explore/exit-code.ts'
import type { ExploreOptions } from '../explore/explore-options.ts'
import type { ScenarioSource } from '../explore/jobs.ts'
import { fileExists } from '../explore/real-host.ts'
import { WorkerPool } from '../explore/worker-pool.ts'
import { replayJson } from '../report/json.ts'
import { replayLines } from '../report/replay.ts'
import { explorationOf, type GenerationFlags } from './generation-options.ts'
import { outputStyle, printJson, printLines } from './output.ts'
import { UsageError } from './usage-error.ts'

export interface ReplayFlags extends GenerationFlags {
  readonly until?: number
  readonly trace?: string
  readonly json?: boolean
}

/** Room for the full trace of a long trial. */
const HEAP_MIB = 4096

interface Target {
  readonly source: ScenarioSource
  readonly file: CounterexampleFile | undefined
}

/** Runs one scenario again and tells its story. */
export async function replayCommand(fileOrSeed: string, flags: ReplayFlags): Promise<number> {
  const options = await explorationOf(flags)
  const { source, file } = targetOf(fileOrSeed, options)
  const pool = new WorkerPool(1, HEAP_MIB)
  try {
    const replay = await pool.ask({
      type: 'replay',
      source,
      ...(flags.until === undefined ? {} : { untilMs: flags.until }),
      ...(flags.trace === undefined ? {} : { traceFile: flags.trace }),
    })
    const versions = versionsFor(replay.scenario)
    const report = { replay, file, versions, untilMs: flags.until, traceFile: flags.trace }
    if (flags.json === true) printJson(replayJson(report))
    else printLines(replayLines(report, outputStyle()))
    return exitCodeOf(replay.findings)
  } finally {
    pool.close()
  }
}

function targetOf(fileOrSeed: string, options: ExploreOptions): Target {
  if (fileExists(fileOrSeed)) {
    const [flag] = Object.keys(options)
    if (flag !== undefined)
      throw new UsageError(`${fileOrSeed} says everything itself: flags that generate are for seeds`)
    const { scenario, file } = readScenarioFile(fileOrSeed)
    return { source: { scenario, options: {} }, file }
  }
  if (/^[\w.]{1,64}-\d{1,12}$/.test(fileOrSeed)) return { source: { seed: fileOrSeed, options }, file: undefined }
  throw new UsageError(`${JSON.stringify(fileOrSeed)} is neither a file nor the seed of a trial, as 42-17`)
}
