import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'

const NO_PRODUCER_ID = -1
const NO_PRODUCER_EPOCH = -1

export const initProducerIdHandler: ApiHandler = {
  api: InitProducerId,

  handle(context, request) {
    const { transactionalId, producerId, producerEpoch } = request.bodyOf(InitProducerId)
    if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH) || transactionalId === '') {
      throw new ApiError(ErrorCode.INVALID_REQUEST)
    }
    // There is no transaction coordinator yet: clients keep looking for one.
    if (transactionalId !== null) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    // Without transactions an id is never continued: whoever has one and asks gets a new one.
    context.requestChannel.sendResponse(request, InitProducerId, {
      errorCode: ErrorCode.NONE,
      producerId: context.producerIdManager.generateProducerId(),
      producerEpoch: 0,
    })
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, InitProducerId, {
      errorCode,
      producerId: NO_PRODUCER_ID,
      producerEpoch: NO_PRODUCER_EPOCH,
    })
  },
}
