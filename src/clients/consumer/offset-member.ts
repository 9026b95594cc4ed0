import { ErrorCode } from '../../protocol/errors.ts'
import { exceptionFor, GroupAuthorizationException, type KafkaError } from '../errors.ts'
import type { CoordinatorConnection } from './coordinator-connection.ts'

/** As whom offsets are committed, and what it means for the member when that is refused. */
export interface CommitIdentity {
  readonly generationIdOrMemberEpoch: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** The error for a code that means something to this protocol alone; undefined: it is another one. */
  failed(errorCode: number): KafkaError | undefined
}

/** As whom committed offsets are asked for (OffsetFetch from version 9 on). */
export interface FetchIdentity {
  readonly memberId: string
  readonly memberEpoch: number
}

/** What the protocols of groups do differently about offsets. */
export interface OffsetMember {
  /** An error: nothing can be committed now. */
  commitIdentity(): CommitIdentity | KafkaError
  /** Undefined: as anybody. */
  fetchIdentity(): FetchIdentity | undefined
  /** Changes with the membership: what was asked for before belongs to another one. */
  readonly membershipKey: string
  /** As `CommitIdentity.failed`, for a code of a whole OffsetFetch answer. */
  fetchFailed(errorCode: number): KafkaError | undefined
}

/** The errors of OffsetCommit that mean the same in both protocols; undefined: it is another one. */
export function commonCommitError(
  errorCode: number,
  groupId: string,
  coordinator: CoordinatorConnection,
): KafkaError | undefined {
  switch (errorCode) {
    case ErrorCode.GROUP_AUTHORIZATION_FAILED:
      return new GroupAuthorizationException(`not authorized to access group: ${groupId}`)
    case ErrorCode.OFFSET_METADATA_TOO_LARGE:
    case ErrorCode.INVALID_COMMIT_OFFSET_SIZE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      return exceptionFor(errorCode)
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.REQUEST_TIMED_OUT:
      coordinator.markUnknown()
      return exceptionFor(errorCode)
    default:
      return undefined
  }
}
