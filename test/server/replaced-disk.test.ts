import { expect, test } from 'vitest'
import type { NetworkClient } from '../../src/network/network-client.ts'
import { ElectLeaders } from '../../src/protocol/apis/elect-leaders.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { batch } from '../log/log-fixture.ts'
import { ClusterUnderTest } from '../support/cluster-under-test.ts'

const CONFIG = {
  'log.dirs': 'data',
  'metadata.log.dir': 'metadata',
  'broker.session.timeout.ms': '3000',
  'min.insync.replicas': '2',
}

async function produce(cluster: ClusterUnderTest, client: NetworkClient, records: Buffer) {
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }]
  const response = await cluster.client.run(() => client.send(Produce, 12, { acks: -1, timeoutMs: 10_000, topicData }))
  return response.responses[0]?.partitionResponses[0]
}

/** The partition as a broker's metadata has it. */
function partitionOf(cluster: ClusterUnderTest, brokerId: number, index = 0) {
  const partition = cluster.server(brokerId).inspect().metadata.topics.getTopic('orders')?.partitions.get(index)
  if (partition === undefined) throw new Error(`broker ${brokerId} knows of no orders-${index}`)
  return partition
}

/** Whether the metadata says that a broker's replica is where the broker has its logs. */
function isPlaced(cluster: ClusterUnderTest, brokerId: number, index = 0): boolean {
  const { cluster: brokers } = cluster.server(brokerId).inspect().metadata
  const { replicas, directories } = partitionOf(cluster, brokerId, index)
  return brokers.broker(brokerId)?.directories.includes(directories[replicas.indexOf(brokerId)] ?? '') === true
}

test('a broker whose disk was replaced catches up, joins the ISR, and can lead again', () =>
  ClusterUnderTest.run({ config: CONFIG }, async cluster => {
    await cluster.until('one controller is active', () => cluster.activeControllers.length === 1)
    await cluster.createTopic(await cluster.connect(1), 'orders', 1, 3)
    await cluster.until('all know the topic', () =>
      cluster.servers.every(server => server.inspect().metadata.topics.getTopic('orders') !== undefined),
    )
    const [preferred = 0, second = 0] = partitionOf(cluster, 1).replicas
    await cluster.until('the preferred leader leads', () => partitionOf(cluster, preferred).leader === preferred)
    const before = partitionOf(cluster, preferred).directories
    const client = await cluster.connect(preferred)
    for (const value of ['a', 'b']) await produce(cluster, client, batch(value))

    cluster.kill(preferred)
    cluster.replaceDisk(preferred, 'data')
    await cluster.until('another broker leads', () => {
      const { leader } = partitionOf(cluster, second)
      return leader !== preferred && leader !== -1
    })
    const { leader } = partitionOf(cluster, second)
    const later = await cluster.connect(leader)
    expect(await produce(cluster, later, batch('c'))).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 2 })
    await cluster.start(preferred)
    await cluster.until('it is in sync', () => partitionOf(cluster, preferred).isr.includes(preferred))
    await cluster.until('the controller knows where its replica is', () => isPlaced(cluster, preferred))
    const request = { electionType: 0, topicPartitions: [{ topic: 'orders', partitions: [0] }], timeoutMs: 5000 }
    const elected = await cluster.client.run(() => later.send(ElectLeaders, 2, request))

    expect(elected.replicaElectionResults[0]?.partitionResult[0]?.errorCode).toBe(ErrorCode.NONE)
    await cluster.until('it leads', () => partitionOf(cluster, preferred).leader === preferred)
    const again = await cluster.connect(preferred)
    await cluster.until('it knows that it leads', () => {
      const replica = cluster
        .server(preferred)
        .inspect()
        .replicas.find(({ topic }) => topic === 'orders')
      return replica?.isLeader === true
    })
    expect(await produce(cluster, again, batch('d'))).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 3 })
    const after = partitionOf(cluster, preferred).directories
    expect(after[0]).not.toBe(before[0])
    expect(after.slice(1)).toEqual(before.slice(1))
  }))

test('a broker with several disks tells on which of them its replicas are, and says so only once', () =>
  ClusterUnderTest.run({ config: { ...CONFIG, 'log.dirs': 'data-a,data-b' } }, async cluster => {
    await cluster.until('one controller is active', () => cluster.activeControllers.length === 1)
    await cluster.createTopic(await cluster.connect(1), 'orders', 2, 3)
    const known = () =>
      cluster.servers.every(({ config: { nodeId } }) => [0, 1].every(index => isPlaced(cluster, nodeId, index)))
    await cluster.until('all know the topic', () =>
      cluster.servers.every(server => server.inspect().metadata.topics.getTopic('orders') !== undefined),
    )
    await cluster.until('the controller knows where all replicas are', known)

    const epochs = () => [0, 1].map(index => partitionOf(cluster, 1, index).partitionEpoch)
    const settled = epochs()
    await cluster.world.sleep(30_000)
    expect(epochs()).toEqual(settled)
    for (const id of [1, 2, 3]) {
      const [first, second] = [0, 1].map(index => {
        const { replicas, directories } = partitionOf(cluster, id, index)
        return directories[replicas.indexOf(id)]
      })
      expect(first).not.toBe(second)
    }
  }))
