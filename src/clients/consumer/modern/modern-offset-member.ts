import { ErrorCode } from '../../../protocol/errors.ts'
import { exceptionFor, type KafkaError } from '../../errors.ts'
import { CommitFailedException } from '../consumer-errors.ts'
import type { CommitIdentity, FetchIdentity, OffsetMember } from '../offset-member.ts'

/**
 * Offsets of a member of the consumer protocol: it commits in its epoch, and as nobody's member while it has none
 * (CommitRequestManager.MemberInfo).
 */
export class ModernOffsetMember implements OffsetMember {
  readonly #groupInstanceId: string | undefined
  #memberId = ''
  #memberEpoch: number | undefined

  constructor(groupInstanceId: string | undefined) {
    this.#groupInstanceId = groupInstanceId
  }

  get membershipKey(): string {
    return `${this.#memberId} ${this.#memberEpoch ?? ''}`
  }

  get memberEpoch(): number | undefined {
    return this.#memberEpoch
  }

  /** @param memberEpoch undefined: it is out of the group */
  update(memberId: string, memberEpoch: number | undefined): void {
    this.#memberId = memberId
    this.#memberEpoch = memberEpoch
  }

  commitIdentity(): CommitIdentity {
    return {
      generationIdOrMemberEpoch: this.#memberEpoch ?? -1,
      memberId: this.#memberId,
      groupInstanceId: this.#groupInstanceId ?? null,
      failed: commitFailed,
    }
  }

  fetchIdentity(): FetchIdentity | undefined {
    if (this.#memberEpoch === undefined) return undefined
    return { memberId: this.#memberId, memberEpoch: this.#memberEpoch }
  }

  fetchFailed(errorCode: number): KafkaError | undefined {
    const isMemberError = errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.STALE_MEMBER_EPOCH
    return isMemberError ? exceptionFor(errorCode) : undefined
  }
}

function commitFailed(errorCode: number): KafkaError | undefined {
  if (errorCode === ErrorCode.STALE_MEMBER_EPOCH) return exceptionFor(errorCode)
  if (errorCode !== ErrorCode.UNKNOWN_MEMBER_ID) return undefined
  return new CommitFailedException('OffsetCommit failed with unknown member ID: the group goes on without this member')
}
