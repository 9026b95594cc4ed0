import type { ConsumerGroupHeartbeatRequest } from '../../../protocol/apis/consumer-group-heartbeat.ts'
import type { MessageInput } from '../../../protocol/schema.ts'
import { compareStrings } from '../../topic-partition-map.ts'
import type { GroupRebalanceConfig } from '../group-rebalance-config.ts'
import type { SubscriptionState } from '../subscription-state.ts'
import type { ConsumerMembershipManager } from './consumer-membership-manager.ts'
import type { LocalAssignment } from './local-assignment.ts'

export type HeartbeatBody = MessageInput<typeof ConsumerGroupHeartbeatRequest>

export interface HeartbeatFieldsOptions {
  readonly config: GroupRebalanceConfig
  readonly member: ConsumerMembershipManager
  /** `group.remote.assignor`; undefined: the coordinator decides. */
  readonly remoteAssignor: string | undefined
  readonly subscriptions: SubscriptionState
}

/**
 * What heartbeats hold: all when the member joins, otherwise only what has changed since the last one
 * (ConsumerHeartbeatRequestManager.HeartbeatState).
 */
export class HeartbeatFields {
  readonly #options: HeartbeatFieldsOptions
  #isTimeoutSent = false
  #topicNames: string | undefined
  #regex: string | undefined
  #isAssignorSent = false
  #assignment: LocalAssignment | undefined

  constructor(options: HeartbeatFieldsOptions) {
    this.#options = options
  }

  /** Nobody knows whether the last one came: the next one holds all again. */
  reset(): void {
    this.#isTimeoutSent = false
    this.#topicNames = undefined
    this.#regex = undefined
    this.#isAssignorSent = false
    this.#assignment = undefined
  }

  next(): HeartbeatBody {
    const { config, member } = this.#options
    const joins = member.state === 'joining'
    return {
      groupId: config.groupId,
      memberId: member.memberId,
      memberEpoch: member.memberEpoch,
      instanceId: config.groupInstanceId ?? null,
      rebalanceTimeoutMs: this.#rebalanceTimeout(joins),
      subscribedTopicNames: this.#subscribedTopicNames(joins),
      subscribedTopicRegex: this.#subscribedTopicRegex(joins),
      serverAssignor: this.#serverAssignor(joins),
      topicPartitions: this.#topicPartitions(joins),
      rackId: joins ? (config.rackId ?? null) : null,
    }
  }

  #rebalanceTimeout(joins: boolean): number {
    if (!joins && this.#isTimeoutSent) return -1
    this.#isTimeoutSent = true
    return this.#options.config.rebalanceTimeoutMs
  }

  #subscribedTopicNames(joins: boolean): string[] | null {
    const names = [...this.#options.subscriptions.subscription].sort(compareStrings)
    // No topic has a comma in its name.
    const sent = names.join(',')
    if (!joins && sent === this.#topicNames) return null
    this.#topicNames = sent
    return names
  }

  /** Empty: there is no pattern any more. */
  #subscribedTopicRegex(joins: boolean): string | null {
    const regex = this.#options.subscriptions.subscriptionPattern?.pattern
    const isChanged = regex !== this.#regex
    this.#regex = regex
    return isChanged || (joins && regex !== undefined) ? (regex ?? '') : null
  }

  #serverAssignor(joins: boolean): string | null {
    if (!joins && this.#isAssignorSent) return null
    this.#isAssignorSent = true
    return this.#options.remoteAssignor ?? null
  }

  /** Also the acknowledgement of an assignment. */
  #topicPartitions(joins: boolean): { topicId: string; partitions: number[] }[] | null {
    const { currentAssignment } = this.#options.member
    if (!joins && this.#assignment?.equals(currentAssignment) === true) return null
    this.#assignment = currentAssignment
    return [...currentAssignment.partitions].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))
  }
}
