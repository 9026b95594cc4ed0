import { describe, expect, test } from 'vitest'
import type { ConfigValues } from '../../../src/clients/abstract-config.ts'
import { KafkaAdminClient } from '../../../src/clients/admin/kafka-admin-client.ts'
import { ConfigException, TimeoutException } from '../../../src/clients/errors.ts'
import { partitionKey } from '../../../src/protocol/topic-partition.ts'
import { type ClusterOptions, ClusterUnderTest } from '../../support/cluster-under-test.ts'

const BOOTSTRAP = 'broker-1:9092,broker-2:9092,broker-3:9092'

interface Given {
  readonly cluster: ClusterUnderTest
  readonly admin: KafkaAdminClient
}

/** Runs a body, in the client's process, with an admin client of a cluster of three. */
function withAdmin(
  body: (given: Given) => Promise<void>,
  values: ConfigValues = {},
  options: ClusterOptions = {},
): Promise<void> {
  return ClusterUnderTest.run(options, cluster =>
    cluster.client.run(async () => {
      await cluster.until('one controller is active', () => cluster.activeControllers.length === 1)
      const admin = new KafkaAdminClient(cluster.client, { 'bootstrap.servers': BOOTSTRAP, ...values })
      await body({ cluster, admin })
      await admin.close()
      await cluster.until('no connection is left', () => cluster.client.host.kernel.endpoints.size === 0, 300_000)
    }),
  )
}

/** Waits until every broker knows the topics. */
function known({ cluster }: Given, ...names: string[]): Promise<void> {
  return cluster.until('all know the topics', () =>
    cluster.servers.every(server => names.every(name => server.inspect().metadata.topics.getTopic(name) !== undefined)),
  )
}

