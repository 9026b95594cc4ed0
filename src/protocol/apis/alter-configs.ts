import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string } from '../schema.ts'

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
