import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import { forwardedHandler } from './forwarded.ts'

export const listPartitionReassignmentsHandler = forwardedHandler(ListPartitionReassignments, (_body, error) => ({
  ...error,
  topics: [],
}))
