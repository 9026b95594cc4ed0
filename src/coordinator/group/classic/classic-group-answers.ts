import type { JoinGroupResponseInput } from '../../../protocol/apis/join-group.ts'
import type { SyncGroupResponseInput } from '../../../protocol/apis/sync-group.ts'
import { ApiError, ErrorCode } from '../../../protocol/errors.ts'
import type { ClassicGroup } from './classic-group.ts'

/** A JoinGroup's "no member id", in requests and answers. */
export const UNKNOWN_MEMBER_ID = ''

const NO_LEADER = ''

/** A JoinGroup answered with an error. `memberId`: the id the member has. */
export function joinError(errorCode: ErrorCode, memberId: string = UNKNOWN_MEMBER_ID): JoinGroupResponseInput {
  return { errorCode, memberId, protocolName: null, leader: NO_LEADER, members: [] }
}

/** A JoinGroup answered with the group's generation; only its leader is told of the members. */
export function joinAnswer(group: ClassicGroup, memberId: string): JoinGroupResponseInput {
  return {
    errorCode: ErrorCode.NONE,
    memberId,
    generationId: group.generationId,
    protocolType: group.protocolType ?? null,
    protocolName: group.protocolName ?? null,
    leader: group.leaderId ?? NO_LEADER,
    skipAssignment: false,
    members: group.isLeader(memberId) ? group.currentMembers() : [],
  }
}

/** A SyncGroup answered with an error. */
export function syncError(errorCode: ErrorCode): SyncGroupResponseInput {
  return { errorCode, assignment: Buffer.alloc(0) }
}

/** What a member is told when its group could not be written (Kafka's appendGroupMetadataErrorToResponseError). */
export function appendErrorToResponseError(error: Error): ErrorCode {
  const code = error instanceof ApiError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR
  switch (code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR
    default:
      return code
  }
}
