import { isAcknowledged } from './acknowledged.ts'
import type { Checker } from './evidence.ts'
import { noLoss } from './no-loss.ts'

/** An answer that left the broker before its disk was damaged is read by then, unless its reader stood still. */
const ANSWER_ON_ITS_WAY_MS = 1000

/**
 * As `no-loss`, but a record that was acknowledged before the last time that a disk was damaged, by a power loss or
 * worse, may be missing (`acked-record-missing`). With a client that had stopped reading (`stall-reader`), so may one that was sent before it: its acknowledgement may be older
 * than it looks.
 */
export const noUnexplainedLoss: Checker = evidence => {
  const lastDamageMs = evidence.damage.at(-1)?.ms ?? Number.NEGATIVE_INFINITY
  const readLate = evidence.scenario.faults.some(({ kind }) => kind === 'stall-reader')
  const sends = evidence.history.sends.filter(send => {
    if (!isAcknowledged(send)) return false
    if (readLate && send.invokedMs <= lastDamageMs) return false
    return send.outcome.atMs > lastDamageMs + ANSWER_ON_ITS_WAY_MS
  })
  return noLoss({ ...evidence, history: { sends } }).map(violation => ({
    ...violation,
    guarantee: 'no-unexplained-loss',
  }))
}
