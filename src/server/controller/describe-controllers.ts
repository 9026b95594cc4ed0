import { DescribeCluster, EndpointType } from '../../protocol/apis/describe-cluster.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'
import { AUTHORIZED_CLUSTER_OPERATIONS } from '../handlers/authorized-operations.ts'
import { describeClusterHandler } from '../handlers/describe-cluster.ts'
import type { ControllerApiContext } from './controller-api-context.ts'

/** DescribeCluster on a controller's listener tells of the controllers (KIP-919). */
export const describeControllersHandler: ApiHandler<ControllerApiContext> = {
  api: DescribeCluster,

  handle(context, request) {
    const { endpointType, includeClusterAuthorizedOperations } = request.bodyOf(DescribeCluster)
    if (endpointType !== EndpointType.CONTROLLER) {
      const brokers = endpointType === EndpointType.BROKER
      const code = brokers ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE
      const message = brokers
        ? 'The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of type BROKER'
        : `Unsupported endpoint type ${endpointType}`
      this.sendError(context, request, code, message)
      return
    }
    context.requestChannel.sendResponse(request, DescribeCluster, {
      errorCode: ErrorCode.NONE,
      endpointType,
      clusterId: context.clusterId,
      controllerId: context.raftClient.leaderAndEpoch.leaderId ?? -1,
      brokers: context.controllerNodes.map(({ id, host, port }) => ({ brokerId: id, host, port })),
      ...(includeClusterAuthorizedOperations && { clusterAuthorizedOperations: AUTHORIZED_CLUSTER_OPERATIONS }),
    })
  },

  sendError: describeClusterHandler.sendError,
}
