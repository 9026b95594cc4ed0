import { api } from '../api.ts'
import { bytes, int16, type Message, message } from '../schema.ts'

/**
 * Envelope Request (Version: 0-0, flexible from 0) => request_data request_principal client_host_address
 *   request_data => BYTES
 *   request_principal => NULLABLE_BYTES
 *   client_host_address => BYTES
 */
export const EnvelopeRequest = message({
  requestData: bytes(),
  requestPrincipal: bytes({ nullable: true }),
  clientHostAddress: bytes(),
})
export type EnvelopeRequest = Message<typeof EnvelopeRequest>

/**
 * Envelope Response (Version: 0-0, flexible from 0) => response_data error_code
 *   response_data => NULLABLE_BYTES
 *   error_code => INT16
 */
export const EnvelopeResponse = message({
  responseData: bytes({ nullable: true, default: null }),
  errorCode: int16({ default: 0 }),
})
export type EnvelopeResponse = Message<typeof EnvelopeResponse>

/** A broker forwards a client's request to the controller (KIP-590). */
export const Envelope = api({
  key: 58,
  name: 'Envelope',
  versions: [0, 0],
  flexibleSince: 0,
  request: EnvelopeRequest,
  response: EnvelopeResponse,
})
