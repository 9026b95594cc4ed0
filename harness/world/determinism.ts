import type { TraceMode } from './trace.ts'
import type { World } from './world.ts'

/** What a run must allow to be compared: a fresh world each time, made from the same scenario. */
export type Rerun = (options: { readonly trace: TraceMode; readonly explainIndex?: number }) => Promise<World>

/** Two runs of one scenario differed: a defect of the harness or of the code under test. */
export interface Divergence {
  /** Index of the first trace entry that differs. */
  readonly index: number
  readonly first: string
  readonly second: string
  /** Where the differing event was scheduled, in a third run. */
  readonly stack: string
}

/**
 * Runs a scenario twice and compares every event. Undefined when the runs are the same; else the first differing event
 * and, from a third run, the stack that scheduled it.
 */
export async function findDivergence(rerun: Rerun): Promise<Divergence | undefined> {
  const first = await rerun({ trace: 'compact' })
  const second = await rerun({ trace: 'compact' })
  const index = first.trace.firstDifference(second.trace)
  if (index === undefined) return undefined
  const third = await rerun({ trace: 'compact', explainIndex: index })
  return {
    index,
    first: first.trace.describe(index),
    second: second.trace.describe(index),
    stack: third.explanation ?? 'the third run did not reach the event',
  }
}
