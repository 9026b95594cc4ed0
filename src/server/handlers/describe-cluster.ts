import { DescribeCluster, EndpointType } from '../../protocol/apis/describe-cluster.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'
import { AUTHORIZED_CLUSTER_OPERATIONS } from './authorized-operations.ts'
import { nodeOf, randomAliveBroker } from './nodes.ts'

export const describeClusterHandler: ApiHandler = {
  api: DescribeCluster,

  handle(context, request) {
    const { endpointType, includeFencedBrokers, includeClusterAuthorizedOperations } = request.bodyOf(DescribeCluster)
    if (endpointType !== EndpointType.BROKER) {
      const controllers = endpointType === EndpointType.CONTROLLER
      const code = controllers ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE
      const message = controllers
        ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
        : `Unsupported endpoint type ${endpointType}`
      this.sendError(context, request, code, message)
      return
    }
    const { image } = context.metadataCache
    const { listenerName } = request.context
    const brokers = [...image.cluster.brokers.values()].flatMap(broker => {
      const node = nodeOf(image, broker.id, listenerName)
      if (node === undefined || (broker.fenced && !includeFencedBrokers)) return []
      return [{ brokerId: node.id, host: node.host, port: node.port, rack: node.rack, isFenced: broker.fenced }]
    })
    const controllerId = randomAliveBroker(image, context.random)
    context.requestChannel.sendResponse(request, DescribeCluster, {
      errorCode: ErrorCode.NONE,
      endpointType,
      clusterId: context.clusterId,
      // Only one that the client has the address of.
      controllerId: brokers.some(({ brokerId }) => brokerId === controllerId) ? controllerId : -1,
      brokers,
      ...(includeClusterAuthorizedOperations && { clusterAuthorizedOperations: AUTHORIZED_CLUSTER_OPERATIONS }),
    })
  },

  sendError(context, request, errorCode, errorMessage) {
    context.requestChannel.sendResponse(request, DescribeCluster, {
      errorCode,
      errorMessage: errorMessage ?? null,
      clusterId: '',
      brokers: [],
    })
  },
}
