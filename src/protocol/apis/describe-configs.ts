import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string } from '../schema.ts'

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
