import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { Metadata, type MetadataResponse } from '../../protocol/apis/metadata.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { exceptionFor, KafkaError } from '../errors.ts'
import type { AdminCallOptions, AdminContext } from './admin-context.ts'
import { AdminResult } from './admin-result.ts'

/** A topic to be created. What is left out is the broker's default. */
export interface NewTopic {
  readonly name: string
  readonly numPartitions?: number
  readonly replicationFactor?: number
  /** The brokers of each partition, instead of the two numbers. */
  readonly replicasAssignments?: ReadonlyMap<number, readonly number[]>
  readonly configs?: Readonly<Record<string, string>>
}

/** A topic that was created; -1 and undefined where an old broker does not tell. */
export interface CreatedTopic {
  readonly topicId: string
  readonly numPartitions: number
  readonly replicationFactor: number
}

export interface ValidateOnlyOptions extends AdminCallOptions {
  /** Only say whether it could be done; default false. */
  readonly validateOnly?: boolean
}

/** More partitions for a topic (Kafka's NewPartitions). */
export interface NewPartitions {
  /** How many it shall have in all. */
  readonly totalCount: number
  /** The brokers of each new one; default: the controller chooses. */
  readonly assignments?: readonly (readonly number[])[]
}

export interface TopicPartitionInfo {
  readonly partition: number
  /** Undefined: it has none now. */
  readonly leader: number | undefined
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
}

export interface TopicDescription {
  readonly name: string
  readonly topicId: string
  readonly isInternal: boolean
  /** By number. */
  readonly partitions: readonly TopicPartitionInfo[]
}

export interface TopicListing {
  readonly name: string
  readonly topicId: string
  readonly isInternal: boolean
}

const byName = (name: string): string => name
/** "As the broker is configured." */
const DEFAULT = -1

