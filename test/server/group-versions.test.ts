import { expect, test } from 'vitest'
import { DescribeGroups } from '../../src/protocol/apis/describe-groups.ts'
import { FindCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { Heartbeat } from '../../src/protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../src/protocol/apis/join-group.ts'
import { LeaveGroup } from '../../src/protocol/apis/leave-group.ts'
import { ListGroups } from '../../src/protocol/apis/list-groups.ts'
import { SyncGroup } from '../../src/protocol/apis/sync-group.ts'
import { encodeSubscription } from '../../src/protocol/consumer-protocol.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { ClusterUnderTest } from '../support/cluster-under-test.ts'

const GROUP = 'group'
const CONFIG = {
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'group.initial.rebalance.delay.ms': '0',
}
const JOIN = {
  groupId: GROUP,
  sessionTimeoutMs: 10_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: encodeSubscription({ topics: ['orders'] }) }],
}

/** Runs `body` with a client of the group's coordinator, which has loaded. */
async function withClient(
  body: (send: Send, another: () => Promise<Send>, sleep: (ms: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  await ClusterUnderTest.run({ brokers: 1, config: CONFIG }, async cluster => {
    const connect = async (): Promise<Send> => {
      const client = await cluster.connect(1)
      return (api, version, request) => cluster.client.run(() => client.send(api, version, request))
    }
    const send = await connect()
    let errorCode: number = ErrorCode.COORDINATOR_NOT_AVAILABLE
    while (errorCode !== ErrorCode.NONE) {
      const found = await send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [GROUP] })
      errorCode = found.coordinators[0]?.errorCode ?? ErrorCode.NONE
      await cluster.world.sleep(100)
    }
    for (errorCode = ErrorCode.NOT_COORDINATOR; errorCode !== ErrorCode.UNKNOWN_MEMBER_ID; ) {
      await cluster.world.sleep(100)
      const { errorCode: next } = await send(Heartbeat, 4, { groupId: GROUP, generationId: 1, memberId: 'nobody' })
      errorCode = next
    }
    await body(send, connect, ms => cluster.world.sleep(ms))
  })
}

type Client = Awaited<ReturnType<ClusterUnderTest['connect']>>
type Send = Client['send']

async function join(send: Send, version: number) {
  const first = await send(JoinGroup, version, JOIN)
  if (first.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) return first
  return send(JoinGroup, version, { ...JOIN, memberId: first.memberId })
}

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])(
  'a member comes and goes in JoinGroup version %i and what belongs to it',
  version =>
    withClient(async send => {
      const later = Math.min(version, 5)
      const joined = await join(send, version)
      expect(joined).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1, protocolName: 'range' })
      const { memberId, generationId, leader } = joined
      expect(leader).toBe(memberId)
      expect(joined.members.map(member => member.memberId)).toEqual([memberId])

      const names = later >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
      const assignments = [{ memberId, assignment: Buffer.from('all') }]
      const synced = await send(SyncGroup, later, { groupId: GROUP, generationId, memberId, assignments, ...names })
      expect(String(synced.assignment)).toBe('all')
      const beat = await send(Heartbeat, Math.min(version, 4), { groupId: GROUP, generationId, memberId })
      expect(beat.errorCode).toBe(ErrorCode.NONE)

      const described = await send(DescribeGroups, Math.min(version, 6), { groups: [GROUP] })
      expect(described.groups).toMatchObject([{ groupState: 'Stable', protocolData: 'range', members: [{ memberId }] }])
      const listed = await send(ListGroups, later, {})
      expect(listed.groups).toMatchObject([{ groupId: GROUP, protocolType: 'consumer' }])

      const left = await send(LeaveGroup, later, {
        groupId: GROUP,
        ...(later < 3 ? { memberId } : { members: [{ memberId }] }),
      })
      expect([left.errorCode, left.members[0]?.errorCode ?? 0]).toEqual([ErrorCode.NONE, ErrorCode.NONE])
    }),
)

test.each([0, 2, 4, 6, 7, 9])('errors can be told in JoinGroup version %i', version =>
  withClient(async send => {
    const unknown = await send(JoinGroup, version, { ...JOIN, memberId: 'nobody' })
    const impatient = await send(JoinGroup, version, { ...JOIN, sessionTimeoutMs: 5 })
    const nameless = await send(JoinGroup, version, { ...JOIN, groupId: '' })
    const dumb = await send(JoinGroup, version, { ...JOIN, protocols: [] })

    expect([unknown, impatient, nameless, dumb].map(({ errorCode }) => errorName(errorCode))).toEqual([
      'UNKNOWN_MEMBER_ID',
      'INVALID_SESSION_TIMEOUT',
      'INVALID_GROUP_ID',
      'INCONSISTENT_GROUP_PROTOCOL',
    ])
    const later = Math.min(version, 5)
    const left = await send(LeaveGroup, later, {
      groupId: GROUP,
      ...(later < 3 ? { memberId: 'nobody' } : { members: [{ memberId: 'nobody' }] }),
    })
    expect(errorName(later < 3 ? left.errorCode : (left.members[0]?.errorCode ?? 0))).toBe('UNKNOWN_MEMBER_ID')
  }),
)

test('a member of JoinGroup version 0 has as long to join a rebalance as it may be silent', () =>
  withClient(async (send, another, sleep) => {
    const { memberId, generationId } = await join(send, 0)
    await send(SyncGroup, 0, { groupId: GROUP, generationId, memberId, assignments: [] })
    const second = join(await another(), 0)

    const beats: string[] = []
    while (beats.at(-1) !== 'UNKNOWN_MEMBER_ID') {
      await sleep(1000)
      const { errorCode } = await send(Heartbeat, 0, { groupId: GROUP, generationId, memberId })
      beats.push(errorName(errorCode))
    }

    expect(beats).toEqual([...Array(beats.length - 1).fill('REBALANCE_IN_PROGRESS'), 'UNKNOWN_MEMBER_ID'])
    expect(beats.length).toBeGreaterThanOrEqual(10)
    expect((await second).members).toHaveLength(1)
  }))
