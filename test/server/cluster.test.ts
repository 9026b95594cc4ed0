import { expect, test } from 'vitest'
import { NO_LEADER } from '../../src/controller/partition-registration.ts'
import { HIGH_WATERMARK_CHECKPOINT_FILE, OffsetCheckpointFile } from '../../src/log/offset-checkpoint-file.ts'
import { AlterPartitionReassignments } from '../../src/protocol/apis/alter-partition-reassignments.ts'
import { DescribeCluster, EndpointType } from '../../src/protocol/apis/describe-cluster.ts'
import { DescribeQuorum } from '../../src/protocol/apis/describe-quorum.ts'
import { ElectLeaders } from '../../src/protocol/apis/elect-leaders.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { ClusterUnderTest } from '../support/cluster-under-test.ts'

test('three combined nodes elect a controller, register, and place a replicated topic', () =>
  ClusterUnderTest.run({}, async cluster => {
    await cluster.until('one controller is active', () => cluster.activeControllers.length === 1)
    const client = await cluster.connect(2)

    await cluster.createTopic(client, 'orders', 3, 3)
    await cluster.until('all know the topic', () =>
      cluster.servers.every(server => server.inspect().metadata.topics.getTopic('orders') !== undefined),
    )
    const metadata = await cluster.metadata(client, 'orders')

    expect(metadata.brokers.map(({ nodeId, host, port }) => [nodeId, host, port])).toEqual([
      [1, 'broker-1', 9092],
      [2, 'broker-2', 9092],
      [3, 'broker-3', 9092],
    ])
    const partitions = metadata.topics[0]?.partitions ?? []
    expect(partitions.map(({ replicaNodes }) => [...replicaNodes].sort())).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ])
    expect(partitions.map(({ leaderId }) => leaderId).sort()).toEqual([1, 2, 3])
  }))

/** The partition as a broker's metadata has it. */
function partitionOf(cluster: ClusterUnderTest, brokerId: number, topic: string, index = 0) {
  return cluster.server(brokerId).inspect().metadata.topics.getTopic(topic)?.partitions.get(index)
}

test('another controller takes over when the active one dies, and the cluster goes on', () =>
  ClusterUnderTest.run({}, async cluster => {
    await cluster.until('one controller is active', () => cluster.activeControllers.length === 1)
    const [first = 0] = cluster.activeControllers
    const survivor = [1, 2, 3].find(id => id !== first) ?? 0
    const client = await cluster.connect(survivor)
    await cluster.createTopic(client, 'before', 1, 3)

    cluster.kill(first)
    await cluster.until('another controller is active', () => cluster.activeControllers.length === 1)
    await cluster.createTopic(client, 'after', 1, 2)
    await cluster.until('the dead broker is fenced', () => {
      const { cluster: brokers } = cluster.server(survivor).inspect().metadata
      return brokers.broker(first)?.fenced === true
    })

    expect(cluster.activeControllers).not.toContain(first)
    expect(partitionOf(cluster, survivor, 'before')?.isr).not.toContain(first)
    await cluster.start(first)
    await cluster.until('the old controller follows the new one', () => {
      const { metadata } = cluster.server(first).inspect()
      return metadata.topics.getTopic('after') !== undefined && metadata.cluster.broker(first)?.fenced === false
    })
  }))

test('brokers and controllers can be nodes of their own', () =>
  ClusterUnderTest.run({ brokers: 2, controllers: 3 }, async cluster => {
    const client = await cluster.connect(1)
    await cluster.createTopic(client, 'orders', 2, 2)
    await cluster.until('all know the topic', () => partitionOf(cluster, 2, 'orders') !== undefined)

    expect(cluster.ids).toEqual([101, 102, 103, 1, 2])
    expect(cluster.server(101).broker).toBeUndefined()
    expect(cluster.server(1).controller).toBeUndefined()
    expect([cluster.server(101).state, cluster.server(1).state]).toEqual(['RUNNING', 'RUNNING'])
    expect(() => cluster.server(101).inspect()).toThrow('node 101 is no broker')
    const [active] = cluster.activeControllers
    const other = await cluster.connectToController(101)
    const described = await cluster.client.run(() =>
      other.send(DescribeCluster, 1, { endpointType: EndpointType.CONTROLLER }),
    )
    expect(described).toMatchObject({ clusterId: cluster.clusterId, controllerId: active })
    expect(described.brokers.map(({ brokerId, host }) => [brokerId, host])).toEqual([
      [101, 'controller-101'],
      [102, 'controller-102'],
      [103, 'controller-103'],
    ])
    for (const id of [1, 2, 101, 102, 103]) await cluster.stop(id)
  }))

