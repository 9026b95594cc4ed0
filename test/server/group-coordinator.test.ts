import { expect, test } from 'vitest'
import type { NetworkClient } from '../../src/network/network-client.ts'
import { DeleteGroups } from '../../src/protocol/apis/delete-groups.ts'
import { DeleteTopics } from '../../src/protocol/apis/delete-topics.ts'
import { FindCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { Heartbeat } from '../../src/protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../src/protocol/apis/join-group.ts'
import { OffsetCommit } from '../../src/protocol/apis/offset-commit.ts'
import { OffsetDelete } from '../../src/protocol/apis/offset-delete.ts'
import { OffsetFetch } from '../../src/protocol/apis/offset-fetch.ts'
import { SyncGroup } from '../../src/protocol/apis/sync-group.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { ClusterUnderTest } from '../support/cluster-under-test.ts'

const TOPIC = 'orders'
const GROUP = 'readers'
const CONFIG = {
  'offsets.topic.num.partitions': '2',
  'offsets.topic.replication.factor': '3',
  'min.insync.replicas': '2',
  'group.initial.rebalance.delay.ms': '0',
}
const ALONE = { ...CONFIG, 'offsets.topic.replication.factor': '1', 'min.insync.replicas': '1' }

test('commits outlive their coordinator: the next one has them', () =>
  ClusterUnderTest.run({ config: CONFIG }, async cluster => {
    const groups = await Groups.in(cluster)
    const first = await groups.coordinator()
    expect(await groups.commit(first, 5)).toBe('NONE')

    cluster.kill(first)
    const second = await groups.coordinatorOtherThan(first)
    await groups.untilServed(second)

    expect(await groups.fetchStable(second)).toBe(5)
    expect(await groups.commit(second, 6)).toBe('NONE')
  }))

test('a coordinator that was replaced and does not know it can commit nothing, and shows nothing that is not committed', () =>
  ClusterUnderTest.run({ controllers: 1, config: { ...CONFIG, 'min.insync.replicas': '1' } }, async cluster => {
    const groups = await Groups.in(cluster)
    const zombie = await groups.coordinator()
    await groups.commit(zombie, 5)
    const others = cluster.ids.filter(id => id !== zombie)
    for (const id of others) cluster.cut(zombie, id)

    const onZombie = groups.commit(zombie, 6)
    expect(await groups.fetch(zombie)).toBe(5)
    const next = await groups.coordinatorOtherThan(zombie)
    await groups.untilServed(next)
    expect(await groups.commit(next, 7)).toBe('NONE')
    expect(await onZombie).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(await groups.fetch(zombie)).toBe(5)

    for (const id of others) cluster.heal(zombie, id)
    await groups.untilIsr(3)
    expect(await groups.fetch(zombie)).toBe('NOT_COORDINATOR')
    for (const id of brokersOf(cluster).filter(broker => broker !== zombie)) cluster.kill(id)
    await groups.until('it coordinates again', async () => (await groups.find(zombie)) === zombie)
    await groups.untilServed(zombie)
    // Its own commit went when it followed the next one.
    expect(await groups.fetchStable(zombie)).toBe(7)
  }))

test('commits are there again after all brokers were killed', () =>
  ClusterUnderTest.run({ config: CONFIG }, async cluster => {
    const groups = await Groups.in(cluster)
    const before = await groups.coordinator()
    await groups.commit(before, 5)
    await groups.commit(before, 9)

    for (const id of cluster.ids) cluster.kill(id)
    await Promise.all(cluster.ids.map(id => cluster.start(id)))
    const after = await groups.coordinator()
    await groups.untilServed(after)

    expect(await groups.fetchStable(after)).toBe(9)
  }))

test('a member goes on under the next coordinator as if nothing had happened', () =>
  ClusterUnderTest.run({ config: CONFIG }, async cluster => {
    const groups = await Groups.in(cluster)
    const first = await groups.coordinator()
    const { memberId, generationId } = await groups.join(first)
    const assignment = Buffer.from('all of it')
    await groups.sync(first, memberId, generationId, assignment)

    cluster.kill(first)
    const second = await groups.coordinatorOtherThan(first)
    await groups.untilServed(second)

    expect(await groups.heartbeat(second, memberId, generationId)).toBe('NONE')
    const synced = await groups.sync(second, memberId, generationId, Buffer.alloc(0))
    expect(String(synced)).toBe('all of it')
  }))

test('offsets are forgotten with their topic', () =>
  ClusterUnderTest.run({ brokers: 1, config: ALONE }, async cluster => {
    const groups = await Groups.in(cluster)
    const coordinator = await groups.coordinator()
    await groups.commit(coordinator, 5)
    const client = await cluster.connect(1)

    await cluster.client.run(() => client.send(DeleteTopics, 6, { topics: [{ name: TOPIC }], timeoutMs: 1000 }))
    await groups.until('the offset is forgotten', async () => (await groups.fetch(coordinator)) === -1)
  }))

test('offsets expire when nobody has committed them for long, and the group goes with them', () =>
  ClusterUnderTest.run({ brokers: 1, config: { ...ALONE, 'offsets.retention.minutes': '1' } }, async cluster => {
    const groups = await Groups.in(cluster)
    const coordinator = await groups.coordinator()
    await groups.commit(coordinator, 5)

    await cluster.world.sleep(599_000)
    expect(await groups.fetch(coordinator)).toBe(5)
    await cluster.world.sleep(10_000)
    expect(await groups.fetch(coordinator)).toBe(-1)
    expect(await groups.deleteGroup(coordinator)).toBe('GROUP_ID_NOT_FOUND')
  }))

test('an offset, and a group, can be deleted', () =>
  ClusterUnderTest.run({ brokers: 1, config: ALONE }, async cluster => {
    const groups = await Groups.in(cluster)
    const coordinator = await groups.coordinator()
    await groups.commit(coordinator, 5)
    const client = await cluster.connect(coordinator)
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0 }, { partitionIndex: 7 }] }]

    const deleted = await cluster.client.run(() => client.send(OffsetDelete, 0, { groupId: GROUP, topics }))
    expect(deleted.topics[0]?.partitions.map(({ errorCode }) => errorName(errorCode)).sort()).toEqual([
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect(await groups.fetch(coordinator)).toBe(-1)
    await groups.commit(coordinator, 6)
    expect(await groups.deleteGroup(coordinator)).toBe('NONE')
    expect(await groups.fetch(coordinator)).toBe(-1)
  }))

