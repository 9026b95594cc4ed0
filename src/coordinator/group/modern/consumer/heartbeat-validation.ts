import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponseInput,
} from '../../../../protocol/apis/consumer-group-heartbeat.ts'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import { LEAVE_GROUP_MEMBER_EPOCH, LEAVE_GROUP_STATIC_MEMBER_EPOCH } from './consumer-group-member.ts'

/** From this version on members make their ids themselves (KIP-1082). */
const FIRST_VERSION_CONSUMER_MAKES_ID = 1

/**
 * Why a heartbeat cannot be served at all; undefined: it can (GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid).
 */
export function invalidConsumerGroupHeartbeat(
  request: ConsumerGroupHeartbeatRequest,
  apiVersion: number,
  assignors: readonly string[],
): ApiError | undefined {
  const { memberEpoch, serverAssignor } = request
  const problem = invalidIds(request, apiVersion) ?? invalidEpoch(request, memberEpoch)
  if (problem !== undefined) return new ApiError(ErrorCode.INVALID_REQUEST, problem)
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    return new ApiError(
      ErrorCode.UNSUPPORTED_ASSIGNOR,
      `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
    )
  }
  return undefined
}

/** A heartbeat that failed. */
export function consumerGroupHeartbeatError(
  errorCode: ErrorCode,
  errorMessage: string | null = null,
): ConsumerGroupHeartbeatResponseInput {
  return { errorCode, errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 }
}

function invalidIds(request: ConsumerGroupHeartbeatRequest, apiVersion: number): string | undefined {
  const { memberEpoch, memberId } = request
  const needsId =
    apiVersion >= FIRST_VERSION_CONSUMER_MAKES_ID || memberEpoch > 0 || memberEpoch === LEAVE_GROUP_MEMBER_EPOCH
  // Trimmed as in Kafka.
  const isBlank = (value: string | null) => value?.trim() === ''
  if (needsId && isBlank(memberId)) return "MemberId can't be empty."
  if (isBlank(request.groupId)) return "GroupId can't be empty."
  if (isBlank(request.instanceId)) return "InstanceId can't be empty."
  if (isBlank(request.rackId)) return "RackId can't be empty."
  return undefined
}

function invalidEpoch(request: ConsumerGroupHeartbeatRequest, memberEpoch: number): string | undefined {
  if (memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH) {
    return request.instanceId === null ? "InstanceId can't be null." : undefined
  }
  if (memberEpoch < LEAVE_GROUP_STATIC_MEMBER_EPOCH) return 'MemberEpoch is invalid.'
  if (memberEpoch !== 0) return undefined
  if (request.rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.'
  if (request.topicPartitions === null || request.topicPartitions.length > 0) {
    return 'TopicPartitions must be empty when (re-)joining.'
  }
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
    return 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.'
  }
  return undefined
}
