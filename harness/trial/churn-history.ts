import type { RecordId, SendError } from '../history/history.ts'
import type { ChurnOperation } from './churn-spec.ts'

/**
 * How an operation of an administrator ended. `refused` is what a broker or controller answered for good: it was not done, or had
 * been done before by the same request, which brokers repeat on its way to the controller. Everything else that is not `ok` is
 * `indeterminate`: it may have been done, or be done later.
 */
export type ChurnOutcome =
  | { readonly kind: 'pending' }
  | {
      readonly kind: 'ok'
      readonly atMs: number
      /** Of a topic that was created. */
      readonly topicId?: string
      /** The first offset that is left, after records were deleted. */
      readonly lowWatermark?: number
      /** Where written records stand, in their order. */
      readonly offsets?: readonly number[]
    }
  | { readonly kind: 'refused' | 'indeterminate'; readonly atMs: number; readonly error: SendError }

/** One thing that was asked for; each is asked once, without a repetition by the client. */
export interface ChurnCall {
  /** Place of the operation in the scenario. */
  readonly index: number
  readonly operation: ChurnOperation
  readonly invokedMs: number
  outcome: ChurnOutcome
  /** How often it settled; anything but 1 at the end is a defect. */
  settled: number
}

/** What administration asked for and what came of it, in the order in which it was asked for. */
export class ChurnHistory {
  readonly calls: ChurnCall[] = []

  invoke(call: Pick<ChurnCall, 'index' | 'operation' | 'invokedMs'>): ChurnCall {
    const invoked: ChurnCall = { ...call, outcome: { kind: 'pending' }, settled: 0 }
    this.calls.push(invoked)
    return invoked
  }

  settle(call: ChurnCall, outcome: ChurnOutcome): void {
    call.settled++
    if (call.settled === 1) call.outcome = outcome
  }
}

/** The identity of a record that an operation of churn writes: `c4-r0`, the first of the fifth operation. */
export function churnedId(index: number, record: number): RecordId {
  return `c${index}-r${record}`
}
