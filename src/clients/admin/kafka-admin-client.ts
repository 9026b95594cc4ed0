import type { ElectionType } from '../../protocol/apis/elect-leaders.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ConfigValues } from '../abstract-config.ts'
import { AdminClientConfig } from './admin-client-config.ts'
import { AdminClientRunnable } from './admin-client-runnable.ts'
import type { AdminCallOptions, AdminContext } from './admin-context.ts'
import type { AdminResult } from './admin-result.ts'
import * as cluster from './cluster-operations.ts'
import * as configs from './config-operations.ts'
import { type ConsumerGroupDescription, describeConsumerGroups } from './describe-groups.ts'
import * as groups from './group-operations.ts'
import * as partitions from './partition-operations.ts'
import * as topics from './topic-operations.ts'

/** How long `close` waits for calls that are under way: for ever, as the Java client. */
const CLOSE_WAIT_MS = Number.MAX_SAFE_INTEGER

export interface KafkaAdminClientOptions {
  /** Told of configuration keys that are not known; default: nobody. */
  readonly onWarning?: (message: string) => void
}

/**
 * Administers a cluster, with the Java admin client's semantics: calls are sent to the brokers that can answer them and
 * repeated, over changes of leaders and coordinators, until they succeed, fail for good, or `default.api.timeout.ms` is over
 * (TimeoutException). Where a call is about several things, each has its own end: an `AdminResult`.
 *
 * One thread works for all calls; it has to be ended by `close`.
 */
export class KafkaAdminClient {
  readonly #runnable: AdminClientRunnable
  readonly #context: AdminContext

