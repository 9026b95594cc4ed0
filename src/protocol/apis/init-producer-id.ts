import { api } from '../api.ts'
import { int16, int32, int64, type Message, message, string } from '../schema.ts'

/**
 * InitProducerId Request (Version: 0-5, flexible from 2) => transactional_id transaction_timeout_ms producer_id
 *     producer_epoch
 *   transactional_id => NULLABLE_STRING
 *   transaction_timeout_ms => INT32
 *   producer_id (3+) => INT64
 *   producer_epoch (3+) => INT16
 */
export const InitProducerIdRequest = message({
  /** Null: an idempotent producer without transactions. */
  transactionalId: string({ nullable: true }),
  transactionTimeoutMs: int32(),
  /** The id and epoch that the producer has, whose epoch it wants raised; −1: none. */
  producerId: int64({ since: 3, default: -1 }),
  producerEpoch: int16({ since: 3, default: -1 }),
})
export type InitProducerIdRequest = Message<typeof InitProducerIdRequest>

/**
 * InitProducerId Response (Version: 0-5, flexible from 2) => throttle_time_ms error_code producer_id
 *     producer_epoch
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   producer_id => INT64
 *   producer_epoch => INT16
 */
export const InitProducerIdResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16(),
  producerId: int64({ default: -1 }),
  producerEpoch: int16({ default: 0 }),
})
export type InitProducerIdResponse = Message<typeof InitProducerIdResponse>

/** Kafka 4.2 has a version 6 (two-phase commit), which it serves only when unstable versions are enabled. */
export const InitProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 5],
  flexibleSince: 2,
  request: InitProducerIdRequest,
  response: InitProducerIdResponse,
})
