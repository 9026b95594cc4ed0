import { api } from '../api.ts'
import { array, int8, int16, int32, int64, type Message, message, uuid } from '../schema.ts'

/** Values of `leaderRecoveryState`: whether the leader was elected uncleanly and has not recovered yet (KIP-704). */
export const LeaderRecoveryState = { RECOVERED: 0, RECOVERING: 1 } as const

/**
 * AlterPartition Request (Version: 2-3, flexible from 0) => broker_id broker_epoch [topics]
 *   broker_id => INT32
 *   broker_epoch => INT64
 *   topics => topic_id [partitions]
 *     topic_id => UUID
 *     partitions => partition_index leader_epoch [new_isr] [new_isr_with_epochs] leader_recovery_state
 *         partition_epoch
 *       partition_index => INT32
 *       leader_epoch => INT32
 *       new_isr (2-2) => ARRAY(INT32)
 *       new_isr_with_epochs (3+) => broker_id broker_epoch
 *         broker_id => INT32
 *         broker_epoch => INT64
 *       leader_recovery_state => INT8
 *       partition_epoch => INT32
 */
export const AlterPartitionRequest = message({
  brokerId: int32(),
  brokerEpoch: int64({ default: -1 }),
  topics: array({
    topicId: uuid(),
    partitions: array({
      partitionIndex: int32(),
      leaderEpoch: int32(),
      newIsr: array(int32(), { until: 2 }),
      newIsrWithEpochs: array({ brokerId: int32(), brokerEpoch: int64({ default: -1 }) }, { since: 3 }),
      leaderRecoveryState: int8({ default: LeaderRecoveryState.RECOVERED }),
      partitionEpoch: int32(),
    }),
  }),
})
export type AlterPartitionRequest = Message<typeof AlterPartitionRequest>

/**
 * AlterPartition Response (Version: 2-3, flexible from 0) => throttle_time_ms error_code [topics]
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   topics => topic_id [partitions]
 *     topic_id => UUID
 *     partitions => partition_index error_code leader_id leader_epoch [isr] leader_recovery_state partition_epoch
 *       partition_index => INT32
 *       error_code => INT16
 *       leader_id => INT32
 *       leader_epoch => INT32
 *       isr => ARRAY(INT32)
 *       leader_recovery_state => INT8
 *       partition_epoch => INT32
 */
export const AlterPartitionResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ default: 0 }),
  topics: array({
    topicId: uuid(),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16({ default: 0 }),
      leaderId: int32(),
      leaderEpoch: int32(),
      isr: array(int32()),
      leaderRecoveryState: int8({ default: LeaderRecoveryState.RECOVERED }),
      partitionEpoch: int32(),
    }),
  }),
})
export type AlterPartitionResponse = Message<typeof AlterPartitionResponse>

/** The leader of a partition asks the controller for another ISR (KIP-497, KIP-841, KIP-903). */
export const AlterPartition = api({
  key: 56,
  name: 'AlterPartition',
  versions: [2, 3],
  flexibleSince: 0,
  request: AlterPartitionRequest,
  response: AlterPartitionResponse,
})
