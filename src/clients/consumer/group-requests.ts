import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup, type JoinGroupResponse } from '../../protocol/apis/join-group.ts'
import { LeaveGroup } from '../../protocol/apis/leave-group.ts'
import { SyncGroup, type SyncGroupResponse } from '../../protocol/apis/sync-group.ts'
import { CONSUMER_PROTOCOL_TYPE } from '../../protocol/consumer-protocol.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { exceptionFor, GroupAuthorizationException, KafkaError } from '../errors.ts'
import { GroupMaxSizeReachedException, groupExceptionFor, UnjoinedGroupException } from './consumer-errors.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { CoordinatorConnection } from './coordinator-connection.ts'
import type { GroupRebalanceConfig } from './group-rebalance-config.ts'
import { type Generation, isSameGeneration, type MemberState } from './member-state.ts'
import { RequestFuture } from './request-future.ts'

/** A JoinGroup request may be answered so much later than the rebalance timeout. */
const JOIN_GROUP_TIMEOUT_LAPSE_MS = 5000
/** Longer reasons are cut (KIP-800). */
const MAX_REASON_LENGTH = 255
/** The first versions that know static members. */
const STATIC_MEMBERS_SINCE = { joinGroup: 5, syncGroup: 3, heartbeat: 3 } as const
/** The first LeaveGroup version that holds several members. */
const BATCHED_LEAVE_SINCE = 3

export interface GroupRequestsOptions {
  readonly client: ConsumerNetworkClient
  readonly config: GroupRebalanceConfig
  readonly coordinator: CoordinatorConnection
  readonly member: MemberState
  readonly metrics: ConsumerMetrics
}

/** The protocols that a member supports, by preference, with what its assignors tell. */
export type JoinProtocols = readonly { readonly name: string; readonly metadata: Buffer }[]

/**
 * The requests of a group's member and what their answers do to its state (the response handlers of Kafka's
 * AbstractCoordinator).
 */
export class GroupRequests {
  readonly #runtime: Runtime
  readonly #options: GroupRequestsOptions

