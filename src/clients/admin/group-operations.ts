import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { LeaveGroup } from '../../protocol/apis/leave-group.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetDelete } from '../../protocol/apis/offset-delete.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import { exceptionFor, KafkaError } from '../errors.ts'
import { drive, type KeyOutcome } from './admin-api-driver.ts'
import { type AdminCallOptions, type AdminContext, byTopic } from './admin-context.ts'
import { AdminResult } from './admin-result.ts'
import { throwError } from './cluster-operations.ts'
import { coordinatorOutcome, lookUpCoordinators } from './coordinator-lookup.ts'

export interface GroupListing {
  readonly groupId: string
  /** `consumer` for consumer groups; empty for groups that only keep offsets. */
  readonly protocolType: string
  /** `Stable`, `Empty` …; empty where an old broker does not tell. */
  readonly state: string
  /** `classic`, `consumer` …; empty where an old broker does not tell. */
  readonly type: string
}

/** Where a group goes on in a partition. */
export interface CommittedOffset {
  readonly offset: number
  readonly leaderEpoch?: number | undefined
  readonly metadata?: string
}

/** A member of a classic group, by its static id or its member id. */
export interface MemberToRemove {
  readonly groupInstanceId?: string
  readonly memberId?: string
}

/** The last versions that name topics; later ones have their ids. */
const LAST_VERSION_WITH_NAMES = 9
/** First version of OffsetFetch that asks for several groups. */
const FIRST_BATCHED_FETCH_VERSION = 8
/** First version of LeaveGroup that names several members. */
const FIRST_BATCHED_LEAVE_VERSION = 3
/** Reason that is told for members that an administrator removes (KIP-800). */
const REMOVAL_REASON = 'member was removed by an admin'

const byId = (groupId: string): string => groupId

/** Asks every broker; a broker that cannot be asked fails the whole. */
export async function listGroups(context: AdminContext, options: AdminCallOptions): Promise<GroupListing[]> {
  const deadlineMs = context.deadlineMs(options)
  // The brokers are known when any of them has answered.
  await context.runnable.call(
    { name: 'listGroups', node: 'least-loaded', api: ListGroups, body: () => ({}) },
    deadlineMs,
  )
  const answers = await Promise.all(
    context.runnable.brokers.map(({ id }) =>
      context.runnable.call(
        {
          name: 'listGroups',
          node: { id },
          api: ListGroups,
          body: () => ({}),
          check: ({ errorCode }) => throwError(errorCode),
        },
        deadlineMs,
      ),
    ),
  )
  return answers.flatMap(({ body }) =>
    body.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
      groupId,
      protocolType,
      state: groupState,
      type: groupType,
    })),
  )
}

export function deleteGroups(
  context: AdminContext,
  groupIds: readonly string[],
  options: AdminCallOptions,
): AdminResult<string, void> {
  const result = new AdminResult<string, void>(groupIds, byId)
  const operation = {
    name: 'deleteConsumerGroups',
    lookup: (keys: readonly string[], deadlineMs: number) => lookUpCoordinators(context, keys, deadlineMs),
    fulfil: async (id: number, keys: readonly string[], deadlineMs: number) => {
      const { body } = await context.runnable.call(
        {
          name: 'deleteConsumerGroups',
          node: { id },
          once: true,
          api: DeleteGroups,
          body: () => ({ groupsNames: [...keys] }),
        },
        deadlineMs,
      )
      return new Map<string, KeyOutcome<void>>(
        body.results.map(({ groupId, errorCode }) => [groupId, outcomeOf(errorCode, undefined)]),
      )
    },
  }
  void drive(context, operation, result, context.deadlineMs(options))
  return result
}

export interface ListConsumerGroupOffsetsOptions extends AdminCallOptions {
  /**
   * Whether the answer waits for commits that are still being replicated (KIP-447); default false, as in the Java client.
   * Without it a coordinator that has only just taken over may not know yet that the newest commits are committed, and tells
   * older ones.
   */
  readonly requireStable?: boolean
}

