import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * What every request begins with.
 *
 * ```
 * Request Header v1 => request_api_key request_api_version correlation_id client_id
 *   request_api_key => INT16
 *   request_api_version => INT16
 *   correlation_id => INT32
 *   client_id => NULLABLE_STRING
 * Request Header v2 => request_api_key request_api_version correlation_id client_id _tagged_fields
 * Response Header v0 => correlation_id
 * Response Header v1 => correlation_id _tagged_fields
 * ```
 *
 * The client id keeps its int16 length in v2: whoever does not know the version must be able to read so far.
 */
export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

/** Reads what comes after key and version, which decide on the header's version. */
export function readRequestHeaderRest(
  reader: Reader,
  headerVersion: 1 | 2,
): Pick<RequestHeader, 'correlationId' | 'clientId'> {
  const correlationId = reader.int32()
  const length = reader.stringLength()
  const clientId = length < 0 ? null : reader.utf8(length)
  if (headerVersion === 2) skipTags(reader)
  return { correlationId, clientId }
}

export function writeRequestHeader(writer: Writer, headerVersion: 1 | 2, header: RequestHeader): void {
  writer.int16(header.apiKey)
  writer.int16(header.apiVersion)
  writer.int32(header.correlationId)
  writer.string(header.clientId)
  if (headerVersion === 2) writer.uvarint(0)
}

/** Reads a response's header and returns the correlation id. */
export function readResponseHeader(reader: Reader, headerVersion: 0 | 1): number {
  const correlationId = reader.int32()
  if (headerVersion === 1) skipTags(reader)
  return correlationId
}

export function writeResponseHeader(writer: Writer, headerVersion: 0 | 1, correlationId: number): void {
  writer.int32(correlationId)
  if (headerVersion === 1) writer.uvarint(0)
}

/** No tagged field of a header is known, and a header is never passed on, so they need not be kept. */
function skipTags(reader: Reader): void {
  const count = reader.uvarint()
  for (let index = 0; index < count; index++) {
    reader.uvarint()
    reader.skip(reader.uvarint())
  }
}
