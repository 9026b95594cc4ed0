import { api } from '../api.ts'
import { array, int16, int32, int64, type Message, message, string } from '../schema.ts'

/**
 * DeleteRecords Request (Version: 0-2, flexible from 2) => [topics] timeout_ms
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition_index offset
 *       partition_index => INT32
 *       offset => INT64
 *   timeout_ms => INT32
 */
export const DeleteRecordsRequest = message({
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      /** The first offset that stays; −1: the high watermark. */
      offset: int64(),
    }),
  }),
  timeoutMs: int32(),
})
export type DeleteRecordsRequest = Message<typeof DeleteRecordsRequest>

/**
 * DeleteRecords Response (Version: 0-2, flexible from 2) => throttle_time_ms [topics]
 *   throttle_time_ms => INT32
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition_index low_watermark error_code
 *       partition_index => INT32
 *       low_watermark => INT64
 *       error_code => INT16
 */
export const DeleteRecordsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      lowWatermark: int64(),
      errorCode: int16(),
    }),
  }),
})
export type DeleteRecordsResponse = Message<typeof DeleteRecordsResponse>

export const DeleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexibleSince: 2,
  request: DeleteRecordsRequest,
  response: DeleteRecordsResponse,
})
