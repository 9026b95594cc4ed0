import type { JoinGroupResponse } from '../../protocol/apis/join-group.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { exceptionFor } from '../errors.ts'
import { hasCode } from './consumer-errors.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { CoordinatorConnection } from './coordinator-connection.ts'
import type { GroupLeader } from './group-leader.ts'
import type { GroupRebalanceConfig } from './group-rebalance-config.ts'
import type { GroupRequests } from './group-requests.ts'
import type { MemberState } from './member-state.ts'
import type { RackSnapshot } from './rack-snapshot.ts'
import type { RebalanceHandler } from './rebalance-handler.ts'
import { RequestFuture } from './request-future.ts'
import type { SubscriptionMetadata } from './subscription-metadata.ts'
import type { Timer } from './timer.ts'

export interface GroupJoinerOptions {
  readonly client: ConsumerNetworkClient
  readonly config: GroupRebalanceConfig
  readonly coordinator: CoordinatorConnection
  readonly member: MemberState
  readonly metrics: ConsumerMetrics
  readonly rebalance: RebalanceHandler
  readonly requests: GroupRequests
  readonly subscriptionMetadata: SubscriptionMetadata
  /** Undefined without any assignor. */
  readonly leader: GroupLeader | undefined
  /** Whether the member must join, or is joining. */
  readonly isNeeded: () => boolean
  /** The member is in a new generation, and must show that it lives. */
  readonly onJoined: () => void
}

const REJOIN_AT_ONCE: readonly ErrorCode[] = [
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.MEMBER_ID_REQUIRED,
]

/**
 * Brings a member through rebalances: prepare, JoinGroup, decide as leader, SyncGroup, complete
 * (AbstractCoordinator.joinGroupIfNeeded). A join that is under way when time runs out goes on with the next call.
 */
export class GroupJoiner {
  readonly #runtime: Runtime
  readonly #options: GroupJoinerOptions
  #joinFuture: RequestFuture<Buffer> | undefined
  /** This member leads the generation that it has joined, and must decide on the assignment. */
  #elected: JoinGroupResponse | undefined
  #assignmentSnapshot: RackSnapshot | undefined
  #isLeader = false

  constructor(runtime: Runtime, options: GroupJoinerOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Whether a join is under way. */
  get isPending(): boolean {
    return this.#joinFuture !== undefined
  }

  /** The topics as they were when this leader decided; undefined: it is no leader. */
  get assignmentSnapshot(): RackSnapshot | undefined {
    return this.#assignmentSnapshot
  }

  /**
   * Joins until it need not any more; false when time ran out.
   *
   * @throws KafkaError, and what the listener threw
   */
  async join(timer: Timer): Promise<boolean> {
    const { coordinator, isNeeded, member } = this.#options
    while (isNeeded()) {
      if (!(await coordinator.ensureReady(timer))) return false
      if (member.needsJoinPrepare) {
        // Not again when the listener throws.
        member.needsJoinPrepare = false
        if (!(await this.#prepareJoin(timer))) {
          member.needsJoinPrepare = true
          return false
        }
      }
      const future = this.#initiateJoinGroup()
      await this.#pollJoin(future, timer)
      if (!future.isDone) return false
      if (future.succeeded) await this.#joined(future.value)
      else if (!(await this.#joinFailed(future, timer))) return false
    }
    return true
  }

  async #prepareJoin(timer: Timer): Promise<boolean> {
    const isDone = await this.#options.rebalance.prepare(timer)
    if (isDone) this.#isLeader = false
    return isDone
  }

  #initiateJoinGroup(): RequestFuture<Buffer> {
    if (this.#joinFuture !== undefined) return this.#joinFuture
    const { member, metrics, onJoined, rebalance, requests } = this.#options
    member.state = 'preparing-rebalance'
    member.rebalanceStartMs ??= this.#runtime.clock.monotonicMs()
    const assignment = new RequestFuture<Buffer>()
    this.#joinFuture = assignment
    this.#elected = undefined
    requests.join(rebalance.protocols(), onJoined).addListener({
      onSuccess: response => {
        if (response.leader === response.memberId) this.#elected = response
        else requests.sync(new Map()).chain(assignment)
      },
      onFailure: error => assignment.raise(error),
    })
    assignment.addListener({ onFailure: () => metrics.failedRebalance(1) })
    return assignment
  }

  /** Polls until the join is done; a leader decides meanwhile. */
  async #pollJoin(future: RequestFuture<Buffer>, timer: Timer): Promise<void> {
    const { client } = this.#options
    do {
      await client.poll(timer, () => !future.isDone && this.#elected === undefined)
      const elected = this.#elected
      if (elected === undefined || future.isDone) continue
      this.#elected = undefined
      await this.#lead(elected, future)
      // The decision goes out at once.
      await client.poll(timer, () => !future.isDone)
    } while (!future.isDone && timer.notExpired)
  }

  /** Decides on the assignment of all members and sends it. */
  async #lead(response: JoinGroupResponse, future: RequestFuture<Buffer>): Promise<void> {
    const { leader, member, rebalance, requests, subscriptionMetadata } = this.#options
    if (member.hasGenerationReset || member.state !== 'completing-rebalance') {
      // It left or was thrown out between two polls.
      future.raise(exceptionFor(ErrorCode.ILLEGAL_GENERATION, 'the member was thrown out before it could lead'))
      return
    }
    try {
      const assignor = rebalance.assignor(member.generation.protocolName)
      const assignments = (await leader?.assign(assignor, response)) ?? new Map<string, Buffer>()
      this.#isLeader = true
      this.#assignmentSnapshot = subscriptionMetadata.snapshot
      requests.sync(assignments).chain(future)
    } catch (error) {
      if (!future.isDone) future.raise(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #joined(assignment: Buffer): Promise<void> {
    const { member, rebalance } = this.#options
    if (member.hasGenerationReset || member.state !== 'stable') {
      member.resetAndRejoin('rebalance failed since the generation or state was modified by heartbeat thread', true)
      this.#joinFuture = undefined
      return
    }
    if (!this.#isLeader) this.#assignmentSnapshot = undefined
    // The join stays pending when this throws, so that the next poll tries again.
    await rebalance.complete(member.generation, assignment)
    this.#joinFuture = undefined
    member.needsJoinPrepare = true
  }

  /** False when time ran out. */
  async #joinFailed(future: RequestFuture<Buffer>, timer: Timer): Promise<boolean> {
    const { exception } = future
    this.#joinFuture = undefined
    this.#elected = undefined
    if (!hasCode(exception, ErrorCode.MEMBER_ID_REQUIRED)) {
      this.#options.member.requestRejoin(`rebalance failed due to ${exception.name}`)
    }
    if (REJOIN_AT_ONCE.some(code => hasCode(exception, code))) return true
    if (!future.isRetriable) throw exception
    if (timer.isExpired) return false
    await timer.sleep(this.#options.config.retryBackoffMs)
    return true
  }
}
