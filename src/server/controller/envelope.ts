import { Request } from '../../network/request.ts'
import { Envelope } from '../../protocol/apis/envelope.ts'
import { decodeRequestBody, type ParsedRequestHeader, parseRequestHeader } from '../../protocol/codec.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import { ProtocolError, UnsupportedVersionError } from '../../protocol/protocol-error.ts'
import { addressText } from '../inet-address.ts'
import { deserializePrincipal } from '../kafka-principal.ts'
import { FORWARDABLE_APIS } from './controller-handlers.ts'

/**
 * The client's request that a broker has forwarded (Kafka's EnvelopeUtils). Its answer goes into that of the envelope.
 *
 * @throws ApiError PRINCIPAL_DESERIALIZATION_FAILURE; INVALID_REQUEST for an envelope that makes no sense;
 *   UNSUPPORTED_VERSION for a request in it that does not
 */
export function forwardedRequest(envelope: Request): Request {
  const { requestData, requestPrincipal, clientHostAddress } = envelope.bodyOf(Envelope)
  checkPrincipal(requestPrincipal)
  const clientAddress = addressText(clientHostAddress)
  if (clientAddress === undefined) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, `a client's address of ${clientHostAddress.length} bytes`)
  }
  const { api, header, bodyOffset } = orUnsupported(() => parseRequestHeader(requestData))
  if (!FORWARDABLE_APIS.has(api.key)) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, `${api.name} is not eligible for forwarding`)
  }
  const request = new Request({
    processor: envelope.processor,
    context: { ...envelope.context, header, clientAddress },
    api,
    body: orUnsupported(() => decodeRequestBody(api, header.apiVersion, requestData, bodyOffset)),
    responseVersion: header.apiVersion,
    sizeInBytes: requestData.length,
    startTimeMs: envelope.startTimeMs,
    envelope,
    releaseMemory: () => envelope.releaseBuffer(),
  })
  request.requestDequeueTimeMs = envelope.requestDequeueTimeMs
  return request
}

/** Anybody may do anything, but a principal must be one. */
function checkPrincipal(bytes: Buffer | null): void {
  try {
    if (bytes === null) throw new ProtocolError('no principal', 0)
    deserializePrincipal(bytes)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ApiError(ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE, error.message, { cause: error })
  }
}

function orUnsupported<T extends ParsedRequestHeader | object>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof UnsupportedVersionError)) throw error
    throw new ApiError(ErrorCode.UNSUPPORTED_VERSION, error.message, { cause: error })
  }
}
