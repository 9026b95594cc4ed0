import { Cluster } from '../harness/trial/cluster.ts'
import { ClusterAdmin } from '../harness/trial/cluster-admin.ts'
import { Probes } from '../harness/trial/probes.ts'
import { World } from '../harness/world/world.ts'
import { NetworkClient } from '../src/network/network-client.ts'
import { Produce } from '../src/protocol/apis/produce.ts'
import { buildBatch } from '../src/protocol/records/batch.ts'
import type { VirtualRun } from './broker.ts'

const TOPIC = 'bench'
const VALUE = Buffer.alloc(100, 'x')

/**
 * Three brokers that are controllers too, one topic of three replicas, for `virtualMs`: every so often a Produce request of one
 * record with acks=all to its leader. Starting the cluster is not counted.
 */
export async function clusterLoad(virtualMs: number, recordsPerSecond: number): Promise<VirtualRun> {
  const world = new World({ seed: 'bench', maxVirtualMs: virtualMs * 10 + 600_000, maxEvents: Number.MAX_SAFE_INTEGER })
  const cluster = new Cluster({
    world,
    spec: {
      brokers: 3,
      controllers: 3,
      roles: 'combined',
      config: {},
      topic: { name: TOPIC, partitions: 1, replicationFactor: 3, config: { 'min.insync.replicas': '2' } },
    },
    probes: new Probes(),
    tell: () => undefined,
  })
  let started = { realMs: 0, virtualMs: 0, events: 0 }
  await world.run(async () => {
    cluster.start()
    await cluster.running()
    await new ClusterAdmin(world, cluster).createTopic()
    const { missing } = await cluster.whole(60_000)
    if (missing.length > 0) throw new Error(missing.join('; '))
    started = { realMs: world.realMilliseconds(), virtualMs: world.nowMs, events: world.statistics.events }
    if (recordsPerSecond === 0) await world.sleep(virtualMs)
    else await produce(world, cluster, virtualMs, recordsPerSecond)
  })
  return {
    virtualMs: world.nowMs - started.virtualMs,
    wallMs: world.realMilliseconds() - started.realMs,
    events: world.statistics.events - started.events,
  }
}

async function produce(world: World, cluster: Cluster, virtualMs: number, recordsPerSecond: number): Promise<void> {
  const leader = cluster.leaderOf(0)
  if (leader === undefined) throw new Error('the topic has no leader')
  const app = world.host('app').process()
  await app.run(async () => {
    const client = new NetworkClient(app, { host: leader.name, port: leader.port, clientId: 'bench' })
    await client.connect()
    const records = buildBatch({ records: [{ value: VALUE, timestamp: app.clock.wallMs() }] })
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }]
    const sends = Math.round((virtualMs / 1000) * recordsPerSecond)
    const startMs = world.nowMs
    for (let index = 0; index < sends; index++) {
      await client.send(Produce, 9, { acks: -1, timeoutMs: 10_000, topicData })
      await world.sleep(Math.max(0, startMs + ((index + 1) * 1000) / recordsPerSecond - world.nowMs))
    }
    client.close()
  })
}
