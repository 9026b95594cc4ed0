import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string } from '../schema.ts'

/**
 * AlterConfigs Request (Version: 0-2, flexible from 2) => [resources] validate_only
 *   resources => resource_type resource_name [configs]
 *     resource_type => INT8
 *     resource_name => STRING
 *     configs => name value
 *       name => STRING
 *       value => NULLABLE_STRING
 *   validate_only => BOOLEAN
 */
export const AlterConfigsRequest = message({
  resources: array({
    resourceType: int8(),
    resourceName: string(),
    /** All that is to be set: what is not here goes back to its default. */
    configs: array({
      name: string(),
      value: string({ nullable: true }),
    }),
  }),
  validateOnly: bool(),
})
export type AlterConfigsRequest = Message<typeof AlterConfigsRequest>

/**
 * AlterConfigs Response (Version: 0-2, flexible from 2) => throttle_time_ms [responses]
 *   throttle_time_ms => INT32
 *   responses => error_code error_message resource_type resource_name
 *     error_code => INT16
 *     error_message => NULLABLE_STRING
 *     resource_type => INT8
 *     resource_name => STRING
 */
export const AlterConfigsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  responses: array({
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    resourceType: int8(),
    resourceName: string(),
  }),
})
export type AlterConfigsResponse = Message<typeof AlterConfigsResponse>

export const AlterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexibleSince: 2,
  request: AlterConfigsRequest,
  response: AlterConfigsResponse,
})