test('a broker that is cut from the controllers is fenced when its session ends, and comes back', () =>
  ClusterUnderTest.run(
    { controllers: 3, config: { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' } },
    async cluster => {
      const client = await cluster.connect(2)
      await cluster.createTopic(client, 'orders', 3, 3)
      const isFenced = () => cluster.server(2).inspect().metadata.cluster.broker(1)?.fenced
      const { brokerEpoch } = cluster.server(1).broker ?? { brokerEpoch: -1 }

      for (const controller of [101, 102, 103]) cluster.cut(1, controller)
      const cutMs = cluster.world.nowMs
      await cluster.until('broker 1 is fenced', () => isFenced() === true)
      const fencedMs = cluster.world.nowMs - cutMs
      const leaders = [0, 1, 2].map(index => partitionOf(cluster, 2, 'orders', index)?.leader)
      for (const controller of [101, 102, 103]) cluster.heal(1, controller)
      await cluster.until('broker 1 is unfenced', () => isFenced() === false)

      expect(fencedMs).toBeGreaterThan(2000)
      expect(fencedMs).toBeLessThan(5000)
      expect(leaders).not.toContain(1)
      expect(leaders).not.toContain(NO_LEADER)
      expect(cluster.server(1).broker?.brokerEpoch).toBe(brokerEpoch)
    },
  ))

test('a broker that cannot find a controller gives up its start', async () => {
  const cluster = new ClusterUnderTest({
    brokers: 1,
    controllers: 1,
    config: { 'initial.broker.registration.timeout.ms': '5000' },
  })

  await cluster.world.run(async () => {
    await expect(cluster.start(1)).rejects.toMatchObject({ name: 'RegistrationTimeoutError' })
    expect(cluster.world.nowMs).toBeGreaterThanOrEqual(5000)
    await cluster.stop(1)
  })
})

test('a broker waits for a controller that starts later', async () => {
  const cluster = new ClusterUnderTest({ brokers: 1, controllers: 1 })

  await cluster.world.run(async () => {
    const broker = cluster.start(1)
    await cluster.world.sleep(10_000)
    expect(cluster.server(1).state).toBe('STARTING')
    await cluster.start(101)
    await broker
    expect(cluster.server(1).state).toBe('RUNNING')
  })
})

test('a broker can be stopped while it still looks for a controller', async () => {
  const cluster = new ClusterUnderTest({ brokers: 1, controllers: 1 })

  await cluster.world.run(async () => {
    const started = cluster.start(1).then(
      () => 'started',
      (error: Error) => error.name,
    )
    await cluster.world.sleep(10_000)
    const server = cluster.server(1)
    await cluster.stop(1)

    expect(await started).toBe('BrokerStoppedError')
    expect(server.state).toBe('NOT_RUNNING')
    expect(cluster.world.nowMs).toBeLessThan(11_000)
  })
})

test('a broker that never came to open its logs leaves what it knew of them', async () => {
  const cluster = new ClusterUnderTest({ brokers: 1, controllers: 1 })

  await cluster.world.run(async () => {
    const checkpoint = () => new OffsetCheckpointFile(cluster.process(1), 'data', HIGH_WATERMARK_CHECKPOINT_FILE).read()
    await Promise.all([cluster.start(101), cluster.start(1)])
    const client = await cluster.connect(1)
    await cluster.createTopic(client, 'orders', 2, 1)
    await cluster.stop(1)
    cluster.kill(101)

    const started = cluster.start(1).catch(() => undefined)
    const before = await checkpoint()
    await cluster.world.sleep(5_000)
    await cluster.process(1).run(() => cluster.server(1).shutdown())
    await started

    expect([...before.keys()].sort()).toEqual(['orders-0', 'orders-1'])
    expect(await checkpoint()).toEqual(before)
  })
})

test('a broker of another cluster is refused', async () => {
  const server = (nodeId: number) => (nodeId === 1 ? { clusterId: 'b3RoZXItY2x1c3Rlci1pZA' } : {})
  const cluster = new ClusterUnderTest({
    brokers: 1,
    controllers: 1,
    server,
    config: { 'initial.broker.registration.timeout.ms': '5000' },
  })

  await cluster.world.run(async () => {
    await cluster.start(101)
    await expect(cluster.start(1)).rejects.toThrow()
    await cluster.stop(1)
    await cluster.stop(101)
  })
})

test('requests that only the controller can answer are answered through any broker', () =>
  ClusterUnderTest.run({ controllers: 3 }, async cluster => {
    const client = await cluster.connect(3)
    await cluster.createTopic(client, 'orders', 1, 2)
    await cluster.until('broker 3 knows the topic', () => partitionOf(cluster, 3, 'orders') !== undefined)
    const { replicas = [], leader } = partitionOf(cluster, 3, 'orders') ?? {}
    const topic = (wanted: readonly number[]) => ({
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas: [...wanted] }] }],
    })

    const metadataTopic = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
    const quorum = await cluster.client.run(() => client.send(DescribeQuorum, 2, { topics: metadataTopic }))
    const reassigned = await cluster.client.run(() =>
      client.send(AlterPartitionReassignments, 0, topic([...replicas].reverse())),
    )
    const topicPartitions = [{ topic: 'orders', partitions: [0] }]
    await cluster.until('the order has changed', () => partitionOf(cluster, 3, 'orders')?.replicas[0] !== replicas[0])
    await cluster.until('both are in sync', () => partitionOf(cluster, 3, 'orders')?.isr.length === 2)
    const elected = await cluster.client.run(() => client.send(ElectLeaders, 2, { electionType: 0, topicPartitions }))

    expect(quorum.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, leaderId: cluster.activeControllers[0] })
    expect(quorum.topics[0]?.partitions[0]?.currentVoters.map(({ replicaId }) => replicaId)).toEqual([101, 102, 103])
    expect(reassigned).toMatchObject({ errorCode: 0 })
    expect(elected).toMatchObject({ errorCode: ErrorCode.NONE })
    await cluster.until('the other replica leads', () => partitionOf(cluster, 3, 'orders')?.leader !== leader)
  }))

