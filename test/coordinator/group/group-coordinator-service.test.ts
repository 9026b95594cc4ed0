import { describe, expect, it } from 'vitest'
import { MetadataDelta } from '../../../src/controller/image/metadata-delta.ts'
import { MetadataImage } from '../../../src/controller/image/metadata-image.ts'
import { DEFAULT_GROUP_COORDINATOR_CONFIG } from '../../../src/coordinator/group/group-coordinator-config.ts'
import {
  GROUP_METADATA_TOPIC,
  GroupCoordinatorService,
} from '../../../src/coordinator/group/group-coordinator-service.ts'
import { Metrics } from '../../../src/network/metrics.ts'
import type { OffsetCommitRequest } from '../../../src/protocol/apis/offset-commit.ts'
import { ErrorCode, errorName } from '../../../src/protocol/errors.ts'
import { ZERO_UUID } from '../../../src/protocol/uuid.ts'
import { registerGroupCoordinatorMetrics } from '../../../src/server/group-coordinator-metrics.ts'
import { config } from '../../log/log-fixture.ts'
import { BROKER_ID, createReplicaWorld, type ReplicaWorld } from '../../replication/replication-fixture.ts'
import { createManualRuntime } from '../../support/manual-runtime.ts'

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
    delta.replay({ type: 'PartitionRecord', data: partitionRecord(0, replicas) })
  })
}

/** An image with a topic, and what has led to it. */
function imageWith(name: string, numPartitions: number): [MetadataImage, MetadataDelta] {
  const delta = new MetadataDelta(MetadataImage.EMPTY)
  delta.replay({ type: 'TopicRecord', data: { name, topicId: TOPIC_ID } })
  for (let partitionId = 0; partitionId < numPartitions; partitionId++) {
    delta.replay({ type: 'PartitionRecord', data: partitionRecord(partitionId, [BROKER_ID]) })
  }
  return [delta.apply(MetadataImage.EMPTY.provenance), delta]
}

function partitionRecord(partitionId: number, replicas: number[]) {
  return {
    partitionId,
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
  }
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

  it('resolves the patterns of consumer groups on a thread of its own, and tells what is none', async () => {
    const { world, service, run, elect } = await setUp()
    await elect()
    service.onNewMetadataImage(...imageWith('orders', 2))
    const heartbeat = (memberEpoch: number, subscribedTopicRegex: string) =>
      run(() =>
        service.consumerGroupHeartbeat(CONTEXT, {
          groupId: 'readers',
          memberId: 'A',
          memberEpoch,
          instanceId: null,
          rackId: null,
          rebalanceTimeoutMs: 30_000,
          subscribedTopicNames: null,
          subscribedTopicRegex,
          serverAssignor: null,
          topicPartitions: [],
        }),
      )

    expect(await heartbeat(0, '(orders')).toMatchObject({
      errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION,
      errorMessage: expect.stringContaining('missing closing )'),
    })
    expect(await heartbeat(0, 'ord.*')).toMatchObject({
      errorCode: 0,
      memberEpoch: 1,
      assignment: { topicPartitions: [] },
    })
    await world.runtime.advance(10)
    expect((await heartbeat(1, 'ord.*')).assignment?.topicPartitions).toMatchObject([{ partitions: [0, 1] }])
    await run(() => service.shutdown())
  })

  it('counts its groups by type and state, and its offsets', async () => {
    const { service, run, elect } = await setUp()
    const metrics = new Metrics(createManualRuntime())
    registerGroupCoordinatorMetrics(metrics, service)
    await elect()
    await run(() => service.commitOffsets(CONTEXT, commit))
    const value = (name: string) => metrics.value(name)

    expect(value('kafka.coordinator.group:type=GroupMetadataManager,name=NumOffsets')).toBe(1)
    expect(value('kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups')).toBe(1)
    expect(value('kafka.coordinator.group:type=GroupMetadataManager,name=NumGroupsEmpty')).toBe(1)
    expect(value('kafka.coordinator.group:type=GroupMetadataManager,name=NumGroupsStable')).toBe(0)
    expect(value('kafka.server:type=group-coordinator-metrics,name=group-count,protocol=classic')).toBe(1)
    expect(value('kafka.server:type=group-coordinator-metrics,name=group-count,protocol=consumer')).toBe(0)
    await run(() => service.shutdown())
    expect(value('kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups')).toBe(0)
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
