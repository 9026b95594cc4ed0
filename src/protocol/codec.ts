import type { Api } from './api.ts'
import { ApiVersions } from './apis/api-versions.ts'
import { API_BY_KEY } from './apis/index.ts'
import {
  type RequestHeader,
  readRequestHeaderRest,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from './headers.ts'
import { EncodeError, ProtocolError, UnsupportedVersionError } from './protocol-error.ts'
import { Reader } from './reader.ts'
import type { Fields, Message, MessageInput } from './schema.ts'
import { Writer } from './writer.ts'

/*
 * Whole frames, without the four bytes of size that go before them on a connection.
 * Bytes after a message's end are ignored, as in Kafka. What is decoded may refer to the frame: leave its bytes alone.
 */

export interface ParsedRequestHeader {
  readonly api: Api
  readonly header: RequestHeader
  /** Where the body begins in the frame. */
  readonly bodyOffset: number
}

/**
 * Reads the header of a request. Throws `UnsupportedVersionError` for an API that is not known or a version that is not
 * accepted, `ProtocolError` for bytes that are no header.
 *
 * ApiVersions alone passes in any version (KIP-511): a server must answer one it does not know in version 0 with error
 * UNSUPPORTED_VERSION, without decoding the body. Ask `api.accepts(header.apiVersion)`.
 */
export function parseRequestHeader(frame: Buffer): ParsedRequestHeader {
  const reader = new Reader(frame)
  try {
    const apiKey = reader.int16()
    const apiVersion = reader.int16()
    const api = API_BY_KEY.get(apiKey)
    if (api === undefined) throw new UnsupportedVersionError(apiKey, apiVersion, null)
    if (apiKey !== ApiVersions.key) requireAccepted(api, apiVersion)
    const { correlationId, clientId } = readRequestHeaderRest(reader, api.requestHeaderVersion(apiVersion))
    return { api, header: { apiKey, apiVersion, correlationId, clientId }, bodyOffset: reader.position }
  } catch (error) {
    throw error instanceof ProtocolError ? error.within('RequestHeader') : error
  }
}

/** Reads the body of a request. Throws `ProtocolError`, or `UnsupportedVersionError` for a version that is not accepted. */
export function decodeRequestBody<Q extends Fields>(
  api: Api<Q>,
  version: number,
  frame: Buffer,
  bodyOffset: number,
): Message<Q> {
  requireAccepted(api, version)
  return api.request.read(new Reader(frame, bodyOffset), version)
}

/** The frame of a request. Throws `EncodeError` for what cannot be written, `UnsupportedVersionError` as above. */
export function encodeRequest<Q extends Fields>(
  api: Api<Q>,
  version: number,
  header: Pick<RequestHeader, 'correlationId' | 'clientId'>,
  body: MessageInput<Q>,
): Buffer {
  requireAccepted(api, version)
  const writer = new Writer()
  const { correlationId, clientId } = header
  const headerVersion = api.requestHeaderVersion(version)
  try {
    writeRequestHeader(writer, headerVersion, { apiKey: api.key, apiVersion: version, correlationId, clientId })
  } catch (error) {
    throw error instanceof EncodeError ? error.within('RequestHeader') : error
  }
  api.request.write(writer, version, body)
  return writer.finish()
}

/** The frame of a response. Throws `EncodeError` for what cannot be written, `UnsupportedVersionError` as above. */
export function encodeResponse<S extends Fields>(
  api: Api<Fields, S>,
  version: number,
  correlationId: number,
  body: MessageInput<S>,
): Buffer {
  requireAccepted(api, version)
  const writer = new Writer()
  writeResponseHeader(writer, api.responseHeaderVersion(version), correlationId)
  api.response.write(writer, version, body)
  return writer.finish()
}

export interface DecodedResponse<S extends Fields> {
  readonly correlationId: number
  readonly body: Message<S>
}

/**
 * Reads a response to a request of this version. Throws `ProtocolError`, `UnsupportedVersionError` as above.
 *
 * An ApiVersions response that does not fit its version is read as version 0, which is how a server answers that knows
 * no such version.
 */
export function decodeResponse<S extends Fields>(
  api: Api<Fields, S>,
  version: number,
  frame: Buffer,
): DecodedResponse<S> {
  requireAccepted(api, version)
  const reader = new Reader(frame)
  const correlationId = readResponseHeader(reader, api.responseHeaderVersion(version))
  const bodyOffset = reader.position
  try {
    return { correlationId, body: api.response.read(reader, version) }
  } catch (error) {
    if (api.key !== ApiVersions.key || version === 0 || !(error instanceof ProtocolError)) throw error
    return { correlationId, body: api.response.read(new Reader(frame, bodyOffset), 0) }
  }
}

function requireAccepted(api: Api, version: number): void {
  if (!api.accepts(version)) {
    throw new UnsupportedVersionError(api.key, version, `${api.versions[0]}-${api.versions[1]}`)
  }
}
