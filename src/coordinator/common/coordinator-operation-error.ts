import { ApiError, ErrorCode } from '../../protocol/errors.ts'

/**
 * What a client is told when an operation of a coordinator has failed (Kafka's CoordinatorOperationExceptionHelper): errors
 * of the log behind it become those that make clients look for the coordinator again, or try again.
 * @param onUnexpectedError told of what is no ApiError, which becomes UNKNOWN_SERVER_ERROR
 */
export function coordinatorErrorOf(error: unknown, onUnexpectedError: (error: unknown) => void): ErrorCode {
  if (!(error instanceof ApiError)) {
    onUnexpectedError(error)
    return ErrorCode.UNKNOWN_SERVER_ERROR
  }
  switch (error.code) {
    case ErrorCode.NETWORK_EXCEPTION:
      return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
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
      return error.code
  }
}