/** Where groups go on, for every partition that they have committed. */
export function listConsumerGroupOffsets(
  context: AdminContext,
  groupIds: readonly string[],
  { requireStable = false, ...options }: ListConsumerGroupOffsetsOptions,
): AdminResult<string, readonly (readonly [TopicPartition, CommittedOffset])[]> {
  type Offsets = readonly (readonly [TopicPartition, CommittedOffset])[]
  const result = new AdminResult<string, Offsets>(groupIds, byId)
  const operation = {
    name: 'listConsumerGroupOffsets',
    lookup: (keys: readonly string[], deadlineMs: number) => lookUpCoordinators(context, keys, deadlineMs),
    fulfil: async (id: number, keys: readonly string[], deadlineMs: number) => {
      const { body } = await context.runnable.call(
        {
          name: 'listConsumerGroupOffsets',
          node: { id },
          once: true,
          api: OffsetFetch,
          oldestVersion: FIRST_BATCHED_FETCH_VERSION,
          latestVersion: LAST_VERSION_WITH_NAMES,
          body: () => ({ groups: keys.map(groupId => ({ groupId, topics: null })), requireStable }),
        },
        deadlineMs,
      )
      return new Map<string, KeyOutcome<Offsets>>(
        body.groups.map(({ groupId, errorCode, topics }) => {
          const offsets = topics.flatMap(({ name, partitions }) =>
            partitions
              .filter(partition => partition.errorCode === ErrorCode.NONE && partition.committedOffset >= 0)
              .map(({ partitionIndex, committedOffset, committedLeaderEpoch, metadata }) => {
                const leaderEpoch = committedLeaderEpoch < 0 ? undefined : committedLeaderEpoch
                const committed = { offset: committedOffset, leaderEpoch, metadata: metadata ?? '' }
                return [{ topic: name, partition: partitionIndex }, committed] as const
              }),
          )
          return [groupId, outcomeOf(errorCode, offsets)]
        }),
      )
    },
  }
  void drive(context, operation, result, context.deadlineMs(options))
  return result
}

/** Sets where a group goes on; it must have no members that are active in these topics. */
export function alterConsumerGroupOffsets(
  context: AdminContext,
  groupId: string,
  offsets: readonly (readonly [TopicPartition, CommittedOffset])[],
  options: AdminCallOptions,
): AdminResult<TopicPartition, void> {
  const wanted = offsets.map(([partition, committed]) => ({ ...partition, committed }))
  const topics = [...byTopic(wanted)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, committed }) => ({
      partitionIndex: partition,
      committedOffset: committed.offset,
      committedLeaderEpoch: committed.leaderEpoch ?? -1,
      committedMetadata: committed.metadata ?? '',
    })),
  }))
  return ofOneGroup(context, groupId, wanted, options, async (id, deadlineMs) => {
    const { body } = await context.runnable.call(
      {
        name: 'alterConsumerGroupOffsets',
        node: { id },
        once: true,
        api: OffsetCommit,
        latestVersion: LAST_VERSION_WITH_NAMES,
        body: () => ({ groupId, memberId: '', topics }),
      },
      deadlineMs,
    )
    return { topics: body.topics }
  })
}

/** Forgets where a group goes on; it must not be subscribed to these topics. */
export function deleteConsumerGroupOffsets(
  context: AdminContext,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: AdminCallOptions,
): AdminResult<TopicPartition, void> {
  const topics = [...byTopic(partitions)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition }) => ({ partitionIndex: partition })),
  }))
  return ofOneGroup(context, groupId, partitions, options, async (id, deadlineMs) => {
    const { body } = await context.runnable.call(
      {
        name: 'deleteConsumerGroupOffsets',
        node: { id },
        once: true,
        api: OffsetDelete,
        body: () => ({ groupId, topics }),
      },
      deadlineMs,
    )
    return body
  })
}

