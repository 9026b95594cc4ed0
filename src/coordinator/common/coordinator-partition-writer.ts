import { ApiError, ErrorCode, errorCodeOf } from '../../protocol/errors.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { ProducePartitionResult } from '../../replication/delayed-produce.ts'
import type { PartitionListener } from '../../replication/partition-listener.ts'
import type { ReplicaManager } from '../../replication/replica-manager.ts'
import type { PartitionWriter } from './partition-writer.ts'

/** A coordinator's topic as this broker's ReplicaManager has it (Kafka's CoordinatorPartitionWriter). */
export class CoordinatorPartitionWriter implements PartitionWriter {
  readonly #replicaManager: ReplicaManager

  constructor(replicaManager: ReplicaManager) {
    this.#replicaManager = replicaManager
  }

  registerListener(topicPartition: TopicPartition, listener: PartitionListener): number | undefined {
    const partition = this.#replicaManager.getPartition(topicPartition)
    partition?.addListener(listener)
    return partition?.isLeader === true ? partition.log?.highWatermark : undefined
  }

  deregisterListener(topicPartition: TopicPartition, listener: PartitionListener): void {
    this.#replicaManager.getPartition(topicPartition)?.removeListener(listener)
  }

  maxMessageBytes(topicPartition: TopicPartition): number {
    const log = this.#replicaManager.getPartition(topicPartition)?.log
    if (log !== undefined) return log.config.maxMessageBytes
    throw new ApiError(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
      `${topicPartition.topic}-${topicPartition.partition} has no log on this broker`,
    )
  }

  async append(topicPartition: TopicPartition, batch: Buffer, recordCount: number): Promise<number> {
    const { topic, partition } = topicPartition
    let result: ProducePartitionResult | undefined
    await this.#replicaManager.appendRecords(
      {
        timeoutMs: 0,
        requiredAcks: 1,
        origin: 'coordinator',
        entries: [{ topicIdPartition: { topic, partition, topicId: ZERO_UUID }, records: batch }],
      },
      results => {
        result = results[0]
      },
    )
    // Appends that wait for no follower are answered before they resolve.
    if (result === undefined) throw new Error(`an append to ${topic}-${partition} was not answered`)
    if (result.errorCode === ErrorCode.NONE) return result.baseOffset + recordCount
    throw new ApiError(errorCodeOf(result.errorCode), result.errorMessage ?? undefined)
  }
}
