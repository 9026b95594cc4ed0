import { MetadataDelta } from '../../../../src/controller/image/metadata-delta.ts'
import { MetadataImage } from '../../../../src/controller/image/metadata-image.ts'
import type { GroupCoordinatorConfig } from '../../../../src/coordinator/group/group-coordinator-config.ts'
import type { ConsumerGroup } from '../../../../src/coordinator/group/modern/consumer/consumer-group.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponseInput,
} from '../../../../src/protocol/apis/consumer-group-heartbeat.ts'
import { ApiError, errorName } from '../../../../src/protocol/errors.ts'
import { GROUP, ShardUnderTest } from './shard-under-test.ts'

/** The id of a topic in these tests, by its name, of up to eight letters. */
export function topicIdOf(name: string): string {
  return Buffer.from(name.padEnd(16, '.')).toString('base64url')
}

/** Partitions by topic, as requests have them: `{ orders: [0, 1] }`. */
export type OwnedPartitions = Readonly<Record<string, readonly number[]>>

export type HeartbeatOptions = Partial<Omit<ConsumerGroupHeartbeatRequest, 'topicPartitions'>> & {
  readonly owned?: OwnedPartitions | null
  readonly topics?: readonly string[] | null
}

/** What a heartbeat was answered with; `partitions` undefined: it says nothing of them. */
export interface HeartbeatAnswer {
  readonly error: string
  readonly memberId: string
  readonly epoch: number
  /** `orders-0`, sorted. */
  readonly partitions: readonly string[] | undefined
}

/** A shard whose groups speak the consumer protocol, and the topics of its cluster. */
export class ConsumerGroupUnderTest extends ShardUnderTest {
  protected readonly config: Partial<GroupCoordinatorConfig>
  #image = MetadataImage.EMPTY

  constructor(topics: Readonly<Record<string, number>> = { orders: 6 }, config: Partial<GroupCoordinatorConfig> = {}) {
    super(config)
    this.config = config
    this.createTopics(topics)
    this.shard.onLoaded(this.#image)
  }

  get image(): MetadataImage {
    return this.#image
  }

  get group(): ConsumerGroup {
    const group = this.shard.groups.group(GROUP)
    if (group.type !== 'consumer') throw new Error('it is a classic group')
    return group as ConsumerGroup
  }

  /** A topic's new partitions, or a new topic with them. */
  createTopics(topics: Readonly<Record<string, number>>): void {
    const delta = new MetadataDelta(this.#image)
    for (const [name, numPartitions] of Object.entries(topics)) {
      const existing = this.#image.topics.getTopic(name)
      const topicId = topicIdOf(name)
      if (existing === undefined) delta.replay({ type: 'TopicRecord', data: { name, topicId } })
      for (let partitionId = existing?.partitions.size ?? 0; partitionId < numPartitions; partitionId += 1) {
        delta.replay({
          type: 'PartitionRecord',
          data: {
            partitionId,
            topicId,
            replicas: [1],
            isr: [1],
            leader: 1,
            leaderEpoch: 0,
            partitionEpoch: 0,
            removingReplicas: [],
            addingReplicas: [],
            leaderRecoveryState: 0,
            directories: [],
            eligibleLeaderReplicas: null,
            lastKnownElr: null,
          },
        })
      }
    }
    this.#publish(delta)
  }

  deleteTopic(name: string): void {
    const delta = new MetadataDelta(this.#image)
    delta.replay({ type: 'RemoveTopicRecord', data: { topicId: topicIdOf(name) } })
    this.#publish(delta)
  }

  /** Another coordinator, which has read this one's log. */
  failover(): ConsumerGroupUnderTest {
    return this.succeededBy(new ConsumerGroupUnderTest({}, this.config))
  }

  /** The same with a coordinator that knows no topics yet. */
  protected succeededBy<T extends ConsumerGroupUnderTest>(next: T): T {
    for (const record of this.log) {
      next.shard.replay(next.log.length, record)
      next.log.push(record)
    }
    next.#image = this.#image
    next.shard.onLoaded(this.#image)
    return next
  }

  /** A member's first heartbeat. */
  join(memberId: string, options: HeartbeatOptions = {}): HeartbeatAnswer {
    return this.heartbeat(memberId, 0, { owned: {}, topics: ['orders'], rebalanceTimeoutMs: 30_000, ...options })
  }

  /** A heartbeat that says nothing but the epoch, and what `options` say. */
  heartbeat(memberId: string, memberEpoch: number, options: HeartbeatOptions = {}): HeartbeatAnswer {
    const { owned = null, topics = null, ...rest } = options
    const request: ConsumerGroupHeartbeatRequest = {
      groupId: GROUP,
      memberId,
      memberEpoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: topics === null ? null : [...topics],
      subscribedTopicRegex: null,
      serverAssignor: null,
      ...rest,
      topicPartitions:
        owned === null
          ? null
          : Object.entries(owned).map(([name, partitions]) => ({
              topicId: topicIdOf(name),
              partitions: [...partitions],
            })),
    }
    const context = { clientId: 'client', clientHost: '/127.0.0.1', apiVersion: 1 }
    try {
      return this.#answer(this.write(this.shard.groups.consumerGroups.heartbeat(context, request)))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { error: error.errorName, memberId, epoch: -1, partitions: undefined }
    }
  }

  #answer({ errorCode, memberId, memberEpoch, assignment }: ConsumerGroupHeartbeatResponseInput): HeartbeatAnswer {
    const partitions = assignment?.topicPartitions?.flatMap(topic =>
      (topic.partitions ?? []).map(partition => `${this.#image.topics.getTopicById(topic.topicId)?.name}-${partition}`),
    )
    return { error: errorName(errorCode), memberId: memberId ?? '', epoch: memberEpoch, partitions: partitions?.sort() }
  }

  #publish(delta: MetadataDelta): void {
    const { provenance } = this.#image
    this.#image = delta.apply({ ...provenance, lastContainedOffset: provenance.lastContainedOffset + 1 })
    this.shard.onNewMetadataImage(this.#image, delta)
  }
}