test('metadata that is too long, and partitions that do not exist, are refused by themselves', () =>
  ClusterUnderTest.run({ brokers: 1, config: { ...ALONE, 'offset.metadata.max.bytes': '4' } }, async cluster => {
    const groups = await Groups.in(cluster)
    const client = await cluster.connect(await groups.coordinator())
    const partition = (partitionIndex: number, committedMetadata: string | null) => ({
      partitionIndex,
      committedOffset: 1,
      committedMetadata,
    })
    const partitions = [partition(0, '12345'), partition(1, '1234'), partition(7, null)]

    const { topics } = await cluster.client.run(() =>
      client.send(OffsetCommit, 9, { groupId: GROUP, memberId: '', topics: [{ name: TOPIC, partitions }] }),
    )

    const codes = topics.flatMap(topic =>
      topic.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorName(errorCode)]),
    )
    expect(codes.sort()).toEqual([
      [0, 'OFFSET_METADATA_TOO_LARGE'],
      [1, 'NONE'],
      [7, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ])
  }))

/** Nodes of their own for controllers have higher ids. */
function brokersOf(cluster: ClusterUnderTest): readonly number[] {
  return cluster.ids.filter(id => id <= 100)
}

/** A group's requests, sent to a broker of choice. */
class Groups {
  readonly #cluster: ClusterUnderTest
  readonly #clients = new Map<number, NetworkClient>()

  private constructor(cluster: ClusterUnderTest) {
    this.#cluster = cluster
  }

  static async in(cluster: ClusterUnderTest): Promise<Groups> {
    const client = await cluster.connect(1)
    await cluster.createTopic(client, TOPIC, 2, brokersOf(cluster).length)
    return new Groups(cluster)
  }

  /** The broker that coordinates the group, once there is one that serves. */
  async coordinator(): Promise<number> {
    const id = await this.coordinatorOtherThan(-1)
    await this.untilServed(id)
    return id
  }

