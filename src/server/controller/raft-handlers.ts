import type { Api } from '../../protocol/api.ts'
import { BeginQuorumEpoch } from '../../protocol/apis/begin-quorum-epoch.ts'
import { DescribeQuorum } from '../../protocol/apis/describe-quorum.ts'
import { EndQuorumEpoch } from '../../protocol/apis/end-quorum-epoch.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { FetchSnapshot } from '../../protocol/apis/fetch-snapshot.ts'
import { Vote } from '../../protocol/apis/vote.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { Fields, MessageInput } from '../../protocol/schema.ts'
import type { ApiHandler } from '../api-handler.ts'
import { fetchHandler } from '../handlers/fetch.ts'
import type { ErrorBody } from '../handlers/forwarded.ts'
import type { ControllerApiContext } from './controller-api-context.ts'

/** First version of Fetch that tells of leaders and diverging epochs, as followers in the quorum need. */
const FIRST_FETCH_VERSION = 12

/** The quorum's own requests: the raft client answers them, in its own time. */
function raftHandler<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  errorBody: ErrorBody<Q, S>,
): ApiHandler<ControllerApiContext> {
  return {
    api: api as unknown as Api,
    background: true,

    async handle({ raftClient, requestChannel }, request) {
      const response = await raftClient.handleRequest(api, request.header.apiVersion, request.bodyOf(api))
      requestChannel.sendResponse(request, api, response as MessageInput<S>)
    },

    sendError({ requestChannel }, request, errorCode, message) {
      const error = { errorCode, errorMessage: message ?? null }
      requestChannel.sendResponse(request, api, errorBody(request.bodyOf(api), error, request.header.apiVersion))
    },
  }
}

const raftFetchHandler = raftHandler(Fetch, (_body, { errorCode }) => ({ errorCode, responses: [] }))

export const RAFT_HANDLERS: readonly ApiHandler<ControllerApiContext>[] = [
  {
    ...raftFetchHandler,
    handle(context, request) {
      if (request.header.apiVersion < FIRST_FETCH_VERSION) throw new ApiError(ErrorCode.UNSUPPORTED_VERSION)
      return raftFetchHandler.handle(context, request)
    },
    sendError: fetchHandler.sendError,
  },
  raftHandler(Vote, (_body, { errorCode }) => ({ errorCode, topics: [] })),
  raftHandler(BeginQuorumEpoch, (_body, { errorCode }) => ({ errorCode, topics: [] })),
  raftHandler(EndQuorumEpoch, (_body, { errorCode }) => ({ errorCode, topics: [] })),
  raftHandler(DescribeQuorum, (_body, error) => ({ ...error, topics: [] })),
  raftHandler(FetchSnapshot, (_body, { errorCode }) => ({ errorCode, topics: [] })),
]
