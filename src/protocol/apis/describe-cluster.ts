import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string } from '../schema.ts'
import { NO_AUTHORIZED_OPERATIONS } from './metadata.ts'

/** Values of `endpointType`. */
export const EndpointType = { BROKER: 1, CONTROLLER: 2 } as const

/**
 * DescribeCluster Request (Version: 0-2, flexible from 0) => include_cluster_authorized_operations endpoint_type
 *     include_fenced_brokers
 *   include_cluster_authorized_operations => BOOLEAN
 *   endpoint_type (1+) => INT8
 *   include_fenced_brokers (2+) => BOOLEAN
 */
export const DescribeClusterRequest = message({
  includeClusterAuthorizedOperations: bool({ default: false }),
  endpointType: int8({ since: 1, default: EndpointType.BROKER }),
  includeFencedBrokers: bool({ since: 2 }),
})
export type DescribeClusterRequest = Message<typeof DescribeClusterRequest>

/**
 * DescribeCluster Response (Version: 0-2, flexible from 0) => throttle_time_ms error_code error_message
 *     endpoint_type cluster_id controller_id [brokers] cluster_authorized_operations
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   error_message => NULLABLE_STRING
 *   endpoint_type (1+) => INT8
 *   cluster_id => STRING
 *   controller_id => INT32
 *   brokers => broker_id host port rack is_fenced
 *     broker_id => INT32
 *     host => STRING
 *     port => INT32
 *     rack => NULLABLE_STRING
 *     is_fenced (2+) => BOOLEAN
 *   cluster_authorized_operations => INT32
 */
export const DescribeClusterResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16(),
  errorMessage: string({ nullable: true, default: null }),
  endpointType: int8({ since: 1, default: EndpointType.BROKER }),
  clusterId: string(),
  controllerId: int32({ default: -1 }),
  brokers: array({
    brokerId: int32(),
    host: string(),
    port: int32(),
    rack: string({ nullable: true, default: null }),
    isFenced: bool({ since: 2 }),
  }),
  clusterAuthorizedOperations: int32({ default: NO_AUTHORIZED_OPERATIONS }),
})
export type DescribeClusterResponse = Message<typeof DescribeClusterResponse>

export const DescribeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexibleSince: 0,
  request: DescribeClusterRequest,
  response: DescribeClusterResponse,
})
