import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import type { ApiHandler } from '../api-handler.ts'
import { errorCounts } from './error-counts.ts'

export const offsetForLeaderEpochHandler: ApiHandler = {
  api: OffsetForLeaderEpoch,

  handle(context, request) {
    const topics = request.bodyOf(OffsetForLeaderEpoch).topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        const topicPartition = { topic, partition }
        const found = context.replicaManager.lastOffsetForLeaderEpoch(topicPartition, currentLeaderEpoch, leaderEpoch)
        return {
          errorCode: found.errorCode,
          partition,
          leaderEpoch: found.leaderEpoch,
          endOffset: found.endOffset,
        }
      }),
    }))
    const { requestChannel } = context
    requestChannel.updateErrorMetrics(request, errorCounts(topics.flatMap(({ partitions }) => partitions)))
    requestChannel.sendResponse(request, OffsetForLeaderEpoch, { topics })
  },

  sendError(context, request, errorCode) {
    const topics = request.bodyOf(OffsetForLeaderEpoch).topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ errorCode, partition, leaderEpoch: -1, endOffset: -1 })),
    }))
    context.requestChannel.sendResponse(request, OffsetForLeaderEpoch, { topics })
  },
}
