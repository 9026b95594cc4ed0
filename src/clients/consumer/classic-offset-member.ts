import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { KafkaError } from '../errors.ts'
import { CommitFailedException, groupExceptionFor, RebalanceInProgressException } from './consumer-errors.ts'
import { type Generation, isSameGeneration, type MemberState, NO_GENERATION } from './member-state.ts'
import type { CommitIdentity, FetchIdentity, OffsetMember } from './offset-member.ts'
import type { SubscriptionState } from './subscription-state.ts'

export interface ClassicOffsetMemberOptions {
  readonly member: MemberState
  readonly subscriptions: SubscriptionState
  readonly groupInstanceId: string | undefined
}

const STALE_GENERATION =
  "offset commit cannot be completed since the consumer member's generation is already stale, meaning it has already " +
  'participated another rebalance and got a new generation. You can try completing the rebalance by calling poll() and ' +
  'then retry commit again'

/** Offsets of a member of the classic protocol: it commits in its generation, and only while that stands. */
export class ClassicOffsetMember implements OffsetMember {
  readonly #options: ClassicOffsetMemberOptions

  constructor(options: ClassicOffsetMemberOptions) {
    this.#options = options
  }

  get membershipKey(): string {
    const { generationIfStable } = this.#options.member
    if (generationIfStable === undefined) return ''
    const { generationId, memberId, protocolName } = generationIfStable
    return `${generationId} ${memberId} ${protocolName}`
  }

  commitIdentity(): CommitIdentity | KafkaError {
    const { groupInstanceId = null, member, subscriptions } = this.#options
    const isMember = subscriptions.hasAutoAssignedPartitions
    const sent = isMember ? member.generationIfStable : NO_GENERATION
    if (sent === undefined) return this.#notStable()
    return {
      generationIdOrMemberEpoch: sent.generationId,
      memberId: sent.memberId,
      groupInstanceId: isMember ? groupInstanceId : null,
      failed: errorCode => this.#commitFailed(errorCode, sent),
    }
  }

  fetchIdentity(): FetchIdentity | undefined {
    return undefined
  }

  fetchFailed(): undefined {}

  /** Why a member that has no assignment cannot commit. */
  #notStable(): KafkaError {
    if (!this.#options.member.isRebalanceInProgress) return new CommitFailedException()
    return new RebalanceInProgressException(
      'offset commit cannot be completed since the consumer is undergoing a rebalance for auto partition assignment. ' +
        'You can try completing the rebalance by calling poll() and then retry the operation.',
    )
  }

  #commitFailed(errorCode: number, sent: Generation): KafkaError | undefined {
    const { member } = this.#options
    const isUnchanged = isSameGeneration(member.generation, sent)
    const isRejoining = member.state === 'preparing-rebalance'
    switch (errorCode) {
      case ErrorCode.FENCED_INSTANCE_ID:
        if (isUnchanged) return groupExceptionFor(errorCode)
        return isRejoining ? new RebalanceInProgressException(STALE_GENERATION) : new CommitFailedException()
      case ErrorCode.REBALANCE_IN_PROGRESS:
        // Between JoinGroup and SyncGroup nothing can be committed; what is read stays the member's.
        member.requestRejoin('offset commit failed since group is already rebalancing')
        return new RebalanceInProgressException(
          'offset commit cannot be completed since the consumer group is executing a rebalance at the moment. You can ' +
            'try completing the rebalance by calling poll() and then retry commit again',
        )
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION: {
        if (!isUnchanged && isRejoining) return new RebalanceInProgressException(STALE_GENERATION)
        const reason = `encountered ${errorName(errorCode)} from OFFSET_COMMIT response`
        member.resetAndRejoin(reason, errorCode !== ErrorCode.ILLEGAL_GENERATION)
        return new CommitFailedException()
      }
      default:
        return undefined
    }
  }
}
