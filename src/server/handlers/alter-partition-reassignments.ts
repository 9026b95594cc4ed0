import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { forwardedHandler } from './forwarded.ts'

export const alterPartitionReassignmentsHandler = forwardedHandler(
  AlterPartitionReassignments,
  ({ topics }, error) => ({
    ...error,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...error })),
    })),
  }),
)
