import { expect, test } from 'vitest'
import type { NetworkClient } from '../../src/network/network-client.ts'
import { DeleteRecords } from '../../src/protocol/apis/delete-records.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { KafkaRaftServer } from '../../src/server/kafka-raft-server.ts'
import { batch } from '../log/log-fixture.ts'
import { ClusterUnderTest } from '../support/cluster-under-test.ts'

/** Whole brokers and controllers, on simulated sockets and disks. */
const CONFIG = { 'broker.session.timeout.ms': '3000', 'min.insync.replicas': '2', 'replica.lag.time.max.ms': '3000' }

function replicaOn(server: KafkaRaftServer) {
  return server.inspect().replicas.find(({ topic }) => topic === 'orders')
}

function leaderOf(cluster: ClusterUnderTest): number {
  return cluster.servers.find(server => replicaOn(server)?.isLeader === true)?.config.nodeId ?? -1
}

function isrOf(cluster: ClusterUnderTest): readonly number[] {
  const leader = leaderOf(cluster)
  return leader === -1 ? [] : [...(replicaOn(cluster.server(leader))?.isr ?? [])].sort()
}

async function produce(cluster: ClusterUnderTest, client: NetworkClient, records: Buffer, acks = -1) {
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }]
  const response = await cluster.client.run(() => client.send(Produce, 12, { acks, timeoutMs: 10_000, topicData }))
  return response.responses[0]?.partitionResponses[0]
}

/** Runs a body in a cluster of three brokers with the topic `orders`, all of which are in sync. */
function withOrders(body: (cluster: ClusterUnderTest) => Promise<void>): Promise<void> {
  return ClusterUnderTest.run({ config: CONFIG }, async cluster => {
    await cluster.until('one controller is active', () => cluster.activeControllers.length === 1)
    await cluster.createTopic(await cluster.connect(1), 'orders', 1, 3)
    await cluster.until('all are in sync', () => isrOf(cluster).length === 3)
    await body(cluster)
  })
}

test('acknowledged records outlive their leader, and it follows when it comes back', () =>
  withOrders(async cluster => {
    const first = leaderOf(cluster)
    const client = await cluster.connect(first)
    for (let index = 0; index < 5; index++) {
      expect(await produce(cluster, client, batch(`before ${index}`))).toMatchObject({
        errorCode: ErrorCode.NONE,
        baseOffset: index,
      })
    }

    cluster.kill(first)
    await cluster.until('another broker leads', () => ![-1, first].includes(leaderOf(cluster)))
    const second = leaderOf(cluster)
    const later = await cluster.connect(second)
    expect(await produce(cluster, later, batch('after'))).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 5 })
    await cluster.start(first)
    await cluster.until('all are in sync again', () => isrOf(cluster).length === 3)

    await cluster.until('all know that all is committed', () =>
      cluster.servers.every(server => replicaOn(server)?.highWatermark === 6),
    )
    expect(cluster.servers.map(server => replicaOn(server)?.logEndOffset)).toEqual([6, 6, 6])
  }))

test('a follower that is cut off leaves the ISR, and joins it when it is heard of again', () =>
  withOrders(async cluster => {
    const leader = leaderOf(cluster)
    const [cutOff = 0, other = 0] = [1, 2, 3].filter(id => id !== leader)
    const client = await cluster.connect(leader)
    cluster.cut(leader, cutOff)
    const answer = await produce(cluster, client, batch('while cut off'))
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE })
    expect(isrOf(cluster)).toEqual([leader, other].sort())

    cluster.heal(leader, cutOff)
    await cluster.until('all are in sync again', () => isrOf(cluster).length === 3)
    expect(replicaOn(cluster.server(cutOff))?.logEndOffset).toBe(1)
  }))

test('nothing is acknowledged, and nothing is committed, below min.insync.replicas', () =>
  withOrders(async cluster => {
    const leader = leaderOf(cluster)
    const followers = [1, 2, 3].filter(id => id !== leader)
    const client = await cluster.connect(leader)
    for (const id of followers) await cluster.stopBroker(id)
    await cluster.until('the leader is alone', () => isrOf(cluster).length === 1)

    expect(await produce(cluster, client, batch('a'))).toMatchObject({ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS })
    expect(await produce(cluster, client, batch('b'), 1)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 })
    expect(replicaOn(cluster.server(leader))).toMatchObject({ highWatermark: 0, logEndOffset: 1 })
  }))

test('records are deleted on all replicas', () =>
  withOrders(async cluster => {
    const client = await cluster.connect(leaderOf(cluster))
    for (const value of ['a', 'b', 'c']) await produce(cluster, client, batch(value))
    const partitions = [{ partitionIndex: 0, offset: 2 }]
    const topics = [{ name: 'orders', partitions }]
    const response = await cluster.client.run(() => client.send(DeleteRecords, 2, { topics, timeoutMs: 5000 }))
    expect(response.topics[0]?.partitions).toMatchObject([{ errorCode: ErrorCode.NONE, lowWatermark: 2 }])
    expect(cluster.servers.map(server => replicaOn(server)?.logStartOffset)).toEqual([2, 2, 2])
  }))
