import { describe, expect, test } from 'vitest'
import { KafkaAdminClient } from '../../../src/clients/admin/kafka-admin-client.ts'
import { partitionKey } from '../../../src/protocol/topic-partition.ts'
import { ClusterUnderTest } from '../../support/cluster-under-test.ts'

const BOOTSTRAP = 'broker-1:9092,broker-2:9092,broker-3:9092'
const CONFIG = { 'offsets.topic.num.partitions': '5', 'offsets.topic.replication.factor': '3' }
const ORDERS = [0, 1].map(partition => ({ topic: 'orders', partition }))
const [FIRST, SECOND] = ORDERS as [(typeof ORDERS)[0], (typeof ORDERS)[0]]

/** Runs a body, in the client's process, with an admin client of a cluster of three that has a topic `orders`. */
function withAdmin(body: (admin: KafkaAdminClient, cluster: ClusterUnderTest) => Promise<void>): Promise<void> {
  return ClusterUnderTest.run({ config: CONFIG }, cluster =>
    cluster.client.run(async () => {
      await cluster.until('one controller is active', () => cluster.activeControllers.length === 1)
      const admin = new KafkaAdminClient(cluster.client, { 'bootstrap.servers': BOOTSTRAP })
      await admin.createTopics([{ name: 'orders', numPartitions: 2, replicationFactor: 3 }]).all()
      await body(admin, cluster)
      await admin.close()
    }),
  )
}

/** The group's offsets as text, by partition. */
async function offsetsOf(admin: KafkaAdminClient, groupId: string): Promise<string[]> {
  const offsets = await admin.listConsumerGroupOffsets([groupId], { requireStable: true }).get(groupId)
  return offsets.map(([partition, { offset, metadata }]) => `${partitionKey(partition)}: ${offset} ${metadata}`).sort()
}

describe('an admin client and groups', () => {
  test('sets, lists and deletes where a group goes on', () =>
    withAdmin(async admin => {
      await admin
        .alterConsumerGroupOffsets('billing', [
          [FIRST, { offset: 5, leaderEpoch: 0, metadata: 'by hand' }],
          [SECOND, { offset: 7 }],
        ])
        .all()
      expect(await offsetsOf(admin, 'billing')).toEqual(['orders-0: 5 by hand', 'orders-1: 7 '])
      expect(await offsetsOf(admin, 'nobody')).toEqual([])

      await admin.deleteConsumerGroupOffsets('billing', [FIRST]).all()
      expect(await offsetsOf(admin, 'billing')).toEqual(['orders-1: 7 '])
      await expect(admin.deleteConsumerGroupOffsets('nobody', [FIRST]).get(FIRST)).rejects.toMatchObject({
        errorName: 'GROUP_ID_NOT_FOUND',
      })
    }))

  test('lists, describes and deletes groups, wherever their coordinators are', () =>
    withAdmin(async admin => {
      const groupIds = ['a', 'b', 'c', 'd', 'e']
      for (const groupId of groupIds) await admin.alterConsumerGroupOffsets(groupId, [[FIRST, { offset: 1 }]]).all()
      expect((await admin.listGroups()).map(({ groupId, state, type }) => [groupId, state, type]).sort()).toEqual(
        groupIds.map(groupId => [groupId, 'Empty', 'classic']),
      )
      expect(await admin.describeConsumerGroups(['a']).get('a')).toMatchObject({
        groupId: 'a',
        type: 'Classic',
        state: 'Empty',
        members: [],
      })

      const deleted = admin.deleteConsumerGroups(['a', 'e', 'nobody'])
      await deleted.get('a')
      await deleted.get('e')
      await expect(deleted.get('nobody')).rejects.toMatchObject({ errorName: 'GROUP_ID_NOT_FOUND' })
      expect((await admin.listGroups()).map(({ groupId }) => groupId).sort()).toEqual(['b', 'c', 'd'])
    }))

  test('finds the new coordinator when the old one has died, with the offsets that were committed', () =>
    withAdmin(async (admin, cluster) => {
      await admin.alterConsumerGroupOffsets('billing', [[FIRST, { offset: 5 }]]).all()
      const partition = hashOf('billing') % 5
      const leader = () => {
        const topics = cluster.servers[0]?.inspect().metadata.topics
        return topics?.getTopic('__consumer_offsets')?.partitions.get(partition)?.leader ?? -1
      }
      const first = leader()
      expect(first).toBeGreaterThan(0)
      cluster.kill(first)
      await cluster.until('another broker leads', () => leader() > 0 && leader() !== first)
      expect(await offsetsOf(admin, 'billing')).toEqual(['orders-0: 5 '])
      await admin.alterConsumerGroupOffsets('billing', [[FIRST, { offset: 6 }]]).all()
      expect(await offsetsOf(admin, 'billing')).toEqual(['orders-0: 6 '])
    }))
})

/** Java's `String.hashCode`, which is positive for the names here. */
function hashOf(text: string): number {
  let hash = 0
  for (const character of text) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) | 0
  return Math.abs(hash)
}
