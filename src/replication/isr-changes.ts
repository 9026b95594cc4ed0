import type { UnifiedLog } from '../log/unified-log.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { TopicIdPartition } from '../protocol/topic-partition.ts'
import type { AlterPartitionResult, CommittedLeaderAndIsr } from './alter-partition-manager.ts'
import { expandingIsr, type PendingIsrState, shrinkingIsr } from './isr-state.ts'
import type { PartitionContext } from './partition-context.ts'
import type { PartitionState } from './partition-state.ts'
import type { Replica } from './replica.ts'

/** The controller has not done what was asked for, and the ISR is as it was. */
const NOT_APPLIED: ReadonlySet<number> = new Set([ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.INELIGIBLE_REPLICA])

/** What the controller knows is newer than what this leader knows: new metadata will come, and decide. */
const AWAIT_METADATA: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.INVALID_UPDATE_VERSION,
  ErrorCode.INVALID_REQUEST,
  ErrorCode.NEW_LEADER_ELECTED,
])

/**
 * How a leader changes its ISR (KIP-497): proposes, counts what may be committed by now, and takes over what is. At most one
 * proposal a partition is under way.
 */
export class IsrChanges {
  readonly #context: PartitionContext
  readonly #state: PartitionState
  readonly #partition: TopicIdPartition
  readonly #onCommittedIsr: () => void

  /** @param onCommittedIsr the committed ISR is another one now */
  constructor(
    context: PartitionContext,
    state: PartitionState,
    partition: TopicIdPartition,
    onCommittedIsr: () => void,
  ) {
    this.#context = context
    this.#state = state
    this.#partition = partition
    this.#onCommittedIsr = onCommittedIsr
  }

  /**
   * Proposes to take a follower in that has reached the high watermark and the beginning of the leader epoch: before that,
   * it might lack what is committed already without this leader knowing it.
   */
  maybeExpand(replica: Replica, log: UnifiedLog): void {
    const state = this.#state
    const { isr: committed, leaderEpochStartOffset } = state
    if (committed.kind !== 'committed' || committed.isr.includes(replica.brokerId)) return
    if (leaderEpochStartOffset === undefined || replica.logEndOffset < leaderEpochStartOffset) return
    if (replica.logEndOffset < log.highWatermark || !state.isReplicaIsrEligible(replica)) return
    const isr = [...committed.isr, replica.brokerId]
    this.#propose(expandingIsr(committed, replica.brokerId, this.#leaderAndIsr(isr)), isr)
  }

  /** Proposes to leave out the members that lag behind. */
  maybeShrink(log: UnifiedLog): void {
    const committed = this.#state.isr
    if (committed.kind !== 'committed' || committed.isr.length <= 1) return
    const outOfSync = this.#state.outOfSyncReplicas(log)
    if (outOfSync.length === 0) return
    const isr = committed.isr.filter(id => !outOfSync.includes(id))
    this.#propose(shrinkingIsr(committed, this.#leaderAndIsr(isr)), isr)
  }

  #leaderAndIsr(isr: readonly number[]) {
    const { leaderEpoch, partitionEpoch, isr: committed } = this.#state
    const { leaderRecoveryState } = committed
    return { leaderEpoch, partitionEpoch, isr: this.#state.withBrokerEpochs(isr), leaderRecoveryState }
  }

  #propose(pending: PendingIsrState, isr: readonly number[]): void {
    this.#state.isr = pending
    this.#context.observer.onIsrProposed?.(this.#partition, isr)
    this.#submit(pending)
  }

  #submit(pending: PendingIsrState): void {
    this.#context.alterPartitionManager.submit(this.#partition, pending.sent, result => this.#onResult(pending, result))
  }

  #onResult(pending: PendingIsrState, { errorCode, committed }: AlterPartitionResult): void {
    const state = this.#state
    // New metadata came first: what became of the proposal is in it, or will be in what follows.
    if (state.isr !== pending) return
    if (committed !== undefined) this.#onCommitted(committed)
    else if (NOT_APPLIED.has(errorCode)) state.isr = pending.lastCommitted
    else if (!AWAIT_METADATA.has(errorCode)) this.#submit(pending)
  }

  #onCommitted({ isr, leaderEpoch, partitionEpoch, leaderRecoveryState }: CommittedLeaderAndIsr): void {
    const state = this.#state
    if (leaderEpoch !== state.leaderEpoch || partitionEpoch < state.partitionEpoch) return
    // The same partition epoch: the ISR was as proposed before, nothing had to be committed.
    state.commitIsr(isr, leaderRecoveryState, partitionEpoch)
    this.#context.observer.onIsrCommitted?.(this.#partition, isr, partitionEpoch)
    this.#onCommittedIsr()
  }
}