test('a whole cluster stops when its brokers stop first, and starts again with all it knew', () =>
  ClusterUnderTest.run({}, async cluster => {
    const client = await cluster.connect(1)
    await cluster.createTopic(client, 'orders', 1, 3)
    const beganMs = cluster.world.nowMs
    await Promise.all(cluster.ids.map(id => cluster.stopBroker(id)))
    for (const id of cluster.ids) await cluster.stop(id)
    const tookMs = cluster.world.nowMs - beganMs

    await Promise.all(cluster.ids.map(id => cluster.start(id)))
    await cluster.until('all replicas are in sync', () => partitionOf(cluster, 1, 'orders')?.isr.length === 3)

    expect(tookMs).toBeLessThan(20_000)
  }))

test('a rolling restart keeps leaders among the brokers that run', () =>
  ClusterUnderTest.run({}, async cluster => {
    const client = await cluster.connect(1)
    await cluster.createTopic(client, 'orders', 3, 3)
    for (const id of cluster.ids) {
      const other = cluster.ids.find(candidate => candidate !== id) ?? 0
      await cluster.stop(id)
      const leaders = [0, 1, 2].map(index => partitionOf(cluster, other, 'orders', index)?.leader)
      expect(leaders).not.toContain(id)
      expect(leaders).not.toContain(NO_LEADER)
      await cluster.start(id)
      await cluster.until(`${id} is in sync again`, () =>
        [0, 1, 2].every(index => partitionOf(cluster, other, 'orders', index)?.isr.length === 3),
      )
    }
  }))
