import { api } from '../api.ts'
import { int16, int32, type Message, message, string } from '../schema.ts'

/**
 * UnregisterBroker Request (Version: 0-0, flexible from 0) => broker_id
 *   broker_id => INT32
 */
export const UnregisterBrokerRequest = message({ brokerId: int32() })
export type UnregisterBrokerRequest = Message<typeof UnregisterBrokerRequest>

/**
 * UnregisterBroker Response (Version: 0-0, flexible from 0) => throttle_time_ms error_code error_message
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   error_message => NULLABLE_STRING
 */
export const UnregisterBrokerResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ default: 0 }),
  errorMessage: string({ nullable: true, default: null }),
})
export type UnregisterBrokerResponse = Message<typeof UnregisterBrokerResponse>

/** Removes a broker from the cluster's metadata. */
export const UnregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: [0, 0],
  flexibleSince: 0,
  request: UnregisterBrokerRequest,
  response: UnregisterBrokerResponse,
})
