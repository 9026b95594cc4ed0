import { LeaderRecoveryState } from '../protocol/apis/alter-partition.ts'
import type { ProposedLeaderAndIsr } from './alter-partition-manager.ts'

/** The ISR is as the controller has committed it. */
export interface CommittedIsrState {
  readonly kind: 'committed'
  readonly isr: readonly number[]
  readonly maximalIsr: readonly number[]
  /** One of `LeaderRecoveryState`. */
  readonly leaderRecoveryState: number
}

/** The controller was asked for another ISR and has not answered, or has refused for a reason that new metadata will tell. */
export interface PendingIsrState {
  readonly kind: 'expanding' | 'shrinking'
  /** As committed last. */
  readonly isr: readonly number[]
  /**
   * Who may be in the ISR by now (KIP-497): decides on the high watermark. A replica that was proposed counts at once, since
   * the controller may have taken it in; one that is to leave counts until that is sure.
   */
  readonly maximalIsr: readonly number[]
  readonly leaderRecoveryState: number
  readonly sent: ProposedLeaderAndIsr
  readonly lastCommitted: CommittedIsrState
}

/** Kafka's PartitionState. */
export type IsrState = CommittedIsrState | PendingIsrState

export function committedIsr(isr: readonly number[], leaderRecoveryState: number): CommittedIsrState {
  return { kind: 'committed', isr, maximalIsr: isr, leaderRecoveryState }
}

export function expandingIsr(
  committed: CommittedIsrState,
  newReplicaId: number,
  sent: ProposedLeaderAndIsr,
): PendingIsrState {
  return pending('expanding', committed, [...committed.isr, newReplicaId], sent)
}

export function shrinkingIsr(committed: CommittedIsrState, sent: ProposedLeaderAndIsr): PendingIsrState {
  return pending('shrinking', committed, committed.isr, sent)
}

function pending(
  kind: PendingIsrState['kind'],
  lastCommitted: CommittedIsrState,
  maximalIsr: readonly number[],
  sent: ProposedLeaderAndIsr,
): PendingIsrState {
  const leaderRecoveryState = LeaderRecoveryState.RECOVERED
  return { kind, isr: lastCommitted.isr, maximalIsr, leaderRecoveryState, sent, lastCommitted }
}