export function createTopics(
  context: AdminContext,
  topics: readonly NewTopic[],
  { validateOnly = false, ...options }: ValidateOnlyOptions,
): AdminResult<string, CreatedTopic> {
  const result = new AdminResult<string, CreatedTopic>(
    topics.map(({ name }) => name),
    byName,
  )
  const body = {
    topics: topics.map(({ name, numPartitions, replicationFactor, replicasAssignments, configs = {} }) => ({
      name,
      numPartitions: numPartitions ?? DEFAULT,
      replicationFactor: replicationFactor ?? DEFAULT,
      assignments: [...(replicasAssignments ?? [])].map(([partitionIndex, brokerIds]) => ({
        partitionIndex,
        brokerIds: [...brokerIds],
      })),
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    validateOnly,
  }
  const done = context.runnable.call(
    {
      name: 'createTopics',
      node: 'controller',
      api: CreateTopics,
      body: (_version, timeoutMs) => ({ ...body, timeoutMs }),
      check: answer => refuseNotController(answer.topics),
    },
    context.deadlineMs(options),
  )
  settle(done, result, answer => {
    for (const { name, errorCode, errorMessage, topicId, numPartitions, replicationFactor } of answer.body.topics) {
      if (errorCode !== ErrorCode.NONE) result.fail(name, exceptionFor(errorCode, errorMessage))
      else result.complete(name, { topicId, numPartitions, replicationFactor })
    }
  })
  return result
}

export function deleteTopics(
  context: AdminContext,
  names: readonly string[],
  options: AdminCallOptions,
): AdminResult<string, void> {
  const result = new AdminResult<string, void>(names, byName)
  const done = context.runnable.call(
    {
      name: 'deleteTopics',
      node: 'controller',
      api: DeleteTopics,
      body: (version, timeoutMs) => ({
        ...(version < 6 ? { topicNames: [...names] } : { topics: names.map(name => ({ name })) }),
        timeoutMs,
      }),
      check: answer => refuseNotController(answer.responses),
    },
    context.deadlineMs(options),
  )
  settle(done, result, answer => {
    for (const { name, errorCode, errorMessage } of answer.body.responses) {
      if (name === null) continue
      if (errorCode !== ErrorCode.NONE) result.fail(name, exceptionFor(errorCode, errorMessage))
      else result.complete(name, undefined)
    }
  })
  return result
}

export function createPartitions(
  context: AdminContext,
  topics: ReadonlyMap<string, NewPartitions>,
  { validateOnly = false, ...options }: ValidateOnlyOptions,
): AdminResult<string, void> {
  const result = new AdminResult<string, void>(topics.keys(), byName)
  const entries = [...topics].map(([name, { totalCount, assignments }]) => ({
    name,
    count: totalCount,
    assignments: assignments?.map(brokerIds => ({ brokerIds: [...brokerIds] })) ?? null,
  }))
  const done = context.runnable.call(
    {
      name: 'createPartitions',
      node: 'controller',
      api: CreatePartitions,
      body: (_version, timeoutMs) => ({ topics: entries, timeoutMs, validateOnly }),
      check: answer => refuseNotController(answer.results),
    },
    context.deadlineMs(options),
  )
  settle(done, result, answer => {
    for (const { name, errorCode, errorMessage } of answer.body.results) {
      if (errorCode !== ErrorCode.NONE) result.fail(name, exceptionFor(errorCode, errorMessage))
      else result.complete(name, undefined)
    }
  })
  return result
}

export function describeTopics(
  context: AdminContext,
  names: readonly string[],
  options: AdminCallOptions,
): AdminResult<string, TopicDescription> {
  const result = new AdminResult<string, TopicDescription>(names, byName)
  const topics = result.keys.map(name => ({ name }))
  settle(metadataOf(context, topics, 'describeTopics', options), result, ({ body }) => {
    for (const topic of body.topics) {
      if (topic.name === null) continue
      if (topic.errorCode !== ErrorCode.NONE) result.fail(topic.name, exceptionFor(topic.errorCode))
      else result.complete(topic.name, describe(topic.name, topic))
    }
  })
  return result
}

export async function listTopics(
  context: AdminContext,
  { listInternal = false, ...options }: ListTopicsOptions,
): Promise<TopicListing[]> {
  const { body } = await metadataOf(context, null, 'listTopics', options)
  return body.topics.flatMap(({ name, topicId, isInternal }) =>
    name === null || (isInternal && !listInternal) ? [] : [{ name, topicId, isInternal }],
  )
}

export interface ListTopicsOptions extends AdminCallOptions {
  /** Whether Kafka's own topics are listed as well; default false. */
  readonly listInternal?: boolean
}

/** Waits for an answer and takes it; what it does not name has failed, and everything when there is none. */
export function settle<K, V, A>(answer: Promise<A>, result: AdminResult<K, V>, take: (answer: A) => void): void {
  answer.then(
    given => {
      take(given)
      result.failRest(new KafkaError('the broker did not tell what became of it'))
    },
    (error: Error) => result.failRest(error),
  )
}

function metadataOf(
  context: AdminContext,
  topics: readonly { readonly name: string }[] | null,
  name: string,
  options: AdminCallOptions,
) {
  return context.runnable.call(
    {
      name,
      node: 'least-loaded',
      api: Metadata,
      body: () => ({ topics: topics === null ? null : [...topics], allowAutoTopicCreation: false }),
    },
    context.deadlineMs(options),
  )
}

function describe(
  name: string,
  { topicId, isInternal, partitions }: MetadataResponse['topics'][number],
): TopicDescription {
  const infos = partitions.map(partition => ({
    partition: partition.partitionIndex,
    leader: partition.leaderId < 0 ? undefined : partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicas: partition.replicaNodes,
    isr: partition.isrNodes,
    offlineReplicas: partition.offlineReplicas,
  }))
  return { name, topicId, isInternal, partitions: infos.sort((one, other) => one.partition - other.partition) }
}

/** A broker that stands for a controller which has changed: the client asks again. */
function refuseNotController(items: readonly { readonly errorCode: number }[]): void {
  if (items.some(({ errorCode }) => errorCode === ErrorCode.NOT_CONTROLLER)) {
    throw exceptionFor(ErrorCode.NOT_CONTROLLER)
  }
}