  constructor(runtime: Runtime, options: GroupRequestsOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /**
   * Joins the group.
   *
   * @param onJoined the member is in the new generation and must sync
   */
  join(protocols: JoinProtocols, onJoined: () => void): RequestFuture<JoinGroupResponse> {
    const { client, config, coordinator, member, metrics } = this.#options
    const node = coordinator.get()
    if (node === undefined) return coordinatorNotAvailable()
    const sent = member.generation
    return client
      .send(node, {
        api: JoinGroup,
        ...(config.groupInstanceId === undefined ? {} : { oldestVersion: STATIC_MEMBERS_SINCE.joinGroup }),
        timeoutMs: Math.max(client.requestTimeoutMs, config.rebalanceTimeoutMs + JOIN_GROUP_TIMEOUT_LAPSE_MS),
        body: {
          groupId: config.groupId,
          sessionTimeoutMs: config.sessionTimeoutMs,
          rebalanceTimeoutMs: config.rebalanceTimeoutMs,
          memberId: sent.memberId,
          groupInstanceId: config.groupInstanceId ?? null,
          protocolType: CONSUMER_PROTOCOL_TYPE,
          protocols,
          reason: member.rejoinReason.slice(0, MAX_REASON_LENGTH),
        },
      })
      .compose<JoinGroupResponse>(
        ({ body, latencyMs }, future) => {
          if (body.errorCode !== ErrorCode.NONE) throw this.#joinFailed(body, sent)
          if (isOtherProtocolType(body.protocolType)) throw exceptionFor(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
          metrics.joinLatency(latencyMs)
          if (member.state !== 'preparing-rebalance') throw new UnjoinedGroupException()
          member.state = 'completing-rebalance'
          member.generation = {
            generationId: body.generationId,
            memberId: body.memberId,
            protocolName: body.protocolName ?? undefined,
          }
          onJoined()
          future.complete(body)
        },
        error => coordinator.requestFailed(error),
      )
  }

  /** Gets the member's assignment. @param assignments what the leader has decided; empty from others */
  sync(assignments: ReadonlyMap<string, Buffer>): RequestFuture<Buffer> {
    const { client, config, coordinator, member, metrics } = this.#options
    const node = coordinator.get()
    if (node === undefined) return coordinatorNotAvailable()
    const sent = member.generation
    return client
      .send(node, {
        api: SyncGroup,
        ...(config.groupInstanceId === undefined ? {} : { oldestVersion: STATIC_MEMBERS_SINCE.syncGroup }),
        body: {
          groupId: config.groupId,
          generationId: sent.generationId,
          memberId: sent.memberId,
          groupInstanceId: config.groupInstanceId ?? null,
          protocolType: CONSUMER_PROTOCOL_TYPE,
          protocolName: sent.protocolName ?? null,
          assignments: [...assignments].map(([memberId, assignment]) => ({ memberId, assignment })),
        },
      })
      .compose<Buffer>(
        ({ body, latencyMs }, future) => {
          if (body.errorCode !== ErrorCode.NONE) throw this.#syncFailed(body.errorCode, sent)
          if (isOtherProtocolType(body.protocolType)) throw exceptionFor(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
          metrics.syncLatency(latencyMs)
          this.#synced(body)
          future.complete(body.assignment)
        },
        error => coordinator.requestFailed(error),
      )
  }

  /** Tells that the member is alive. */
  heartbeat(): RequestFuture<void> {
    const { client, config, coordinator, member, metrics } = this.#options
    const node = coordinator.get()
    if (node === undefined) return coordinatorNotAvailable()
    const sent = member.generation
    return client
      .send(node, {
        api: Heartbeat,
        ...(config.groupInstanceId === undefined ? {} : { oldestVersion: STATIC_MEMBERS_SINCE.heartbeat }),
        body: {
          groupId: config.groupId,
          generationId: sent.generationId,
          memberId: sent.memberId,
          groupInstanceId: config.groupInstanceId ?? null,
        },
      })
      .compose<void>(
        ({ body, latencyMs }, future) => {
          metrics.heartbeatLatency(latencyMs)
          const error = this.#heartbeatFailed(body.errorCode, sent)
          if (error === undefined) future.complete()
          else future.raise(error)
        },
        error => coordinator.requestFailed(error),
      )
  }

  /** Leaves the group; whether it worked does not matter to the member. */
  leave(reason: string): void {
    const { client, config, coordinator, member } = this.#options
    const node = coordinator.get()
    if (node === undefined) return
    const { memberId } = member.generation
    client
      .send(node, {
        api: LeaveGroup,
        body: version =>
          version < BATCHED_LEAVE_SINCE
            ? { groupId: config.groupId, memberId }
            : { groupId: config.groupId, members: [{ memberId, reason: reason.slice(0, MAX_REASON_LENGTH) }] },
      })
      .addListener({ onFailure: error => coordinator.requestFailed(error) })
  }

  #joinFailed({ errorCode, memberId }: JoinGroupResponse, sent: Generation): KafkaError {
    const { config, coordinator, member } = this.#options
    switch (errorCode) {
      case ErrorCode.UNKNOWN_MEMBER_ID:
        if (this.#isUnchanged(sent))
          member.resetAndRejoin('encountered UNKNOWN_MEMBER_ID from JOIN_GROUP response', true)
        return groupExceptionFor(errorCode)
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NOT_COORDINATOR:
        coordinator.markUnknown()
        return groupExceptionFor(errorCode)
      case ErrorCode.GROUP_MAX_SIZE_REACHED:
        return new GroupMaxSizeReachedException(config.groupId)
      case ErrorCode.GROUP_AUTHORIZATION_FAILED:
        return new GroupAuthorizationException(`not authorized to access group: ${config.groupId}`)
      case ErrorCode.MEMBER_ID_REQUIRED:
        // The broker has given an id and waits for the member to come back with it (KIP-394).
        member.generation = { generationId: -1, memberId, protocolName: undefined }
        member.requestRejoin(`need to re-join with the given member-id: ${memberId}`)
        return groupExceptionFor(errorCode)
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      case ErrorCode.FENCED_INSTANCE_ID:
      case ErrorCode.INCONSISTENT_GROUP_PROTOCOL:
      case ErrorCode.INVALID_SESSION_TIMEOUT:
      case ErrorCode.INVALID_GROUP_ID:
      case ErrorCode.UNSUPPORTED_VERSION:
      case ErrorCode.REBALANCE_IN_PROGRESS:
        return groupExceptionFor(errorCode)
      default:
        return new KafkaError(`unexpected error in join group response: ${errorName(errorCode)}`)
    }
  }

  #synced({ protocolName }: SyncGroupResponse): void {
    const { member, metrics } = this.#options
    if (member.hasGenerationReset || member.state !== 'completing-rebalance') {
      throw exceptionFor(ErrorCode.ILLEGAL_GENERATION, 'the member was thrown out before the assignment came')
    }
    if (protocolName !== null && protocolName !== member.generation.protocolName) {
      throw exceptionFor(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    }
    const nowMs = this.#runtime.clock.monotonicMs()
    member.stable(nowMs)
    metrics.rebalanceLatency(nowMs - (member.rebalanceStartMs ?? nowMs))
    member.rebalanceStartMs = undefined
  }

  #syncFailed(errorCode: number, sent: Generation): KafkaError {
    const { config, coordinator, member } = this.#options
    switch (errorCode) {
      case ErrorCode.GROUP_AUTHORIZATION_FAILED:
        return new GroupAuthorizationException(`not authorized to access group: ${config.groupId}`)
      case ErrorCode.REBALANCE_IN_PROGRESS:
      case ErrorCode.FENCED_INSTANCE_ID:
        return groupExceptionFor(errorCode)
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        if (this.#isUnchanged(sent)) {
          const reason = `encountered ${errorName(errorCode)} from SYNC_GROUP response`
          member.resetAndRejoin(reason, errorCode !== ErrorCode.ILLEGAL_GENERATION)
        }
        return groupExceptionFor(errorCode)
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NOT_COORDINATOR:
        coordinator.markUnknown()
        return groupExceptionFor(errorCode)
      default:
        return new KafkaError(`unexpected error from SyncGroup: ${errorName(errorCode)}`)
    }
  }

  /** Undefined: all is well, or it is of no matter any more. */
  #heartbeatFailed(errorCode: number, sent: Generation): KafkaError | undefined {
    const { config, coordinator, member } = this.#options
    switch (errorCode) {
      case ErrorCode.NONE:
        return undefined
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NOT_COORDINATOR:
        coordinator.markUnknown()
        return groupExceptionFor(errorCode)
      case ErrorCode.REBALANCE_IN_PROGRESS:
        if (member.state !== 'stable') return undefined
        member.requestRejoin('group is already rebalancing')
        return groupExceptionFor(errorCode)
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_INSTANCE_ID: {
        if (!this.#isUnchanged(sent)) return undefined
        const reason = `encountered ${errorName(errorCode)} from HEARTBEAT response`
        member.resetAndRejoin(reason, errorCode !== ErrorCode.ILLEGAL_GENERATION)
        return groupExceptionFor(errorCode)
      }
      case ErrorCode.GROUP_AUTHORIZATION_FAILED:
        return new GroupAuthorizationException(`not authorized to access group: ${config.groupId}`)
      default:
        return new KafkaError(`unexpected error in heartbeat response: ${errorName(errorCode)}`)
    }
  }

  /** Whether the member is who it was when it sent the request. */
  #isUnchanged(sent: Generation): boolean {
    return isSameGeneration(this.#options.member.generation, sent)
  }
}

function isOtherProtocolType(protocolType: string | null): boolean {
  return protocolType !== null && protocolType !== CONSUMER_PROTOCOL_TYPE
}

/** The result of a request for which there is no coordinator. */
export function coordinatorNotAvailable<T>(): RequestFuture<T> {
  return RequestFuture.failure(exceptionFor(ErrorCode.COORDINATOR_NOT_AVAILABLE))
}
