import type { CoordinatorResult } from '../../common/coordinator-result.ts'
import type { GroupCoordinatorRecord } from '../group-coordinator-records.ts'

/** What comes of an operation on a classic group. Answers that are held are given by themselves. */
export type ClassicGroupResult = CoordinatorResult<void, GroupCoordinatorRecord>

/** Nothing to write. */
export const NOTHING_TO_WRITE: ClassicGroupResult = Object.freeze({ records: [], response: undefined })
