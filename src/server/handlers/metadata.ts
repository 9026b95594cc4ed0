import type { BrokerRegistration } from '../../controller/broker-registration.ts'
import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import type { TopicImage } from '../../controller/image/topics-image.ts'
import { NO_LEADER, type PartitionRegistration } from '../../controller/partition-registration.ts'
import { isInternalTopic } from '../../log/internal-topics.ts'
import { Metadata, type MetadataRequest, type MetadataResponse } from '../../protocol/apis/metadata.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { MessageInput } from '../../protocol/schema.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { ApiContext, ApiHandler } from '../api-handler.ts'
import { missingTopicError } from '../auto-topic-creation-manager.ts'
import { AUTHORIZED_CLUSTER_OPERATIONS, AUTHORIZED_TOPIC_OPERATIONS } from './authorized-operations.ts'
import { aliveNodes, randomAliveBroker } from './nodes.ts'

type ResponseTopic = MessageInput<typeof MetadataResponse>['topics'][number]
type ResponsePartition = MetadataResponse['topics'][number]['partitions'][number]

/** First version whose topics may be asked for by id. */
const FIRST_VERSION_BY_ID = 12
/** First version that tells a listener is missing from a leader that is missing. */
const FIRST_VERSION_LISTENER_NOT_FOUND = 6

/** How a version wants unreachable replicas reported. */
interface Unavailable {
  /** Replicas without an endpoint on the listener are left out, and that is an error. */
  readonly errorEndpoints: boolean
  /** A leader that lacks the listener is LISTENER_NOT_FOUND, not LEADER_NOT_AVAILABLE. */
  readonly errorListeners: boolean
}

export const metadataHandler: ApiHandler = {
  api: Metadata,

  handle(context, request) {
    const { apiVersion } = request.header
    const body = request.bodyOf(Metadata)
    const { image } = context.metadataCache
    checkTopics(body, apiVersion)
    const { listenerName } = request.context
    const unavailable: Unavailable = {
      errorEndpoints: apiVersion === 0,
      errorListeners: apiVersion >= FIRST_VERSION_LISTENER_NOT_FOUND,
    }
    const topics = isAllTopics(body, apiVersion)
      ? [...image.topics.topicsByName.values()].map(topic => topicOf(image, topic, listenerName, unavailable))
      : askedTopics(context, body, listenerName, unavailable)
    context.requestChannel.sendResponse(request, Metadata, {
      throttleTimeMs: 0,
      brokers: aliveNodes(image, listenerName).map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
      clusterId: context.clusterId,
      controllerId: randomAliveBroker(image, context.random),
      topics: body.includeTopicAuthorizedOperations ? topics.map(withAuthorizedOperations) : topics,
      ...(body.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: AUTHORIZED_CLUSTER_OPERATIONS }),
      errorCode: ErrorCode.NONE,
    })
  },

  sendError(context, request, errorCode) {
    const topics = request.bodyOf(Metadata).topics ?? []
    context.requestChannel.sendResponse(request, Metadata, {
      throttleTimeMs: 0,
      brokers: [],
      topics: topics.map(({ name, topicId }) => ({ errorCode, name: name ?? '', topicId, partitions: [] })),
      errorCode,
    })
  },
}

/** An unknown id stands for no topic with which anything could be done. */
function withAuthorizedOperations(topic: ResponseTopic): ResponseTopic {
  if (topic.errorCode === ErrorCode.UNKNOWN_TOPIC_ID) return topic
  return { ...topic, topicAuthorizedOperations: AUTHORIZED_TOPIC_OPERATIONS }
}

function checkTopics(body: MetadataRequest, version: number): void {
  if (version >= FIRST_VERSION_BY_ID) return
  for (const { name, topicId } of body.topics ?? []) {
    if (name === null) {
      throw new ApiError(ErrorCode.INVALID_REQUEST, `Topic name can not be null for version ${version}`)
    }
    if (topicId !== ZERO_UUID) {
      throw new ApiError(ErrorCode.INVALID_REQUEST, `Topic IDs are not supported in requests for version ${version}`)
    }
  }
}

/** Version 0 has no way to ask for no topics: an empty list means all. */
function isAllTopics({ topics }: MetadataRequest, version: number): boolean {
  return topics === null || (version === 0 && topics.length === 0)
}

function askedTopics(
  context: ApiContext,
  body: MetadataRequest,
  listenerName: string,
  unavailable: Unavailable,
): ResponseTopic[] {
  const { image } = context.metadataCache
  const known: ResponseTopic[] = []
  const unknownIds: ResponseTopic[] = []
  const missing = new Set<string>()
  const seen = new Set<string>()
  const useIds = (body.topics ?? []).some(({ topicId }) => topicId !== ZERO_UUID)
  for (const { name, topicId } of body.topics ?? []) {
    const key = useIds ? topicId : (name ?? '')
    if (seen.has(key) || (useIds && topicId === ZERO_UUID)) continue
    seen.add(key)
    const topic = useIds ? image.topics.getTopicById(topicId) : image.topics.getTopic(key)
    if (topic !== undefined) known.push(topicOf(image, topic, listenerName, unavailable))
    else if (useIds) unknownIds.push({ errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] })
    else missing.add(key)
  }
  return [...unknownIds, ...known, ...missingTopics(context, missing, body.allowAutoTopicCreation)]
}

function missingTopics(context: ApiContext, names: ReadonlySet<string>, allowAutoCreation: boolean): ResponseTopic[] {
  if (names.size === 0) return []
  const create = allowAutoCreation && context.config.autoCreateTopicsEnable
  const codes = create ? context.autoTopicCreationManager.createTopics(names) : undefined
  return [...names].map(name => ({
    errorCode: codes?.get(name) ?? missingTopicError(name),
    name,
    isInternal: isInternalTopic(name),
    partitions: [],
  }))
}

function topicOf(
  image: MetadataImage,
  topic: TopicImage,
  listenerName: string,
  unavailable: Unavailable,
): ResponseTopic {
  const partitions = [...topic.partitions].map(([index, partition]) =>
    partitionOf(image, index, partition, listenerName, unavailable),
  )
  const { name, id: topicId } = topic
  return { errorCode: ErrorCode.NONE, name, topicId, isInternal: isInternalTopic(name), partitions }
}

function partitionOf(
  image: MetadataImage,
  partitionIndex: number,
  partition: PartitionRegistration,
  listenerName: string,
  unavailable: Unavailable,
): ResponsePartition {
  const reachable = (id: number) => image.cluster.broker(id)?.listeners.has(listenerName) === true
  const keep = (ids: readonly number[]) => (unavailable.errorEndpoints ? ids.filter(reachable) : [...ids])
  const replicaNodes = keep(partition.replicas)
  const isrNodes = keep(partition.isr)
  const leaderReachable = reachable(partition.leader)
  let errorCode: number = ErrorCode.NONE
  if (!leaderReachable) {
    const known = image.cluster.broker(partition.leader) !== undefined
    errorCode = known && unavailable.errorListeners ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE
  } else if (replicaNodes.length < partition.replicas.length || isrNodes.length < partition.isr.length) {
    errorCode = ErrorCode.REPLICA_NOT_AVAILABLE
  }
  return {
    errorCode,
    partitionIndex,
    leaderId: leaderReachable ? partition.leader : NO_LEADER,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes,
    isrNodes,
    offlineReplicas: partition.replicas.filter(id => isOffline(image.cluster.broker(id), listenerName)),
  }
}

function isOffline(broker: BrokerRegistration | undefined, listenerName: string): boolean {
  return broker === undefined || broker.fenced || !broker.listeners.has(listenerName)
}
