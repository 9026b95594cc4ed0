import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string } from '../schema.ts'
import { NO_AUTHORIZED_OPERATIONS } from './metadata.ts'

/** Values of `endpointType`. */
export const EndpointType = { BROKER: 1, CONTROLLER: 2 } as const

export const DescribeClusterRequest = message({
  includeClusterAuthorizedOperations: bool({ default: false }),
  endpointType: int8({ since: 1, default: EndpointType.BROKER }),
  includeFencedBrokers: bool({ since: 2 }),
})
export type DescribeClusterRequest = Message<typeof DescribeClusterRequest>

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
