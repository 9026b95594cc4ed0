import { api } from '../api.ts'
import { int16, int32, int64, type Message, message } from '../schema.ts'

/**
 * AllocateProducerIds Request (Version: 0-0, flexible from 0) => broker_id broker_epoch
 *   broker_id => INT32
 *   broker_epoch => INT64
 */
export const AllocateProducerIdsRequest = message({
  brokerId: int32(),
  brokerEpoch: int64({ default: -1 }),
})
export type AllocateProducerIdsRequest = Message<typeof AllocateProducerIdsRequest>

/**
 * AllocateProducerIds Response (Version: 0-0, flexible from 0) => throttle_time_ms error_code producer_id_start
 *     producer_id_len
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   producer_id_start => INT64
 *   producer_id_len => INT32
 */
export const AllocateProducerIdsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ default: 0 }),
  producerIdStart: int64({ default: 0 }),
  producerIdLen: int32({ default: 0 }),
})
export type AllocateProducerIdsResponse = Message<typeof AllocateProducerIdsResponse>

/** A broker gets a block of producer ids (KIP-730). */
export const AllocateProducerIds = api({
  key: 67,
  name: 'AllocateProducerIds',
  versions: [0, 0],
  flexibleSince: 0,
  request: AllocateProducerIdsRequest,
  response: AllocateProducerIdsResponse,
})
