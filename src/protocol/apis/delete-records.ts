import { api } from '../api.ts'
import { array, int16, int32, int64, type Message, message, string } from '../schema.ts'

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
