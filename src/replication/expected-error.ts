import { ApiError } from '../protocol/errors.ts'
import { RecordsError } from '../protocol/records/errors.ts'

/** The Kafka error code of an error that a request may meet; throws what is a fault of this code. */
export function expectedErrorCode(error: unknown): number {
  if (error instanceof ApiError || error instanceof RecordsError) return error.code
  throw error
}
