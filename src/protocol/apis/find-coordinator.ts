import { api } from '../api.ts'
import { array, int8, int16, int32, type Message, message, string } from '../schema.ts'

/** Values of `keyType`. */
export const CoordinatorType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const

/**
 * FindCoordinator Request (Version: 0-6, flexible from 3) => key key_type [coordinator_keys]
 *   key (0-3) => STRING
 *   key_type (1+) => INT8
 *   coordinator_keys (4+) => ARRAY(STRING)
 */
export const FindCoordinatorRequest = message({
  key: string({ until: 3 }),
  keyType: int8({ since: 1, default: CoordinatorType.GROUP }),
  coordinatorKeys: array(string(), { since: 4 }),
})
export type FindCoordinatorRequest = Message<typeof FindCoordinatorRequest>

/**
 * FindCoordinator Response (Version: 0-6, flexible from 3) => throttle_time_ms error_code error_message node_id
 *     host port [coordinators]
 *   throttle_time_ms (1+) => INT32
 *   error_code (0-3) => INT16
 *   error_message (1-3) => NULLABLE_STRING
 *   node_id (0-3) => INT32
 *   host (0-3) => STRING
 *   port (0-3) => INT32
 *   coordinators (4+) => key node_id host port error_code error_message
 *     key => STRING
 *     node_id => INT32
 *     host => STRING
 *     port => INT32
 *     error_code => INT16
 *     error_message => NULLABLE_STRING
 */
export const FindCoordinatorResponse = message({
  throttleTimeMs: int32({ since: 1, ignorable: true }),
  errorCode: int16({ until: 3 }),
  errorMessage: string({ since: 1, until: 3, nullable: true, ignorable: true }),
  nodeId: int32({ until: 3 }),
  host: string({ until: 3 }),
  port: int32({ until: 3 }),
  coordinators: array(
    {
      key: string(),
      nodeId: int32(),
      host: string(),
      port: int32(),
      errorCode: int16(),
      errorMessage: string({ nullable: true, default: null }),
    },
    { since: 4 },
  ),
})
export type FindCoordinatorResponse = Message<typeof FindCoordinatorResponse>

/** librdkafka takes version 0 of it for the sign that a broker knows lz4, and sends without compression where it lacks. */
export const FindCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexibleSince: 3,
  request: FindCoordinatorRequest,
  response: FindCoordinatorResponse,
})