/** Makes members leave a classic group, so that their partitions are given to others at once. */
export function removeMembersFromConsumerGroup(
  context: AdminContext,
  groupId: string,
  members: readonly MemberToRemove[],
  options: AdminCallOptions,
): AdminResult<MemberToRemove, void> {
  const idOf = ({ groupInstanceId, memberId }: MemberToRemove) => groupInstanceId ?? memberId ?? ''
  const result = new AdminResult<MemberToRemove, void>(members, idOf)
  const group = new AdminResult<string, void>([groupId], byId)
  const operation = {
    name: 'removeMembersFromConsumerGroup',
    lookup: (keys: readonly string[], deadlineMs: number) => lookUpCoordinators(context, keys, deadlineMs),
    fulfil: async (id: number, _keys: readonly string[], deadlineMs: number) => {
      const { body } = await context.runnable.call(
        {
          name: 'removeMembersFromConsumerGroup',
          node: { id },
          once: true,
          api: LeaveGroup,
          oldestVersion: FIRST_BATCHED_LEAVE_VERSION,
          body: () => ({
            groupId,
            members: members.map(({ groupInstanceId = null, memberId = '' }) => ({
              groupInstanceId,
              memberId,
              reason: REMOVAL_REASON,
            })),
          }),
        },
        deadlineMs,
      )
      for (const { groupInstanceId, memberId, errorCode } of body.errorCode === ErrorCode.NONE ? body.members : []) {
        const member = { memberId, ...(groupInstanceId === null ? {} : { groupInstanceId }) }
        if (errorCode === ErrorCode.NONE) result.complete(member, undefined)
        else result.fail(member, exceptionFor(errorCode))
      }
      return new Map([[groupId, outcomeOf(body.errorCode, undefined)]])
    },
  }
  const done = drive(context, operation, group, context.deadlineMs(options))
  void done.then(() => followGroup(group.get(groupId), result))
  return result
}

interface PartitionErrors {
  /** Of the request as a whole. */
  readonly errorCode?: number
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
  }[]
}

/** An operation on partitions of one group, by one request to its coordinator. */
function ofOneGroup(
  context: AdminContext,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: AdminCallOptions,
  ask: (nodeId: number, deadlineMs: number) => Promise<PartitionErrors>,
): AdminResult<TopicPartition, void> {
  const result = new AdminResult<TopicPartition, void>(partitions, partitionKey)
  const group = new AdminResult<string, void>([groupId], byId)
  const operation = {
    name: `an operation on group ${groupId}`,
    lookup: (keys: readonly string[], deadlineMs: number) => lookUpCoordinators(context, keys, deadlineMs),
    fulfil: async (nodeId: number, _keys: readonly string[], deadlineMs: number) => {
      const { errorCode = ErrorCode.NONE, topics } = await ask(nodeId, deadlineMs)
      const entries = topics.flatMap(({ name, partitions: told }) =>
        told.map(entry => ({ key: { topic: name, partition: entry.partitionIndex }, code: entry.errorCode })),
      )
      // An error of the coordinator stands at each partition where the answer has no place of its own for it.
      const passing = entries.map(({ code }) => coordinatorOutcome(code)).find(outcome => typeof outcome === 'string')
      if (passing !== undefined) return new Map<string, KeyOutcome<void>>([[groupId, passing]])
      for (const { key, code } of entries) {
        if (code === ErrorCode.NONE) result.complete(key, undefined)
        else result.fail(key, exceptionFor(code))
      }
      return new Map([[groupId, outcomeOf(errorCode, undefined)]])
    },
  }
  const done = drive(context, operation, group, context.deadlineMs(options))
  void done.then(() => followGroup(group.get(groupId), result))
  return result
}

/** What failed for the group as a whole has failed for all items that have no end of their own. */
async function followGroup<K>(group: Promise<void>, items: AdminResult<K, void>): Promise<void> {
  try {
    await group
    items.failRest(new KafkaError('the broker did not tell what became of it'))
  } catch (error) {
    items.failRest(error instanceof Error ? error : new Error(String(error)))
  }
}

function outcomeOf<V>(errorCode: number, value: V): KeyOutcome<V> {
  return errorCode === ErrorCode.NONE ? { value } : coordinatorOutcome(errorCode)
}
