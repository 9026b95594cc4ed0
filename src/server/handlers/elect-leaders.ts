import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { forwardedHandler } from './forwarded.ts'

/** First version with an error of the whole. */
const FIRST_VERSION_WITH_ERROR_CODE = 1

export const electLeadersHandler = forwardedHandler(ElectLeaders, ({ topicPartitions }, error, apiVersion) => ({
  ...(apiVersion >= FIRST_VERSION_WITH_ERROR_CODE && { errorCode: error.errorCode }),
  replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map(partitionId => ({ partitionId, ...error })),
  })),
}))