  /**
   * @param values by Kafka's keys; `bootstrap.servers` is required
   * @throws ConfigException for a value that is not allowed
   */
  constructor(runtime: Runtime, values: ConfigValues, { onWarning = () => undefined }: KafkaAdminClientOptions = {}) {
    const config = new AdminClientConfig(values, onWarning)
    const runnable = new AdminClientRunnable(runtime, config, config.getString('client.id') || 'adminclient-1')
    this.#runnable = runnable
    this.#context = {
      runnable,
      deadlineMs: ({ timeoutMs = config.getNumber('default.api.timeout.ms') }) => runnable.nowMs + timeoutMs,
      sleep: async ms => {
        const parker = runtime.threads.park('KafkaAdminClient backoff')
        runtime.timers.after(ms, () => parker.unpark())
        await parker.parked
      },
    }
  }

  createTopics(
    newTopics: readonly topics.NewTopic[],
    options: topics.ValidateOnlyOptions = {},
  ): AdminResult<string, topics.CreatedTopic> {
    return topics.createTopics(this.#context, newTopics, options)
  }

  deleteTopics(names: readonly string[], options: AdminCallOptions = {}): AdminResult<string, void> {
    return topics.deleteTopics(this.#context, names, options)
  }

  createPartitions(
    newPartitions: ReadonlyMap<string, topics.NewPartitions>,
    options: topics.ValidateOnlyOptions = {},
  ): AdminResult<string, void> {
    return topics.createPartitions(this.#context, newPartitions, options)
  }

  listTopics(options: topics.ListTopicsOptions = {}): Promise<topics.TopicListing[]> {
    return topics.listTopics(this.#context, options)
  }

  describeTopics(
    names: readonly string[],
    options: AdminCallOptions = {},
  ): AdminResult<string, topics.TopicDescription> {
    return topics.describeTopics(this.#context, names, options)
  }

  describeConfigs(
    resources: readonly configs.ConfigResource[],
    options: AdminCallOptions = {},
  ): AdminResult<configs.ConfigResource, ReadonlyMap<string, configs.ConfigEntry>> {
    return configs.describeConfigs(this.#context, resources, options)
  }

  incrementalAlterConfigs(
    changes: readonly (readonly [configs.ConfigResource, readonly configs.AlterConfigOp[]])[],
    options: topics.ValidateOnlyOptions = {},
  ): AdminResult<configs.ConfigResource, void> {
    return configs.incrementalAlterConfigs(this.#context, changes, options)
  }

  describeCluster(options: AdminCallOptions = {}): Promise<cluster.ClusterDescription> {
    return cluster.describeCluster(this.#context, options)
  }

  describeMetadataQuorum(options: AdminCallOptions = {}): Promise<cluster.QuorumInfo> {
    return cluster.describeMetadataQuorum(this.#context, options)
  }

  unregisterBroker(brokerId: number, options: AdminCallOptions = {}): Promise<void> {
    return cluster.unregisterBroker(this.#context, brokerId, options)
  }

  /** Offset -1 stands for the high watermark; the values are the low watermarks after it. */
  deleteRecords(
    recordsToDelete: readonly (readonly [TopicPartition, number])[],
    options: AdminCallOptions = {},
  ): AdminResult<TopicPartition, number> {
    return partitions.deleteRecords(this.#context, recordsToDelete, options)
  }

  listOffsets(
    specs: readonly (readonly [TopicPartition, partitions.OffsetSpec])[],
    options: partitions.ListOffsetsOptions = {},
  ): AdminResult<TopicPartition, partitions.OffsetListing> {
    return partitions.listOffsets(this.#context, specs, options)
  }

  /** @param of null: every partition that has not the leader wanted */
  electLeaders(
    type: keyof typeof ElectionType,
    of: readonly TopicPartition[] | null,
    options: AdminCallOptions = {},
  ): Promise<AdminResult<TopicPartition, void>> {
    return partitions.electLeaders(this.#context, type, of, options)
  }

  /** Null in the place of replicas gives up the move that is under way. Done means that the move has begun. */
  alterPartitionReassignments(
    reassignments: readonly (readonly [TopicPartition, readonly number[] | null])[],
    options: AdminCallOptions = {},
  ): AdminResult<TopicPartition, void> {
    return partitions.alterPartitionReassignments(this.#context, reassignments, options)
  }

  /** @param of null: all */
  listPartitionReassignments(
    of: readonly TopicPartition[] | null = null,
    options: AdminCallOptions = {},
  ): Promise<readonly (readonly [TopicPartition, partitions.PartitionReassignment])[]> {
    return partitions.listPartitionReassignments(this.#context, of, options)
  }

  listGroups(options: AdminCallOptions = {}): Promise<groups.GroupListing[]> {
    return groups.listGroups(this.#context, options)
  }

  describeConsumerGroups(
    groupIds: readonly string[],
    options: AdminCallOptions = {},
  ): AdminResult<string, ConsumerGroupDescription> {
    return describeConsumerGroups(this.#context, groupIds, options)
  }

  /** Groups with members are refused (GroupNotEmptyException). */
  deleteConsumerGroups(groupIds: readonly string[], options: AdminCallOptions = {}): AdminResult<string, void> {
    return groups.deleteGroups(this.#context, groupIds, options)
  }

  listConsumerGroupOffsets(
    groupIds: readonly string[],
    options: groups.ListConsumerGroupOffsetsOptions = {},
  ): AdminResult<string, readonly (readonly [TopicPartition, groups.CommittedOffset])[]> {
    return groups.listConsumerGroupOffsets(this.#context, groupIds, options)
  }

  alterConsumerGroupOffsets(
    groupId: string,
    offsets: readonly (readonly [TopicPartition, groups.CommittedOffset])[],
    options: AdminCallOptions = {},
  ): AdminResult<TopicPartition, void> {
    return groups.alterConsumerGroupOffsets(this.#context, groupId, offsets, options)
  }

  deleteConsumerGroupOffsets(
    groupId: string,
    of: readonly TopicPartition[],
    options: AdminCallOptions = {},
  ): AdminResult<TopicPartition, void> {
    return groups.deleteConsumerGroupOffsets(this.#context, groupId, of, options)
  }

  removeMembersFromConsumerGroup(
    groupId: string,
    members: readonly groups.MemberToRemove[],
    options: AdminCallOptions = {},
  ): AdminResult<groups.MemberToRemove, void> {
    return groups.removeMembersFromConsumerGroup(this.#context, groupId, members, options)
  }

  /** Takes no more calls, waits at most `timeoutMs` for those under way and ends the rest. Idempotent. */
  async close(timeoutMs: number = CLOSE_WAIT_MS): Promise<void> {
    await this.#runnable.close(timeoutMs)
  }
}
