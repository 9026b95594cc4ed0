import type { Workforce } from '../explore/worker-pool.ts'
import { type Broken, runVerdict, type VerdictCampaignResult } from './campaign.ts'
import type { VerdictConfiguration } from './configuration.ts'
import type { FaultModelName } from './fault-models.ts'
import {
  type CrashKind,
  type Expectation,
  expectationFor,
  type MatrixCell,
  matrixCells,
} from './matrix-expectations.ts'
import type { VerdictPlan } from './plan.ts'

/** What a cell gave. */
export interface CellResult {
  readonly cell: MatrixCell
  readonly expected: Expectation
  readonly trials: number
  /** The first loss, and the smallest scenario that shows it. */
  readonly broken: Broken | undefined
  /** Found is what was expected. A cell that was never broken agrees with "cannot be lost" for as many trials as it had. */
  readonly agrees: boolean
  readonly campaign: VerdictCampaignResult
}

export interface MatrixOptions {
  /** What the cells do not say. */
  readonly base: VerdictConfiguration
  readonly runSeed: string
  /** Trials of a cell at most. */
  readonly trials: number
  /** For the whole matrix, ms; what a cell does not need is shared among those after it. */
  readonly timeMs?: number
  readonly directory?: string
  readonly cells?: readonly MatrixCell[]
  readonly nowMs: () => number
  readonly onCell?: (result: CellResult, done: number, of: number) => void
  readonly signal?: AbortSignal
}

export interface MatrixResult {
  readonly cells: readonly CellResult[]
  readonly elapsedMs: number
  /** Not all cells were judged. */
  readonly interrupted: boolean
}

/**
 * What may happen in a cell. Partitions belong to both, because without them no in-sync replica set shrinks but by a
 * crash. No process is killed where machines lose power: a kill counts as an unclean shutdown too (KIP-966), and then
 * more than one replica would have had one.
 */
export const CRASH_MODELS: Readonly<Record<CrashKind, readonly FaultModelName[]>> = {
  process: ['process-crash', 'partition'],
  power: ['power-loss', 'partition'],
}
const REPLICAS = 3
/** What a cell needs is how few faults break it; there are many cells. */
const SHRINK_LIMITS = { maxTrials: 150, maxMs: 10_000 } as const

export function planOf(cell: MatrixCell, base: VerdictConfiguration): VerdictPlan {
  const { acks, minInsyncReplicas, unclean, crash, elr } = cell
  const idempotent = acks === -1 && base.producer.idempotent
  return {
    configuration: {
      ...base,
      brokers: REPLICAS,
      replicationFactor: REPLICAS,
      minInsyncReplicas,
      uncleanLeaderElection: unclean,
      eligibleLeaderReplicas: elr,
      producer: { ...base.producer, acks, idempotent, ...(idempotent ? {} : { renewAfterError: undefined }) },
    },
    models: CRASH_MODELS[crash],
    atOnce: REPLICAS,
    powerLosses: 1,
  }
}

/** A seed of its own for every cell, so that one alone can be run again. */
export function cellName({ acks, minInsyncReplicas, unclean, crash, elr }: MatrixCell): string {
  const elrName = crash === 'process' ? '' : elr ? '-elr' : '-noelr'
  return `acks${acks === -1 ? 'all' : acks}-isr${minInsyncReplicas}-${unclean ? 'unclean' : 'clean'}-${crash}${elrName}`
}

/**
 * Judges every cell, those first in which a loss is possible: they end with their first loss, and leave their time to
 * those in which none may be found.
 */
export async function runMatrix(workforce: Workforce, options: MatrixOptions): Promise<MatrixResult> {
  const { base, runSeed, trials, timeMs, nowMs, directory, signal, onCell } = options
  const startedMs = nowMs()
  const all = options.cells ?? matrixCells()
  const ordered = [...all].sort(
    (a, b) => Number(expectationFor(b).lossPossible) - Number(expectationFor(a).lossPossible),
  )
  const results = new Map<MatrixCell, CellResult>()
  for (const [index, cell] of ordered.entries()) {
    const leftMs = timeMs === undefined ? undefined : (timeMs - (nowMs() - startedMs)) / (ordered.length - index)
    if (signal?.aborted || (leftMs !== undefined && leftMs <= 0)) break
    const campaign = await runVerdict(workforce, {
      plan: planOf(cell, base),
      runSeed: `${runSeed}.${cellName(cell)}`,
      trials,
      judge: ['loss'],
      untilBroken: true,
      shrinkLimits: SHRINK_LIMITS,
      ...(leftMs === undefined ? {} : { timeMs: leftMs }),
      ...(directory === undefined ? {} : { directory }),
      ...(signal === undefined ? {} : { signal }),
    })
    const result = cellResult(cell, campaign)
    results.set(cell, result)
    onCell?.(result, results.size, ordered.length)
  }
  const cells = all.flatMap(cell => results.get(cell) ?? [])
  return { cells, elapsedMs: nowMs() - startedMs, interrupted: cells.length < all.length }
}

function cellResult(cell: MatrixCell, campaign: VerdictCampaignResult): CellResult {
  const [outcome] = campaign.outcomes
  const broken = outcome?.broken
  const expected = expectationFor(cell)
  const agrees = expected.lossPossible === (broken !== undefined) && campaign.others.length === 0
  return { cell, expected, trials: outcome?.trials ?? 0, broken, agrees, campaign }
}
