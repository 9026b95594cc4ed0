import type { SupportedVersionRange } from '../controller/broker-registration.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { GroupCoordinatorService } from '../coordinator/group/group-coordinator-service.ts'
import type { Request } from '../network/request.ts'
import type { RequestChannel } from '../network/request-channel.ts'
import type { Api } from '../protocol/api.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import type { RandomStream } from '../runtime/runtime.ts'
import type { AutoTopicCreationManager } from './auto-topic-creation-manager.ts'
import type { ConfigAdminManager } from './config-admin-manager.ts'
import type { ConfigHelper } from './config-helper.ts'
import type { FetchManager } from './fetch-manager.ts'
import type { ForwardingManager } from './forwarding-manager.ts'
import type { ProducerIdManager } from './producer-id-manager.ts'

/** What the answers of a broker depend on besides its state. */
export interface ApiConfig {
  /** `node.id` */
  readonly brokerId: number
  /** `auto.create.topics.enable` */
  readonly autoCreateTopicsEnable: boolean
  /** `fetch.max.bytes` */
  readonly fetchMaxBytes: number
}

/** What it takes to answer. */
export interface ResponseContext {
  readonly requestChannel: RequestChannel
}

/** What the answer to ApiVersions depends on. */
export interface ApiVersionsContext extends ResponseContext {
  /** The APIs that are served, in the order in which ApiVersions tells them. */
  readonly apis: readonly Api[]
  /** Levels of features that this node supports. */
  readonly supportedFeatures: ReadonlyMap<string, SupportedVersionRange>
  /** The newest published metadata. */
  readonly metadataCache: { readonly image: MetadataImage }
}

/** What a broker's API handlers work with. */
export interface ApiContext extends ApiVersionsContext {
  readonly config: ApiConfig
  readonly clusterId: string
  readonly replicaManager: ReplicaManager
  readonly forwardingManager: ForwardingManager
  readonly fetchManager: FetchManager
  readonly autoTopicCreationManager: AutoTopicCreationManager
  readonly producerIdManager: ProducerIdManager
  readonly groupCoordinator: GroupCoordinatorService
  readonly configAdminManager: ConfigAdminManager
  readonly configHelper: ConfigHelper
  readonly random: RandomStream
}

/** Handles the requests of one API; `C` is what it works with. */
export interface ApiHandler<C extends ResponseContext = ApiContext> {
  readonly api: Api
  /** The handler's thread goes on to other requests while what `handle` began is under way (forwarding). */
  readonly background?: true
  /** Answers the request now or later. What it throws is answered by `sendError`. */
  handle(context: C, request: Request): Promise<void> | void
  /** Answers the whole request with an error (Kafka's `getErrorResponse`). */
  sendError(context: ResponseContext, request: Request, errorCode: ErrorCode, message?: string): void
}
