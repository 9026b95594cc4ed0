import { MetadataImage } from '../../../../src/controller/image/metadata-image.ts'
import type { CoordinatorResult } from '../../../../src/coordinator/common/coordinator-result.ts'
import { SnapshotRegistry } from '../../../../src/coordinator/common/snapshot-registry.ts'
import type { GroupRequestContext } from '../../../../src/coordinator/group/classic/classic-group-joiner.ts'
import {
  DEFAULT_GROUP_COORDINATOR_CONFIG,
  type GroupCoordinatorConfig,
} from '../../../../src/coordinator/group/group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../../../../src/coordinator/group/group-coordinator-records.ts'
import { GroupMetadataManager } from '../../../../src/coordinator/group/group-metadata-manager.ts'
import type { JoinGroupRequest, JoinGroupResponseInput } from '../../../../src/protocol/apis/join-group.ts'
import type { LeaveGroupResponseInput } from '../../../../src/protocol/apis/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponseInput } from '../../../../src/protocol/apis/sync-group.ts'
import { encodeSubscription } from '../../../../src/protocol/consumer-protocol.ts'
import { ApiError, ErrorCode, errorName } from '../../../../src/protocol/errors.ts'
import { aleaStream } from '../../../../src/runtime/random-alea.ts'
import { ManualCoordinatorExecutor } from './manual-coordinator-executor.ts'
import { ManualCoordinatorTimer } from './manual-coordinator-timer.ts'

const WALL_START_MS = 1_700_000_000_000

/** An answer that may be held. */
export interface Held<T> {
  /** Undefined as long as it is held. */
  response: T | undefined
  /** How often it was given. */
  times: number
  /** Whether it was given because the request itself failed; what comes later counts for nothing. */
  failed: boolean
}

export type HeldJoin = Held<JoinGroupResponseInput>
export type HeldSync = Held<SyncGroupResponseInput>
export type JoinOptions = Partial<JoinGroupRequest & GroupRequestContext>
export type SyncOptions = Partial<Omit<SyncGroupRequest, 'assignments'>> & {
  /** By member id. */
  readonly assignments?: Readonly<Record<string, string>>
}

interface Append {
  readonly epoch: number
  readonly records: readonly GroupCoordinatorRecord[]
  readonly onAppended: ((error: Error | undefined) => void) | undefined
  readonly onFailed: (() => void) | undefined
}

/** The group of all requests that name none. */
export const GROUP = 'group'

/** Protocols of a consumer: each name with a subscription to these topics. */
export function protocols(names: readonly string[] = ['range'], topics: readonly string[] = ['topic']) {
  return names.map(name => ({ name, metadata: encodeSubscription({ topics }) }))
}

/**
 * A GroupMetadataManager on its own: time stands until the test moves it, and a log takes its records as the coordinator's
 * runtime would: applied when written, committed at once unless appends are held, gone again when they fail.
 */
export class GroupManagerUnderTest {
  readonly timer = new ManualCoordinatorTimer<GroupCoordinatorRecord>(operation => this.#perform(operation()))
  readonly manager: GroupMetadataManager
  readonly config: GroupCoordinatorConfig
  /** What is committed. */
  readonly log: GroupCoordinatorRecord[] = []
  /** Whether what is written waits for `commit` or `failAppends`. */
  holdAppends = false
  /** With this error the next appends fail at once. */
  appendError: Error | undefined
  readonly #snapshotRegistry = new SnapshotRegistry()
  readonly #uncommitted: Append[] = []
  #writtenEpoch = 0
  #committedEpoch = 0

  constructor(config: Partial<GroupCoordinatorConfig> = {}, seed = 'members') {
    this.config = { ...DEFAULT_GROUP_COORDINATOR_CONFIG, ...config }
    this.#snapshotRegistry.idempotentCreateSnapshot(0)
    this.manager = new GroupMetadataManager({
      time: { wallMs: () => WALL_START_MS + this.timer.nowMs, monotonicMs: () => this.timer.nowMs },
      snapshotRegistry: this.#snapshotRegistry,
      timer: this.timer,
      executor: new ManualCoordinatorExecutor(operation => this.#perform(operation())),
      config: this.config,
      random: aleaStream(seed),
    })
  }

  /** Another coordinator, which has read this one's log. */
  failover(config: Partial<GroupCoordinatorConfig> = {}): GroupManagerUnderTest {
    const next = new GroupManagerUnderTest({ ...this.config, ...config }, 'members after a failover')
    for (const record of this.log) next.#replay(record)
    next.#written()
    next.#committed()
    next.manager.onLoaded(MetadataImage.EMPTY)
    return next
  }

  get committedOffset(): number {
    return this.#committedEpoch
  }

  advance(ms: number): void {
    this.timer.advance(ms)
  }

  join(options: JoinOptions = {}): HeldJoin {
    const held: HeldJoin = { response: undefined, times: 0, failed: false }
    const { clientId = 'client', clientHost = '/127.0.0.1', apiVersion = 9, ...request } = options
    const result = this.manager.classicGroupJoin(
      { clientId, clientHost, apiVersion },
      {
        groupId: GROUP,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        memberId: '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: protocols(),
        reason: null,
        ...request,
      },
      response => give(held, response),
    )
    this.#perform(result, () =>
      fail(held, {
        errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
        memberId: '',
        protocolName: null,
        leader: '',
        members: [],
      }),
    )
    return held
  }

  sync(options: SyncOptions): HeldSync {
    const held: HeldSync = { response: undefined, times: 0, failed: false }
    const assignments = Object.entries(options.assignments ?? {}).map(([memberId, assignment]) => ({
      memberId,
      assignment: Buffer.from(assignment),
    }))
    const result = this.manager.classicGroupSync(
      { clientId: 'client', clientHost: '/127.0.0.1', apiVersion: 5 },
      {
        groupId: GROUP,
        generationId: 1,
        memberId: '',
        groupInstanceId: null,
        protocolType: null,
        protocolName: null,
        ...options,
        assignments,
      },
      response => give(held, response),
    )
    this.#perform(result, () =>
      fail(held, { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, assignment: Buffer.alloc(0) }),
    )
    return held
  }

