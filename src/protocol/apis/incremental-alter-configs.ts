import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string } from '../schema.ts'

/** Values of `configOperation`. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

/**
 * IncrementalAlterConfigs Request (Version: 0-1, flexible from 1) => [resources] validate_only
 *   resources => resource_type resource_name [configs]
 *     resource_type => INT8
 *     resource_name => STRING
 *     configs => name config_operation value
 *       name => STRING
 *       config_operation => INT8
 *       value => NULLABLE_STRING
 *   validate_only => BOOLEAN
 */
export const IncrementalAlterConfigsRequest = message({
  resources: array({
    resourceType: int8(),
    resourceName: string(),
    configs: array({
      name: string(),
      configOperation: int8(),
      value: string({ nullable: true }),
    }),
  }),
  validateOnly: bool(),
})
export type IncrementalAlterConfigsRequest = Message<typeof IncrementalAlterConfigsRequest>

/**
 * IncrementalAlterConfigs Response (Version: 0-1, flexible from 1) => throttle_time_ms [responses]
 *   throttle_time_ms => INT32
 *   responses => error_code error_message resource_type resource_name
 *     error_code => INT16
 *     error_message => NULLABLE_STRING
 *     resource_type => INT8
 *     resource_name => STRING
 */
export const IncrementalAlterConfigsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  responses: array({
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    resourceType: int8(),
    resourceName: string(),
  }),
})
export type IncrementalAlterConfigsResponse = Message<typeof IncrementalAlterConfigsResponse>

export const IncrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexibleSince: 1,
  request: IncrementalAlterConfigsRequest,
  response: IncrementalAlterConfigsResponse,
})
