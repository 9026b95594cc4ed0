import { describe, expect, it } from 'vitest'
import { DEFAULT_GROUP_COORDINATOR_CONFIG } from '../../../src/coordinator/group/group-coordinator-config.ts'
import {
  GROUP_METADATA_TOPIC,
  GroupCoordinatorService,
} from '../../../src/coordinator/group/group-coordinator-service.ts'
import type { OffsetCommitRequest } from '../../../src/protocol/apis/offset-commit.ts'
import { ErrorCode, errorName } from '../../../src/protocol/errors.ts'
import { ZERO_UUID } from '../../../src/protocol/uuid.ts'
import { config } from '../../log/log-fixture.ts'
import { BROKER_ID, createReplicaWorld, type ReplicaWorld } from '../../replication/replication-fixture.ts'

const FOLLOWER = 2
const TOPIC_ID = 'b2Zmc2V0cy10b3BpYy1pZA'
const CONTEXT = { clientId: 'client', clientHost: '/127.0.0.1', apiVersion: 9 }
const MEMBER = { groupId: 'group', generationId: 1, memberId: 'm', groupInstanceId: null }
const join = (changes: object = {}) => ({
  groupId: 'group',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId: '',
  groupInstanceId: null,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  reason: null,
  ...changes,
})

/** Commits offset 5 of `orders` without being a member. */
const commitOf = (committedMetadata: string | null): OffsetCommitRequest => ({
  groupId: 'group',
  generationIdOrMemberEpoch: -1,
  memberId: '',
  groupInstanceId: null,
  retentionTimeMs: -1,
  topics: [
    {
      name: 'orders',
      topicId: ZERO_UUID,
      partitions: [{ partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: -1, committedMetadata }],
    },
  ],
})
const commit = commitOf(null)

const fetchOf = (topics: readonly { name: string; topicId: string; partitionIndexes: number[] }[] | null) => ({
  groupId: 'group',
  memberId: null,
  memberEpoch: -1,
  topics,
})
const FETCH = fetchOf([{ name: 'orders', topicId: ZERO_UUID, partitionIndexes: [0] }])

/** A service whose topic has one partition, led by this broker; it has not heard of that yet. */
async function setUp({ replicas = [BROKER_ID], started = true, settings = config() } = {}) {
  const world = await createReplicaWorld(settings)
  const unexpected: unknown[] = []
  const service = new GroupCoordinatorService(world.runtime, {
    config: DEFAULT_GROUP_COORDINATOR_CONFIG,
    compression: 'none',
    replicaManager: world.replicaManager,
    onUnexpectedError: error => unexpected.push(error),
  })
  await createOffsetsTopic(world, replicas)
  if (started) service.startup(1)
  const run = <T>(body: () => Promise<T>): Promise<T> => world.runtime.run(body)
  /** Elects this broker and waits for the log to be read. */
  const elect = async () => {
    service.onElection(0, 0)
    await world.runtime.advance(1)
  }
  return { world, service, unexpected, run, elect }
}

