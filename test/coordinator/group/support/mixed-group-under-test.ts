import type { JoinGroupRequest, JoinGroupResponseInput } from '../../../../src/protocol/apis/join-group.ts'
import type { SyncGroupResponseInput } from '../../../../src/protocol/apis/sync-group.ts'
import { decodeAssignment, encodeAssignment, encodeSubscription } from '../../../../src/protocol/consumer-protocol.ts'
import { ApiError, errorName } from '../../../../src/protocol/errors.ts'
import { ProtocolError } from '../../../../src/protocol/protocol-error.ts'
import { ConsumerGroupUnderTest, type OwnedPartitions } from './consumer-group-under-test.ts'
import { GROUP } from './shard-under-test.ts'

export interface ClassicJoinOptions extends Partial<JoinGroupRequest> {
  readonly topics?: readonly string[]
  readonly owned?: OwnedPartitions
  readonly apiVersion?: number
}

/** What a JoinGroup was answered with; `held` while it is not. */
export interface ClassicJoinAnswer {
  error: string
  memberId: string
  /** The generation. */
  epoch: number
  leader: string
  protocolName: string | null
  /** Ids of the members that the leader is told of. */
  members: readonly string[]
}

const CONTEXT = { clientId: 'client', clientHost: '/127.0.0.1' }

/** A shard whose groups have members of both protocols. */
export class MixedGroupUnderTest extends ConsumerGroupUnderTest {
  override failover(): MixedGroupUnderTest {
    return this.succeededBy(new MixedGroupUnderTest({}, this.config))
  }

  /** The answer may come later. */
  classicJoin(options: ClassicJoinOptions = {}): ClassicJoinAnswer {
    const { topics = ['orders'], owned = {}, apiVersion = 9, ...request } = options
    const answer: ClassicJoinAnswer = {
      error: 'held',
      memberId: '',
      epoch: -1,
      leader: '',
      protocolName: null,
      members: [],
    }
    const respond = ({
      errorCode,
      memberId,
      generationId,
      leader,
      protocolName,
      members = [],
    }: JoinGroupResponseInput) =>
      Object.assign(answer, {
        error: errorName(errorCode),
        memberId,
        epoch: generationId ?? -1,
        leader,
        protocolName,
        members: members.map(member => member.memberId),
      })
    const ownedPartitions = Object.entries(owned).map(([topic, partitions]) => ({ topic, partitions: [...partitions] }))
    const metadata = encodeSubscription({ topics: [...topics], ownedPartitions })
    try {
      this.write(
        this.shard.groups.classicGroupJoin(
          { ...CONTEXT, apiVersion },
          {
            groupId: GROUP,
            sessionTimeoutMs: 10_000,
            rebalanceTimeoutMs: 60_000,
            memberId: '',
            groupInstanceId: null,
            protocolType: 'consumer',
            protocols: [{ name: 'range', metadata }],
            reason: null,
            ...request,
          },
          respond,
        ),
      )
    } catch (error) {
      answer.error = nameOf(error)
    }
    return answer
  }

  /** The partitions that a SyncGroup gives, `unreadable`, or the error that it is answered with; undefined while it is held. */
  classicSync(
    memberId: string,
    generationId: number,
    assignments: Readonly<Record<string, OwnedPartitions | Buffer>> = {},
    groupInstanceId: string | null = null,
  ): { answer: readonly string[] | string | undefined } {
    const held: { answer: readonly string[] | string | undefined } = { answer: undefined }
    const respond = ({ errorCode, assignment }: SyncGroupResponseInput) => {
      held.answer = errorCode === 0 ? partitionsIn(Buffer.from(assignment)) : errorName(errorCode)
    }
    const request = { groupId: GROUP, generationId, memberId, groupInstanceId, protocolType: 'consumer' }
    const encoded = Object.entries(assignments).map(([id, assigned]) => ({
      memberId: id,
      assignment: encode(assigned),
    }))
    try {
      this.write(
        this.shard.groups.classicGroupSync(
          { ...CONTEXT, apiVersion: 5 },
          { ...request, protocolName: 'range', assignments: encoded },
          respond,
        ),
      )
    } catch (error) {
      held.answer = nameOf(error)
    }
    return held
  }

  classicHeartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null): string {
    const request = { groupId: GROUP, generationId, memberId, groupInstanceId }
    try {
      const result = this.shard.groups.classicGroupHeartbeat({ ...CONTEXT, apiVersion: 4 }, request)
      return errorName(this.write(result).errorCode)
    } catch (error) {
      return nameOf(error)
    }
  }

  /** The errors of the members, in their order. */
  classicLeave(...members: readonly { memberId: string; groupInstanceId?: string }[]): string[] {
    const leaving = members.map(({ memberId, groupInstanceId = null }) => ({ memberId, groupInstanceId, reason: null }))
    const request = { groupId: GROUP, memberId: '', members: leaving }
    const result = this.shard.groups.classicGroupLeave({ ...CONTEXT, apiVersion: 5 }, request)
    return (this.write(result).members ?? []).map(({ errorCode }) => errorName(errorCode))
  }

  /**
   * Dynamic members of the classic protocol who read `orders`, in a stable group of their own: the first has the partitions 0
   * to 2, the second 3 to 5.
   */
  classicGroupOf(numMembers: 1 | 2): readonly string[] {
    const ids = Array.from({ length: numMembers }, () => this.classicJoin().memberId)
    const joins = ids.map(memberId => this.classicJoin({ memberId }))
    this.timer.advance(6000)
    const [leader = ''] = joins.map(join => join.leader)
    const halves = [
      [0, 1, 2],
      [3, 4, 5],
    ] as const
    const assignments = Object.fromEntries(ids.map((id, index) => [id, { orders: halves[index] ?? [] }]))
    for (const id of ids) if (id !== leader) this.classicSync(id, 1)
    this.classicSync(leader, 1, assignments)
    return ids
  }
}

function encode(assigned: OwnedPartitions | Buffer): Buffer {
  if (Buffer.isBuffer(assigned)) return assigned
  const assignedPartitions = Object.entries(assigned).map(([topic, partitions]) => ({
    topic,
    partitions: [...partitions],
  }))
  return encodeAssignment({ assignedPartitions })
}

function partitionsIn(assignment: Buffer): readonly string[] | string {
  if (assignment.length === 0) return []
  try {
    return decodeAssignment(assignment)
      .assignedPartitions.flatMap(({ topic, partitions }) => partitions.map(partition => `${topic}-${partition}`))
      .sort()
  } catch (error) {
    if (error instanceof ProtocolError) return 'unreadable'
    throw error
  }
}

function nameOf(error: unknown): string {
  if (error instanceof ApiError) return error.errorName
  throw error
}
