import { expect, test } from 'vitest'
import { LOG_FILE_SUFFIX, offsetFromFileName } from '../../src/log/log-file-utils.ts'
import type { NetworkClient } from '../../src/network/network-client.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { batches, buildBatch } from '../../src/protocol/records/batch.ts'
import type { KafkaRaftServer } from '../../src/server/kafka-raft-server.ts'
import { ClusterUnderTest } from '../support/cluster-under-test.ts'

/** Whole brokers whose cleaners look every 200 ms; a segment holds what came within 100 ms. */
const CONFIG = {
  'broker.session.timeout.ms': '3000',
  'replica.lag.time.max.ms': '3000',
  'log.cleanup.policy': 'compact',
  'log.roll.ms': '100',
  'log.cleaner.backoff.ms': '200',
  'log.cleaner.min.cleanable.ratio': '0.01',
  'log.cleaner.delete.retention.ms': '1000',
  'log.segment.delete.delay.ms': '100',
}
const KEYS = 4

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

function withOrders(config: Readonly<Record<string, string>>, body: (cluster: ClusterUnderTest) => Promise<void>) {
  return ClusterUnderTest.run({ config: { ...CONFIG, ...config } }, async cluster => {
    await cluster.until('one controller is active', () => cluster.activeControllers.length === 1)
    await cluster.createTopic(await cluster.connect(1), 'orders', 1, 3)
    await cluster.until('all are in sync', () => isrOf(cluster).length === 3)
    await body(cluster)
  })
}

/** Writes `key=label-number` for the numbers given, a record every 30 ms. */
async function produce(cluster: ClusterUnderTest, client: NetworkClient, label: string, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const record = {
      key: Buffer.from(`k${number % KEYS}`),
      value: Buffer.from(`${label}-${number}`),
      timestamp: cluster.client.clock.wallMs(),
    }
    const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: buildBatch({ records: [record] }) }] }]
    const body = { acks: -1, timeoutMs: 10_000, topicData }
    const response = await cluster.client.run(() => client.send(Produce, 12, body))
    expect(response.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE)
    await cluster.world.sleep(30)
  }
}

/** What a broker's files hold: how many records, and the last value of each key. */
async function onDisk(
  cluster: ClusterUnderTest,
  id: number,
): Promise<{ records: number; latest: Record<string, string> }> {
  const { disk } = cluster.process(id)
  const directory = `${cluster.server(id).config.logDirs[0]}/orders-0`
  const latest: Record<string, string> = {}
  let records = 0
  await cluster.process(id).run(async () => {
    for (const name of await disk.list(directory)) {
      if (offsetFromFileName(name, LOG_FILE_SUFFIX) === undefined) continue
      const file = await disk.open(`${directory}/${name}`)
      for (const batch of batches(await file.read(0, file.size))) {
        for (const { key, value } of batch.records()) {
          records++
          latest[`${key}`] = `${value}`
        }
      }
      await file.close()
    }
  })
  return { records, latest }
}

test('replicas clean for themselves, and one that was away catches up with what is left', () =>
  withOrders({}, async cluster => {
    const leader = leaderOf(cluster)
    const follower = [1, 2, 3].find(id => id !== leader) ?? 0
    const client = await cluster.connect(leader)
    await produce(cluster, client, 'before', 20)
    cluster.kill(follower)
    await cluster.until('the follower has left the ISR', () => isrOf(cluster).length === 2)
    await produce(cluster, client, 'meanwhile', 40)
    await cluster.world.sleep(1000)
    await cluster.start(follower)
    await cluster.until('all are in sync again', () => isrOf(cluster).length === 3)
    await produce(cluster, client, 'after', 8)
    await cluster.world.sleep(2000)

    for (const id of [1, 2, 3]) {
      const { records, latest } = await onDisk(cluster, id)
      expect(latest).toEqual({ k0: 'after-4', k1: 'after-5', k2: 'after-6', k3: 'after-7' })
      expect(records).toBeLessThan(20)
      expect(replicaOn(cluster.server(id))?.logEndOffset).toBe(68)
    }
  }))

test('a leader that lost an unclean election takes back what it had cleaned already', () =>
  withOrders({ 'unclean.leader.election.enable': 'true' }, async cluster => {
    const first = leaderOf(cluster)
    const others = [1, 2, 3].filter(id => id !== first)
    const client = await cluster.connect(first)
    await produce(cluster, client, 'common', 8)
    for (const id of others) await cluster.stopBroker(id)
    await cluster.until('the leader is alone', () => isrOf(cluster).length === 1)
    await produce(cluster, client, 'lost', 30)
    await cluster.world.sleep(1000)
    expect((await onDisk(cluster, first)).records).toBeLessThan(20)

    await cluster.stop(first)
    for (const id of others) {
      await cluster.stop(id)
      await cluster.start(id)
    }
    await cluster.until('another broker leads', () => others.includes(leaderOf(cluster)))
    await produce(cluster, await cluster.connect(leaderOf(cluster)), 'kept', 10)
    await cluster.start(first)
    await cluster.until('all are in sync again', () => isrOf(cluster).length === 3)
    await produce(cluster, await cluster.connect(leaderOf(cluster)), 'after', 3)
    await cluster.world.sleep(2000)

    for (const id of [1, 2, 3]) {
      const { latest } = await onDisk(cluster, id)
      expect(latest).toEqual({ k0: 'after-0', k1: 'after-1', k2: 'after-2', k3: 'kept-7' })
      expect(replicaOn(cluster.server(id))?.logEndOffset).toBe(21)
    }
  }))