async function createOffsetsTopic(world: ReplicaWorld, replicas: number[]): Promise<void> {
  await world.change(delta => {
    delta.replay({ type: 'TopicRecord', data: { name: GROUP_METADATA_TOPIC, topicId: TOPIC_ID } })
    delta.replay({
      type: 'PartitionRecord',
      data: {
        partitionId: 0,
        topicId: TOPIC_ID,
        replicas,
        isr: replicas,
        leader: BROKER_ID,
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
  })
}

/** The error names of all kinds of requests. */
async function errorsOf(service: GroupCoordinatorService): Promise<Record<string, string>> {
  const codes = {
    join: (await service.joinGroup(CONTEXT, join())).errorCode,
    sync: (await service.syncGroup(CONTEXT, { ...MEMBER, protocolType: null, protocolName: null, assignments: [] }))
      .errorCode,
    heartbeat: (await service.heartbeat(CONTEXT, MEMBER)).errorCode,
    leave: (await service.leaveGroup(CONTEXT, { groupId: 'group', memberId: '', members: [] })).errorCode,
    list: (await service.listGroups({ statesFilter: [], typesFilter: [] })).errorCode,
    describe: (await service.describeGroups(CONTEXT, ['group']))[0]?.errorCode,
    delete: (await service.deleteGroups(['group']))[0]?.errorCode,
    commit: (await service.commitOffsets(CONTEXT, commit)).topics[0]?.partitions[0]?.errorCode,
    fetch: (await service.fetchOffsets(CONTEXT, FETCH, false)).errorCode,
    fetchStable: (await service.fetchOffsets(CONTEXT, FETCH, true)).errorCode,
    deleteOffsets: (await service.deleteOffsets({ groupId: 'group', topics: [] })).errorCode,
  }
  return Object.fromEntries(Object.entries(codes).map(([name, code = 0]) => [name, errorName(code)]))
}

describe('a group coordinator', () => {
  it('is not available before it is started', async () => {
    const { service, run } = await setUp({ started: false })

    const errors = await run(() => errorsOf(service))

    expect(new Set(Object.values(errors))).toEqual(new Set(['COORDINATOR_NOT_AVAILABLE']))
    expect(() => service.partitionFor('group')).toThrow('COORDINATOR_NOT_AVAILABLE')
  })

  it('is not the coordinator of groups whose partition it does not lead, and lists none', async () => {
    const { service, run } = await setUp()

    const { list, ...others } = await run(() => errorsOf(service))

    expect(list).toBe('NONE')
    expect(new Set(Object.values(others))).toEqual(new Set(['NOT_COORDINATOR']))
  })

  it('asks for patience while it reads its log, but lets members go on', async () => {
    const { service, world } = await setUp()
    service.onElection(0, 0)
    // The loader has not begun yet: it runs in a thread of its own, after the requests that come now.
    const heartbeat = service.heartbeat(CONTEXT, MEMBER)
    const committed = service.commitOffsets(CONTEXT, commit)
    const listed = service.listGroups({ statesFilter: [], typesFilter: [] })
    await world.runtime.advance(1)

    expect(errorName((await heartbeat).errorCode)).toBe('NONE')
    expect(errorName((await committed).topics[0]?.partitions[0]?.errorCode ?? -1)).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    expect(errorName((await listed).errorCode)).toBe('COORDINATOR_LOAD_IN_PROGRESS')
  })

  it('refuses groups without a name, and sessions that are too short or too long', async () => {
    const { service, run, elect } = await setUp()
    await elect()
    const joined = async (changes: object) =>
      errorName((await run(() => service.joinGroup(CONTEXT, join(changes)))).errorCode)

    expect(await joined({ groupId: '' })).toBe('INVALID_GROUP_ID')
    expect(await joined({ sessionTimeoutMs: 5999 })).toBe('INVALID_SESSION_TIMEOUT')
    expect(await joined({ sessionTimeoutMs: 1_800_001 })).toBe('INVALID_SESSION_TIMEOUT')
    expect(await joined({})).toBe('MEMBER_ID_REQUIRED')
    const heartbeat = await run(() => service.heartbeat(CONTEXT, { ...MEMBER, groupId: '' }))
    expect(errorName(heartbeat.errorCode)).toBe('INVALID_GROUP_ID')
  })

  it('takes commits for the group without a name, as Kafka still does', async () => {
    const { service, run, elect } = await setUp()
    await elect()

    const { topics } = await run(() => service.commitOffsets(CONTEXT, { ...commit, groupId: '' }))

    expect(topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE)
  })

  it('tells each leaving member that there is no such group', async () => {
    const { service, run, elect } = await setUp()
    await elect()
    const members = ['a', 'b'].map(memberId => ({ memberId, groupInstanceId: null, reason: null }))

    const left = await run(() => service.leaveGroup(CONTEXT, { groupId: 'nobody', memberId: '', members }))

    expect(left.errorCode).toBe(ErrorCode.NONE)
    expect(left.members?.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'UNKNOWN_MEMBER_ID',
      'UNKNOWN_MEMBER_ID',
    ])
  })

  it('lists, describes and deletes what it has', async () => {
    const { service, run, elect } = await setUp()
    await elect()
    await run(() => service.commitOffsets(CONTEXT, commit))

    expect((await run(() => service.listGroups({ statesFilter: [], typesFilter: [] }))).groups).toEqual([
      { groupId: 'group', protocolType: '', groupState: 'Empty', groupType: 'classic' },
    ])
    expect((await run(() => service.listGroups({ statesFilter: ['Stable'], typesFilter: [] }))).groups).toEqual([])
    const described = await run(() => service.describeGroups(CONTEXT, ['group', 'nobody']))
    expect(described.map(({ groupState }) => groupState)).toEqual(['Empty', 'Dead'])
    const all = await run(() => service.fetchOffsets(CONTEXT, fetchOf(null), true))
    expect(all.topics[0]?.partitions[0]).toMatchObject({ partitionIndex: 0, committedOffset: 5 })
    const deleted = await run(() => service.deleteGroups(['group', 'nobody']))
    expect(deleted.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'GROUP_ID_NOT_FOUND'])
  })

  it('whose commits are not copied in time says so in words that make clients look again', async () => {
    const { service, run, elect } = await setUp({ replicas: [BROKER_ID, FOLLOWER] })
    await elect()

    const { topics } = await run(() => service.commitOffsets(CONTEXT, commit))
    const stable = await run(() => service.fetchOffsets(CONTEXT, FETCH, true))
    const read = await run(() => service.fetchOffsets(CONTEXT, FETCH, false))

    expect(errorName(topics[0]?.partitions[0]?.errorCode ?? -1)).toBe('COORDINATOR_NOT_AVAILABLE')
    // Clients before 3.9 know no other answer to a fetch.
    expect(errorName(stable.errorCode ?? 0)).toBe('NOT_COORDINATOR')
    expect(read.topics[0]?.partitions[0]?.committedOffset).toBe(-1)
  })

  it('that cannot append tells what clients understand, and goes on', async () => {
    const { service, run, elect } = await setUp({ settings: config({ 'max.message.bytes': 200 }) })
    await elect()
    const committed = async (metadata: string) => {
      const { topics } = await run(() => service.commitOffsets(CONTEXT, commitOf(metadata)))
      return errorName(topics[0]?.partitions[0]?.errorCode ?? -1)
    }

    expect(await committed('x'.repeat(300))).toBe('UNKNOWN_SERVER_ERROR')
    expect(await committed('short')).toBe('NONE')
  })

  it('answers who waits when it is shut down, and ends all its threads', async () => {
    const { service, world } = await setUp({ replicas: [BROKER_ID, FOLLOWER] })
    service.onElection(0, 0)
    await world.runtime.advance(1)
    const waiting = service.commitOffsets(CONTEXT, commit)
    await world.runtime.settle()

    await service.shutdown()

    expect(errorName((await waiting).topics[0]?.partitions[0]?.errorCode ?? -1)).toBe('NOT_COORDINATOR')
    expect(world.runtime.waiting).toEqual([])
  })

  it('has given up a partition when another broker leads it', async () => {
    const { service, run, elect } = await setUp()
    await elect()
    await run(() => service.commitOffsets(CONTEXT, commit))
    service.onResignation(0, 1)

    const { topics } = await run(() => service.commitOffsets(CONTEXT, commit))

    expect(errorName(topics[0]?.partitions[0]?.errorCode ?? -1)).toBe('NOT_COORDINATOR')
  })
})
