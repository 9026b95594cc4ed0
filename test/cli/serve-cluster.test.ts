import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { batches } from '../../src/protocol/records/batches.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import { control, type Served, ServedCluster } from './served-cluster.ts'

let directory = ''
let cluster: ServedCluster

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'serve-'))
  cluster = new ServedCluster(directory)
})
afterEach(async () => {
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

interface Told {
  readonly nodes: readonly { readonly id: number; readonly state: string }[]
  readonly faults: readonly { readonly id: number }[]
}

async function told(response: Promise<Response>): Promise<Told> {
  return (await (await response).json()) as Told
}

function kafkaOf({ bootstrap }: Served): Kafka {
  const brokers = bootstrap.split(',')
  return new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 100, retries: 20 } })
}

/** All values of a topic, read from the leaders of its partitions. */
async function valuesOf(served: Served, topic: string): Promise<string[]> {
  const admin = kafkaOf(served).admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  await admin.disconnect()
  const values: string[] = []
  for (const { partitionId, leader } of topics[0]?.partitions ?? []) {
    const broker = served.brokers.find(({ id }) => id === leader)
    if (broker === undefined) throw new Error(`partition ${partitionId} has no leader`)
    const runtime = createNodeRuntime({ name: 'reader', dataDirectory: directory })
    const client = new NetworkClient(runtime, { ...broker, clientId: 'reader' })
    await client.connect()
    const partitions = [{ partition: partitionId, fetchOffset: 0, partitionMaxBytes: 10_000_000 }]
    const response = await client.send(Fetch, 12, { maxWaitMs: 0, minBytes: 1, topics: [{ topic, partitions }] })
    client.close()
    for (const batch of batches(response.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0))) {
      for (const record of batch.records()) values.push(`${record.value}`)
    }
  }
  return values
}

/** A new leader tells of its last records only when its followers have fetched once. */
async function expectStored(served: Served, acknowledged: readonly string[]): Promise<void> {
  const missing = async () => {
    const stored = new Set(await valuesOf(served, 'orders'))
    return acknowledged.filter(value => !stored.has(value))
  }
  await expect.poll(missing, { timeout: 20_000, interval: 200 }).toEqual([])
}

it('keeps every acknowledged record while a broker is killed and started again, and over a restart of all', async () => {
  const served = await cluster.serve('--set', 'broker.session.timeout.ms=3000')
  const kafka = kafkaOf(served)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3, replicationFactor: 3 }] })
  await admin.disconnect()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()

  const acknowledged: string[] = []
  const send = async (from: number, to: number) => {
    for (let at = from; at < to; at++) {
      await producer.send({ topic: 'orders', acks: -1, messages: [{ key: `${at}`, value: `v${at}` }] })
      acknowledged.push(`v${at}`)
    }
  }
  await send(0, 50)
  const killed = await (await control(served, '/faults', 'POST', { kind: 'kill', node: 2 })).json()
  const whileDown = await told(control(served, '/nodes'))
  await send(50, 100)
  const healed = await control(served, '/faults', 'DELETE')
  await send(100, 150)
  await producer.disconnect()

  expect(killed).toMatchObject({ id: 1, kind: 'kill', node: 2 })
  expect(whileDown.nodes.map(({ state }) => state)).toEqual(['running', 'stopped', 'running'])
  expect(await healed.json()).toEqual({ faults: [] })
  await expectStored(served, acknowledged)

  expect(await cluster.stop()).toBe(0)
  const again = await cluster.serve()
  expect(again.clusterId).toBe(served.clusterId)
  await expectStored(again, acknowledged)
  expect(cluster.stderr).toBe('')
})

it('pauses, parts and restarts brokers by order, and says what is wrong with an order', async () => {
  const served = await cluster.serve('--set', 'broker.session.timeout.ms=3000')
  const inject = async (body: object) => {
    const response = await control(served, '/faults', 'POST', body)
    return { status: response.status, body: (await response.json()) as { readonly id: number } }
  }
  const stateOf = async (id: number) => {
    const { nodes } = await told(control(served, '/nodes'))
    return nodes.find(node => node.id === id)?.state
  }

  expect(await inject({ kind: 'pause', node: 1, forMs: 200 })).toMatchObject({ status: 201 })
  expect(await stateOf(1)).toBe('paused')
  await expect.poll(() => stateOf(1), { timeout: 10_000 }).toBe('running')
  expect(await inject({ kind: 'restart', node: 3 })).toMatchObject({ status: 201 })
  expect(await stateOf(3)).toBe('running')
  const parted = await inject({ kind: 'partition', node: 2 })
  expect(parted).toMatchObject({ status: 201, body: { kind: 'partition', node: 2 } })
  const { faults } = await told(control(served, '/faults'))
  expect(faults).toEqual([parted.body])
  expect((await control(served, `/faults/${parted.body.id}`, 'DELETE')).status).toBe(200)
  expect((await control(served, `/faults/${parted.body.id}`, 'DELETE')).status).toBe(404)

  expect(await inject({ kind: 'explode', node: 1 })).toEqual({
    status: 400,
    body: { error: 'unknown kind "explode": kill, stop, restart, pause, partition' },
  })
  expect(await inject({ kind: 'kill', node: 9 })).toMatchObject({ status: 400, body: { error: /no node 9/ } })
  expect(await inject({ kind: 'kill', node: 1, formMs: 1 })).toMatchObject({ status: 400 })
  expect((await control(served, '/nowhere')).status).toBe(404)
  const stranger = await fetch(`http://127.0.0.1:${served.controlPort}/nodes`, { headers: { host: 'evil.example' } })
  expect([200, 403]).toContain(stranger.status)
  expect(cluster.stderr).toBe('')
})
