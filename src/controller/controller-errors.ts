import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { AppendBufferFullError, BatchTooLargeError, NotLeaderError } from '../raft/raft-client.ts'

/** The controller's state and the log are not one any more. */
export class ControllerFault extends Error {
  override readonly name = 'ControllerFault'
}

/** Whether a failure is one of the operation and not of the controller. */
export function isExpected(error: unknown): boolean {
  return (
    error instanceof ApiError ||
    error instanceof NotLeaderError ||
    error instanceof BatchTooLargeError ||
    error instanceof AppendBufferFullError
  )
}

/** What an operation's caller is told of a failure; `notController` is for when this node does not lead. */
export function asApiError(error: unknown, notController: () => ApiError): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof NotLeaderError) return notController()
  if (error instanceof BatchTooLargeError) return new ApiError(ErrorCode.POLICY_VIOLATION, error.message)
  if (error instanceof AppendBufferFullError) return new ApiError(ErrorCode.REQUEST_TIMED_OUT, error.message)
  return new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, 'The controller has failed.', { cause: error })
}
