import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string } from '../schema.ts'

/**
 * DescribeConfigs Request (Version: 1-4, flexible from 4) => [resources] include_synonyms include_documentation
 *   resources => resource_type resource_name [configuration_keys]
 *     resource_type => INT8
 *     resource_name => STRING
 *     configuration_keys => NULLABLE_ARRAY(STRING)
 *   include_synonyms => BOOLEAN
 *   include_documentation (3+) => BOOLEAN
 */
export const DescribeConfigsRequest = message({
  resources: array({
    resourceType: int8(),
    resourceName: string(),
    /** Null: all. */
    configurationKeys: array(string(), { nullable: true }),
  }),
  includeSynonyms: bool({ default: false }),
  includeDocumentation: bool({ since: 3, default: false }),
})
export type DescribeConfigsRequest = Message<typeof DescribeConfigsRequest>

/**
 * DescribeConfigs Response (Version: 1-4, flexible from 4) => throttle_time_ms [results]
 *   throttle_time_ms => INT32
 *   results => error_code error_message resource_type resource_name [configs]
 *     error_code => INT16
 *     error_message => NULLABLE_STRING
 *     resource_type => INT8
 *     resource_name => STRING
 *     configs => name value read_only config_source is_sensitive [synonyms] config_type documentation
 *       name => STRING
 *       value => NULLABLE_STRING
 *       read_only => BOOLEAN
 *       config_source => INT8
 *       is_sensitive => BOOLEAN
 *       synonyms => name value source
 *         name => STRING
 *         value => NULLABLE_STRING
 *         source => INT8
 *       config_type (3+) => INT8
 *       documentation (3+) => NULLABLE_STRING
 */
export const DescribeConfigsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  results: array({
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    resourceType: int8(),
    resourceName: string(),
    configs: array({
      name: string(),
      value: string({ nullable: true }),
      readOnly: bool(),
      configSource: int8({ default: -1 }),
      isSensitive: bool(),
      synonyms: array(
        {
          name: string(),
          value: string({ nullable: true }),
          source: int8(),
        },
        { default: [] },
      ),
      configType: int8({ since: 3, default: 0, ignorable: true }),
      documentation: string({ since: 3, nullable: true, ignorable: true }),
    }),
  }),
})
export type DescribeConfigsResponse = Message<typeof DescribeConfigsResponse>

export const DescribeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexibleSince: 4,
  request: DescribeConfigsRequest,
  response: DescribeConfigsResponse,
})