  async coordinatorOtherThan(old: number): Promise<number> {
    const [asked = 0] = brokersOf(this.#cluster).filter(id => id !== old && this.#isUp(id))
    let found = -1
    await this.until('there is a coordinator', async () => {
      found = await this.find(asked)
      return found >= 0 && found !== old
    })
    return found
  }

  /** The broker that coordinates the group as far as `asked` knows; −1: none. */
  async find(asked: number): Promise<number> {
    const body = { keyType: 0, coordinatorKeys: [GROUP] }
    const { coordinators } = await this.#send(asked, client => client.send(FindCoordinator, 4, body))
    return coordinators[0]?.nodeId ?? -1
  }

  async untilServed(id: number): Promise<void> {
    const refusals = ['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS']
    await this.until('the coordinator serves', async () => !refusals.includes(String(await this.fetch(id))))
  }

  async untilIsr(size: number): Promise<void> {
    const isInSync = () =>
      brokersOf(this.#cluster).every(id =>
        [
          ...(this.#cluster.server(id).inspect().metadata.topics.getTopic('__consumer_offsets')?.partitions.values() ??
            []),
        ].every(({ isr }) => isr.length === size),
      )
    await this.#cluster.until('all replicas are in sync', isInSync)
  }

  async commit(id: number, committedOffset: number): Promise<string> {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
    const body = { groupId: GROUP, memberId: '', topics: [{ name: TOPIC, partitions }] }
    const { topics } = await this.#send(id, client => client.send(OffsetCommit, 9, body))
    return errorName(topics[0]?.partitions[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)
  }

  /**
   * The committed offset, or why it cannot be told. A new coordinator may not know yet that what it has read is committed:
   * until then it tells of what was before.
   */
  fetch(id: number): Promise<number | string> {
    return this.#fetch(id, false)
  }

  /** The same, waiting for what may not be committed yet (KIP-447). */
  fetchStable(id: number): Promise<number | string> {
    return this.#fetch(id, true)
  }

  async #fetch(id: number, requireStable: boolean): Promise<number | string> {
    const asked = [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] }]
    const body = { groups: asked, requireStable }
    const { groups } = await this.#send(id, client => client.send(OffsetFetch, 9, body))
    const [group] = groups
    if (group === undefined || group.errorCode !== ErrorCode.NONE) return errorName(group?.errorCode ?? -1)
    return group.topics[0]?.partitions[0]?.committedOffset ?? 'nothing'
  }

  async join(id: number): Promise<{ memberId: string; generationId: number }> {
    const body = {
      groupId: GROUP,
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    }
    const { memberId } = await this.#send(id, client => client.send(JoinGroup, 5, { ...body, memberId: '' }))
    return this.#send(id, client => client.send(JoinGroup, 5, { ...body, memberId }))
  }

  async sync(id: number, memberId: string, generationId: number, assignment: Buffer): Promise<Buffer> {
    const assignments = assignment.length === 0 ? [] : [{ memberId, assignment }]
    const body = { groupId: GROUP, memberId, generationId, assignments }
    const answer = await this.#send(id, client => client.send(SyncGroup, 3, body))
    expect(errorName(answer.errorCode)).toBe('NONE')
    return answer.assignment
  }

  async heartbeat(id: number, memberId: string, generationId: number): Promise<string> {
    const body = { groupId: GROUP, memberId, generationId }
    return errorName((await this.#send(id, client => client.send(Heartbeat, 3, body))).errorCode)
  }

  async deleteGroup(id: number): Promise<string> {
    const { results } = await this.#send(id, client => client.send(DeleteGroups, 2, { groupsNames: [GROUP] }))
    return errorName(results[0]?.errorCode ?? -1)
  }

  #isUp(id: number): boolean {
    return this.#cluster.servers.some(({ config }) => config.nodeId === id)
  }

  async #send<T>(id: number, request: (client: NetworkClient) => Promise<T>): Promise<T> {
    const known = this.#clients.get(id)
    const client = known?.connected === true ? known : await this.#cluster.connect(id)
    this.#clients.set(id, client)
    return this.#cluster.client.run(() => request(client))
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 3000; tries++) {
      if (await holds()) return
      await this.#cluster.world.sleep(20)
    }
    throw new Error(`not within a minute: ${what}`)
  }
}