  /** The name of the error that a heartbeat is answered with. */
  heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null, groupId = GROUP): string {
    const request = { groupId, generationId, memberId, groupInstanceId }
    const context = { clientId: 'client', clientHost: '/127.0.0.1', apiVersion: 4 }
    try {
      const result = this.manager.classicGroupHeartbeat(context, request)
      this.#perform(result)
      return errorName(result.response.errorCode)
    } catch (error) {
      if (error instanceof ApiError) return error.errorName
      throw error
    }
  }

  /** Each as a member id, or as a static member's name and id. */
  leave(members: readonly (string | { groupInstanceId: string; memberId?: string })[]): LeaveGroupResponseInput {
    const result = this.manager.classicGroupLeave(
      { clientId: 'client', clientHost: '/127.0.0.1', apiVersion: 5 },
      {
        groupId: GROUP,
        memberId: '',
        members: members.map(member =>
          typeof member === 'string'
            ? { memberId: member, groupInstanceId: null, reason: null }
            : { memberId: member.memberId ?? '', groupInstanceId: member.groupInstanceId, reason: null },
        ),
      },
    )
    this.#perform(result)
    return result.response
  }

  /** Writes tombstones for the group, as DeleteGroups and the expiry of offsets do. */
  deleteGroup(): void {
    const records: GroupCoordinatorRecord[] = []
    this.manager.maybeDeleteGroup(GROUP, records)
    this.#perform({ records, response: undefined })
  }

  /** What was written is committed. */
  commit(): void {
    for (const append of this.#uncommitted.splice(0)) {
      this.log.push(...append.records)
      this.#committedEpoch = append.epoch
      this.#snapshotRegistry.deleteSnapshotsUpTo(append.epoch)
      append.onAppended?.(undefined)
    }
  }

  /** What was written and not committed is lost. */
  failAppends(error: Error = new ApiError(ErrorCode.NOT_ENOUGH_REPLICAS)): void {
    const failed = this.#uncommitted.splice(0)
    this.#snapshotRegistry.revertToSnapshot(this.#committedEpoch)
    this.#writtenEpoch = this.#committedEpoch
    for (const append of failed) {
      append.onAppended?.(error)
      append.onFailed?.()
    }
  }

  /** What writes nothing waits for what was written before it, and fails with it. */
  #perform(result: CoordinatorResult<unknown, GroupCoordinatorRecord>, onFailed?: () => void): void {
    const { records, onAppended, replayRecords } = result
    if (records.length === 0 && this.#uncommitted.length === 0) {
      onAppended?.(undefined)
      return
    }
    if (replayRecords !== false) for (const record of records) this.#replay(record)
    if (records.length > 0) this.#written()
    this.#uncommitted.push({ epoch: this.#writtenEpoch, records, onAppended, onFailed })
    if (this.appendError !== undefined) this.failAppends(this.appendError)
    else if (!this.holdAppends) this.commit()
  }

  #replay(record: GroupCoordinatorRecord): void {
    if (record.type !== 'GroupMetadata') throw new Error(`the classic protocol writes no ${record.type}`)
    this.manager.replayGroupMetadata(record.key, record.value)
  }

  #written(): void {
    this.#writtenEpoch += 1
    this.#snapshotRegistry.idempotentCreateSnapshot(this.#writtenEpoch)
  }

  #committed(): void {
    this.#committedEpoch = this.#writtenEpoch
    this.#snapshotRegistry.deleteSnapshotsUpTo(this.#writtenEpoch)
  }
}

function give<T>(held: Held<T>, response: T): void {
  if (held.failed) return
  held.response = response
  held.times += 1
}

/** The request failed: its client is told so, unless it was answered. */
function fail<T>(held: Held<T>, response: T): void {
  if (held.response !== undefined) return
  give(held, response)
  held.failed = true
}
