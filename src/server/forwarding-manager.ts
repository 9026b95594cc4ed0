import type { Request } from '../network/request.ts'
import type { Api } from '../protocol/api.ts'
import { Envelope } from '../protocol/apis/envelope.ts'
import { decodeResponse, encodeRequest } from '../protocol/codec.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import { addressBytes } from './inet-address.ts'
import { ANONYMOUS, serializePrincipal } from './kafka-principal.ts'
import type { NodeToControllerChannelManager } from './node-to-controller-channel-manager.ts'

/** The controller knows no such version of the request: the client must connect anew and ask what is spoken now. */
export class ControllerVersionError extends Error {
  override readonly name = 'ControllerVersionError'
}

const ENVELOPE_VERSION = 0
const PRINCIPAL = serializePrincipal(ANONYMOUS)

/** Has clients' requests answered by the active controller (KIP-590, Kafka's ForwardingManager). */
export class ForwardingManager {
  readonly #channel: Pick<NodeToControllerChannelManager, 'sendRequest'>

  constructor(channel: Pick<NodeToControllerChannelManager, 'sendRequest'>) {
    this.#channel = channel
  }

  /**
   * The controller's answer to the client's request, or to `body` in its place.
   *
   * @throws ApiError REQUEST_TIMED_OUT when no controller answers in time; UNKNOWN_SERVER_ERROR when it refuses the envelope
   *   or its answer makes no sense
   * @throws ControllerVersionError
   */
  async forwardRequest<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    request: Request,
    body: MessageInput<Q> = request.bodyOf(api) as MessageInput<Q>,
  ): Promise<Message<S>> {
    const { apiVersion } = request.header
    const envelope = await this.#channel.sendRequest(Envelope, ENVELOPE_VERSION, {
      requestData: encodeRequest(api as unknown as Api<Q>, apiVersion, request.header, body),
      requestPrincipal: PRINCIPAL,
      clientHostAddress: addressBytes(request.context.clientAddress),
    })
    if (envelope.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      throw new ControllerVersionError(`the controller does not take ${api.name} in version ${apiVersion}`)
    }
    if (envelope.errorCode !== ErrorCode.NONE || envelope.responseData === null) {
      throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, `the controller refuses the envelope: ${envelope.errorCode}`)
    }
    try {
      return decodeResponse<S>(api as unknown as Api<Fields, S>, apiVersion, envelope.responseData).body
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, error.message, { cause: error })
    }
  }
}
