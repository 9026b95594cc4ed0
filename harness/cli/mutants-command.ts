import { Command } from 'commander'
import type { ExploreOptions } from '../explore/explore-options.ts'
import { WorkerPool } from '../explore/worker-pool.ts'
import { mutatedSources, readMutants } from '../mutants/catalogue.ts'
import { type HuntResult, hunt } from '../mutants/hunt.ts'
import type { Mutant } from '../mutants/mutant.ts'
import { planting } from '../mutants/planting.ts'
import { counted } from '../report/format.ts'
import { huntLines, huntsExitCode, huntsJson, huntsSummary } from '../report/mutants.ts'
import { addGenerationFlags, explorationOf, type GenerationFlags } from './generation-options.ts'
import { outputStyle, printJson, printLines } from './output.ts'
import { UsageError } from './usage-error.ts'

export interface MutantsFlags {
  readonly time: number
  readonly workers: number
  readonly seed: string
  readonly stories?: boolean
  readonly json?: boolean
}

/** Hunts mutants, one after the other, each with all workers, and reports which were caught. */
export async function mutantsCommand(ids: readonly string[], flags: MutantsFlags): Promise<number> {
  const hunts: { readonly mutant: Mutant; readonly explore: ExploreOptions }[] = []
  for (const mutant of chosen(ids)) {
    mutatedSources(mutant)
    hunts.push({ mutant, explore: await explorationOfMutant(mutant) })
  }
  process.stderr.write(`seed ${flags.seed}, ${counted(hunts.length, 'mutant')}\n`)
  const results: HuntResult[] = []
  const unmodified = new WorkerPool(1)
  try {
    for (const { mutant, explore } of hunts) {
      const result = await hunt({
        mutant,
        explore,
        runSeed: flags.seed,
        timeMs: flags.time,
        mutated: new WorkerPool(flags.workers, undefined, planting(mutant.id)),
        unmodified,
        ...(flags.stories === true ? { shrinkLimits: {} } : {}),
      })
      results.push(result)
      if (flags.json !== true) printLines(huntLines(result, outputStyle()))
    }
  } finally {
    unmodified.close()
  }
  if (flags.json === true) printJson(huntsJson(results, flags.seed, flags.workers))
  else printLines(['', huntsSummary(results, outputStyle())])
  return huntsExitCode(results)
}

function chosen(ids: readonly string[]): Mutant[] {
  const all = readMutants()
  const unknown = ids.find(id => !all.some(mutant => mutant.id === id))
  if (unknown !== undefined) {
    throw new UsageError(`there is no mutant ${unknown}; there are ${all.map(({ id }) => id).join(', ')}`)
  }
  return ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id))
}

/**
 * What a mutant's flags of `explore` ask for.
 *
 * @throws UsageError that names the mutant when the flags are wrong
 */
export async function explorationOfMutant({ id, explore }: Pick<Mutant, 'id' | 'explore'>): Promise<ExploreOptions> {
  const command = addGenerationFlags(new Command(id))
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  try {
    return await explorationOf(command.parse(explore, { from: 'user' }).opts<GenerationFlags>())
  } catch (error) {
    if (error instanceof Error) throw new UsageError(`mutant ${id}: ${error.message}`, { cause: error })
    throw error
  }
}
