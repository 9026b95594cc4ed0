import { type ConfigResource, configResourceType } from '../controller/config-resource.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { KafkaConfigSchema } from '../controller/kafka-config-schema.ts'
import type { AlterConfigsRequest, AlterConfigsResponse } from '../protocol/apis/alter-configs.ts'
import {
  ConfigOperation,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
} from '../protocol/apis/incremental-alter-configs.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'

const OPERATIONS: ReadonlySet<number> = new Set(Object.values(ConfigOperation))

type Result = AlterConfigsResponse['responses'][number]

interface AlterResource {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/**
 * Looks at changes of configuration before the controller does, refuses what makes no sense or what this broker could not
 * take over, and passes on the rest (Kafka's ConfigAdminManager). Answers come in the order of the request.
 */
export class ConfigAdminManager {
  readonly #brokerId: number
  readonly #schema: KafkaConfigSchema

  constructor(brokerId: number, schema: KafkaConfigSchema) {
    this.#brokerId = brokerId
    this.#schema = schema
  }

  /**
   * Errors of one resource stand in the response.
   *
   * @param forward asks the controller; its errors are those of this call
   */
  async incrementalAlterConfigs(
    request: IncrementalAlterConfigsRequest,
    image: MetadataImage,
    forward: (request: IncrementalAlterConfigsRequest) => Promise<IncrementalAlterConfigsResponse>,
  ): Promise<IncrementalAlterConfigsResponse> {
    type Resource = IncrementalAlterConfigsRequest['resources'][number]
    const check = (resource: ConfigResource, { configs }: Resource) => {
      refuseUnknownOperations(configs)
      refuseNullValues(configs.filter(({ configOperation }) => configOperation !== ConfigOperation.DELETE))
      if (resource.type !== 'BROKER') return
      const changed = new Map(image.configs.configs(resource))
      for (const { name, configOperation, value } of configs) {
        if (configOperation === ConfigOperation.SET && value !== null) changed.set(name, value)
        else if (configOperation === ConfigOperation.DELETE) changed.delete(name)
        // What appending and subtracting come to is for the controller to check.
      }
      this.#checkBrokerChange(resource, changed)
    }
    return this.#alter<Resource>(request.resources, check, resources => forward({ ...request, resources }))
  }

  /** As `incrementalAlterConfigs`; keys that are not named go back to their defaults. */
  async legacyAlterConfigs(
    request: AlterConfigsRequest,
    forward: (request: AlterConfigsRequest) => Promise<AlterConfigsResponse>,
  ): Promise<AlterConfigsResponse> {
    type Resource = AlterConfigsRequest['resources'][number]
    const check = (resource: ConfigResource, { configs }: Resource) => {
      refuseNullValues(configs)
      if (resource.type !== 'BROKER') return
      this.#checkBrokerChange(resource, new Map(configs.map(({ name, value }) => [name, value ?? ''])))
    }
    return this.#alter<Resource>(request.resources, check, resources => forward({ ...request, resources }))
  }

  async #alter<R extends AlterResource>(
    resources: readonly R[],
    check: (resource: ConfigResource, request: R) => void,
    forward: (resources: R[]) => Promise<AlterConfigsResponse>,
  ): Promise<AlterConfigsResponse> {
    const results = new Map<string, Result>()
    const timesNamed = new Map<string, number>()
    for (const resource of resources) timesNamed.set(keyOf(resource), (timesNamed.get(keyOf(resource)) ?? 0) + 1)
    const accepted: R[] = []
    for (const resource of resources) {
      try {
        if (timesNamed.get(keyOf(resource)) !== 1) throw invalid('Each resource must appear at most once.')
        refuseRepeatedKeys(resource.configs)
        const { resourceType, resourceName } = resource
        check({ type: checkedType(resourceType), name: resourceName }, resource)
        accepted.push(resource)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        results.set(keyOf(resource), resultOf(resource, error))
      }
    }
    const answer = accepted.length === 0 ? undefined : await forward(accepted)
    for (const result of answer?.responses ?? []) results.set(keyOf(result), result)
    const unanswered = new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR)
    return {
      throttleTimeMs: 0,
      responses: resources.map(resource => results.get(keyOf(resource)) ?? resultOf(resource, unanswered)),
    }
  }

  /** INVALID_REQUEST also for values that are not allowed, as in Kafka (KAFKA-13609). */
  #checkBrokerChange(resource: ConfigResource, changed: ReadonlyMap<string, string>): void {
    const { name } = resource
    if (name !== '' && !/^[+-]?\d{1,10}$/.test(name)) throw invalid(`Node id must be an integer, but it is: ${name}`)
    if (name !== '' && Number(name) !== this.#brokerId) {
      throw invalid(`Unexpected broker id, expected ${this.#brokerId}, but received ${name}`)
    }
    try {
      this.#schema.validate(resource, changed)
    } catch (error) {
      if (error instanceof ApiError) throw invalid(error.message)
      throw error
    }
  }
}

function checkedType(resourceType: number): ConfigResource['type'] {
  const type = configResourceType(resourceType)
  if (type === 'UNKNOWN') throw invalid(`Unknown resource type ${resourceType}`)
  return type
}

function refuseRepeatedKeys(configs: AlterResource['configs']): void {
  if (new Set(configs.map(({ name }) => name)).size < configs.length) {
    throw invalid('Error due to duplicate config keys')
  }
}

function refuseNullValues(configs: AlterResource['configs']): void {
  const names = configs.filter(({ value }) => value === null).map(({ name }) => name)
  if (names.length > 0) throw invalid(`Null value not supported for : ${names.join(', ')}`)
}

function refuseUnknownOperations(configs: readonly { readonly configOperation: number }[]): void {
  for (const { configOperation } of configs) {
    if (!OPERATIONS.has(configOperation)) throw invalid(`Unknown operations type ${configOperation}`)
  }
}

function resultOf({ resourceType, resourceName }: AlterResource, error: ApiError): Result {
  return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName }
}

function keyOf({ resourceType, resourceName }: Pick<AlterResource, 'resourceType' | 'resourceName'>): string {
  return `${resourceType}:${resourceName}`
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message)
}