describe('an admin client', () => {
  test('creates, lists, describes, grows and deletes topics, each with its own end', () =>
    withAdmin(async given => {
      const { admin, cluster } = given
      const created = admin.createTopics([
        { name: 'orders', numPartitions: 2, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } },
        { name: 'not a name' },
        { name: 'placed', replicasAssignments: new Map([[0, [3, 1]]]) },
      ])
      expect(await created.get('orders')).toMatchObject({ numPartitions: 2, replicationFactor: 3 })
      await expect(created.get('not a name')).rejects.toMatchObject({ name: 'InvalidTopicException' })
      await expect(created.all()).rejects.toMatchObject({ name: 'InvalidTopicException' })
      await created.get('placed')
      await known(given, 'orders', 'placed')

      expect((await admin.listTopics()).map(({ name }) => name).sort()).toEqual(['orders', 'placed'])
      const described = admin.describeTopics(['orders', 'placed'])
      expect((await described.get('orders')).partitions.map(({ replicas }) => [...replicas].sort())).toEqual([
        [1, 2, 3],
        [1, 2, 3],
      ])
      expect((await described.get('placed')).partitions).toMatchObject([{ partition: 0, leader: 3, replicas: [3, 1] }])

      await admin.createPartitions(new Map([['orders', { totalCount: 3, assignments: [[2, 3, 1]] }]])).all()
      await expect(
        admin.createPartitions(new Map([['orders', { totalCount: 1 }]])).get('orders'),
      ).rejects.toMatchObject({
        errorName: 'INVALID_PARTITIONS',
      })
      await admin.deleteTopics(['placed']).all()
      await cluster.until('it is gone', () =>
        cluster.servers.every(server => server.inspect().metadata.topics.getTopic('placed') === undefined),
      )
      const missing = admin.describeTopics(['placed'])
      await expect(missing.get('placed')).rejects.toMatchObject({ errorName: 'UNKNOWN_TOPIC_OR_PARTITION' })
    }))

  test('only looks whether a topic could be created when it is to validate', () =>
    withAdmin(async ({ admin }) => {
      await admin.createTopics([{ name: 'perhaps' }], { validateOnly: true }).all()
      expect(await admin.listTopics()).toEqual([])
    }))

  test('changes and describes configurations of topics and of brokers', () =>
    withAdmin(async given => {
      const { admin } = given
      await admin.createTopics([{ name: 'orders' }]).all()
      await known(given, 'orders')
      const topic = { type: 'TOPIC', name: 'orders' } as const
      await admin.incrementalAlterConfigs([[topic, [{ name: 'retention.ms', op: 'SET', value: '1000' }]]]).all()
      await expect(
        admin.incrementalAlterConfigs([[topic, [{ name: 'nonsense', op: 'SET', value: '1' }]]]).get(topic),
      ).rejects.toMatchObject({ errorName: 'INVALID_CONFIG' })
      await given.cluster.world.sleep(100)

      const broker = { type: 'BROKER', name: '2' } as const
      const described = admin.describeConfigs([topic, broker])
      expect((await described.get(topic)).get('retention.ms')).toMatchObject({
        value: '1000',
        source: 'DYNAMIC_TOPIC_CONFIG',
      })
      expect((await described.get(broker)).get('node.id')).toMatchObject({ value: '2', source: 'STATIC_BROKER_CONFIG' })
    }))

  test('tells the cluster, its quorum, and what it has learned of them after a broker has gone', () =>
    withAdmin(async ({ admin, cluster }) => {
      const { clusterId, nodes } = await admin.describeCluster()
      expect(clusterId).toBe(cluster.clusterId)
      expect(nodes.map(({ id }) => id)).toEqual([1, 2, 3])
      const quorum = await admin.describeMetadataQuorum()
      expect(quorum.voters.map(({ replicaId }) => replicaId)).toEqual([1, 2, 3])
      expect(cluster.activeControllers).toEqual([quorum.leaderId])

      cluster.kill(2)
      await cluster.until('the dead broker is fenced', () => {
        const { cluster: brokers } = cluster.server(1).inspect().metadata
        return brokers.broker(2)?.fenced === true
      })
      expect((await admin.describeCluster()).nodes.map(({ id }) => id)).toEqual([1, 3])
    }))

  test('lists offsets and deletes records at the leaders of the partitions', () =>
    withAdmin(async given => {
      const { admin } = given
      await admin.createTopics([{ name: 'orders', numPartitions: 3, replicationFactor: 3 }]).all()
      await known(given, 'orders')
      const partitions = [0, 1, 2].map(partition => ({ topic: 'orders', partition }))
      const offsets = await admin.listOffsets(partitions.map(partition => [partition, 'latest'] as const)).all()
      expect(offsets.map(([partition, { offset }]) => [partitionKey(partition), offset])).toEqual([
        ['orders-0', 0],
        ['orders-1', 0],
        ['orders-2', 0],
      ])
      const deleted = admin.deleteRecords([
        [{ topic: 'orders', partition: 0 }, -1],
        [{ topic: 'orders', partition: 1 }, 7],
      ])
      expect(await deleted.get({ topic: 'orders', partition: 0 })).toBe(0)
      await expect(deleted.get({ topic: 'orders', partition: 1 })).rejects.toMatchObject({
        errorName: 'OFFSET_OUT_OF_RANGE',
      })
    }))

  test('moves replicas, says which moves are under way, and gives leaderships back', () =>
    withAdmin(async given => {
      const { admin, cluster } = given
      const partition = { topic: 'orders', partition: 0 }
      await admin.createTopics([{ name: 'orders', replicasAssignments: new Map([[0, [1, 2]]]) }]).all()
      await known(given, 'orders')
      await admin.alterPartitionReassignments([[partition, [3, 1]]]).all()
      const isOver = async () => (await admin.listPartitionReassignments()).length === 0
      while (!(await isOver())) await cluster.world.sleep(50)
      await cluster.world.sleep(500)
      expect((await admin.describeTopics(['orders']).get('orders')).partitions).toMatchObject([{ replicas: [3, 1] }])
      await expect(admin.alterPartitionReassignments([[partition, null]]).get(partition)).rejects.toMatchObject({
        errorName: 'NO_REASSIGNMENT_IN_PROGRESS',
      })

      const elected = await admin.electLeaders('PREFERRED', [partition])
      await elected
        .get(partition)
        .catch((error: unknown) => expect(error).toMatchObject({ errorName: 'ELECTION_NOT_NEEDED' }))
      await cluster.world.sleep(500)
      expect((await admin.describeTopics(['orders']).get('orders')).partitions).toMatchObject([{ leader: 3 }])
    }))

  test('repeats a call while no broker can be reached, and gets it through when one is back', () =>
    withAdmin(async ({ admin, cluster }) => {
      await admin.describeCluster()
      for (const id of [1, 2, 3]) {
        cluster.world.network.block('client', `broker-${id}`)
        cluster.world.network.block(`broker-${id}`, 'client')
      }
      const described = admin.describeCluster({ timeoutMs: 120_000 })
      await cluster.world.sleep(40_000)
      for (const id of [1, 2, 3]) {
        cluster.world.network.unblock('client', `broker-${id}`)
        cluster.world.network.unblock(`broker-${id}`, 'client')
      }
      expect((await described).nodes).toHaveLength(3)
    }))

  test('gives a call up when its time is over', () =>
    withAdmin(async ({ admin, cluster }) => {
      for (const id of [1, 2, 3]) cluster.world.network.block('client', `broker-${id}`)
      const startMs = cluster.world.nowMs
      await expect(admin.listTopics({ timeoutMs: 5000 })).rejects.toThrow(TimeoutException)
      expect(cluster.world.nowMs - startMs).toBeLessThan(5200)
      await expect(admin.describeTopics(['x'], { timeoutMs: 1000 }).all()).rejects.toThrow('describeTopics timed out')
    }))

  test('waits for calls under way when it is closed, ends them when it has waited enough, and takes no more', () =>
    withAdmin(async ({ admin, cluster }) => {
      const described = admin.describeCluster()
      await admin.close()
      expect((await described).nodes).toHaveLength(3)
      await expect(admin.describeCluster()).rejects.toThrow('takes no more calls')

      const stuck = new KafkaAdminClient(cluster.client, { 'bootstrap.servers': 'broker-9:9092' })
      const listed = stuck.listTopics()
      const startMs = cluster.world.nowMs
      const ended = expect(listed).rejects.toThrow('the admin client was closed')
      await stuck.close(300)
      await ended
      expect(cluster.world.nowMs - startMs).toBe(300)
    }))

  test('refuses a configuration that it cannot work with, and tells of keys that it does not know', () =>
    withAdmin(async ({ cluster }) => {
      const make = (values: ConfigValues, onWarning = (_message: string): void => undefined) =>
        new KafkaAdminClient(cluster.client, values, { onWarning })
      expect(() => make({})).toThrow(ConfigException)
      expect(() => make({ 'bootstrap.servers': 'nowhere' })).toThrow('host:port')
      expect(() => make({ 'bootstrap.servers': BOOTSTRAP, retries: 'many' })).toThrow('retries')
      const warnings: string[] = []
      const admin = make({ 'bootstrap.servers': BOOTSTRAP, 'retry.backof.ms': 5 }, message => warnings.push(message))
      expect(warnings).toEqual(['unknown configuration retry.backof.ms, did you mean retry.backoff.ms?'])
      await admin.close()
    }))
})
