import type { MetadataRecord } from './metadata-records.ts'

/** What a manager makes of an operation: the records to append, all or none, and the answer once they are committed. */
export interface ControllerResult<R> {
  readonly records: readonly MetadataRecord[]
  readonly response: R
}

/** Kafka's bound on the records of one operation. Larger ones are refused with POLICY_VIOLATION. */
export const MAX_RECORDS_PER_USER_OP = 10_000
