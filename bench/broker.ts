import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kafka as KafkaClass } from 'kafkajs'
import { installUnmodified } from '../harness/unmodified/install.ts'
import { World } from '../harness/world/world.ts'
import { NetworkClient } from '../src/network/network-client.ts'
import { CreateTopics } from '../src/protocol/apis/create-topics.ts'
import { Produce } from '../src/protocol/apis/produce.ts'
import { buildBatch } from '../src/protocol/records/batch.ts'
import { createNodeRuntime } from '../src/runtime/node/node-runtime.ts'
import type { Runtime } from '../src/runtime/runtime.ts'
import { KafkaConfig } from '../src/server/config/kafka-config.ts'
import { KafkaRaftServer } from '../src/server/kafka-raft-server.ts'

installUnmodified()
const { default: kafkajs } = await import('kafkajs')
const { Kafka, logLevel, Partitioners } = kafkajs

const TOPIC = 'bench'
const VALUE = 'x'.repeat(100)

/** What a run on the world took. */
export interface VirtualRun {
  readonly virtualMs: number
  readonly wallMs: number
  readonly events: number
}

function brokerOn(runtime: Runtime, host: string, port: number): KafkaRaftServer {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:1`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@${host}:1`,
    'log.dirs': 'data',
  }
  return new KafkaRaftServer(runtime, KafkaConfig.fromProperties(new Map(Object.entries(properties))))
}

async function producerFor(kafka: KafkaClass): Promise<ReturnType<KafkaClass['producer']>> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  return producer
}

async function sendSequentially(kafka: KafkaClass, count: number, now: () => number): Promise<number> {
  const producer = await producerFor(kafka)
  await producer.send({ topic: TOPIC, messages: [{ value: VALUE }] })
  const startedMs = now()
  for (let index = 0; index < count; index++) await producer.send({ topic: TOPIC, messages: [{ value: VALUE }] })
  const tookMs = now() - startedMs
  await producer.disconnect()
  return tookMs
}

const realNow = performance.now.bind(performance)

/** Wall milliseconds that `count` sends of unmodified KafkaJS take, one after the other, in the world. */
export async function simulatedSends(count: number): Promise<number> {
  const world = new World({ seed: 'bench' })
  const broker = world.host('broker').process()
  const app = world.host('app').process()
  let tookMs = 0
  await world.run(async () => {
    await broker.run(() => brokerOn(broker, 'broker', 9092).startup())
    await app.run(async () => {
      const kafka = new Kafka({ clientId: 'bench', brokers: ['broker:9092'], logLevel: logLevel.NOTHING })
      tookMs = await sendSequentially(kafka, count, world.realMilliseconds)
    })
  })
  return tookMs
}

/** The same over loopback TCP and real files, to the same broker in the same process. */
export async function loopbackSends(count: number): Promise<number> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'kafka-trial-bench-'))
  const broker = brokerOn(createNodeRuntime({ name: 'broker', dataDirectory }), '127.0.0.1', 0)
  await broker.startup()
  try {
    const kafka = new Kafka({
      clientId: 'bench',
      brokers: [`127.0.0.1:${broker.boundPort()}`],
      logLevel: logLevel.NOTHING,
    })
    return await sendSequentially(kafka, count, realNow)
  } finally {
    await broker.shutdown()
    rmSync(dataDirectory, { recursive: true, force: true })
  }
}

/** One broker in the world for `virtualMs`, with a Produce request of one record every so often over the wire, without a library. */
export async function wireLoad(virtualMs: number, recordsPerSecond: number): Promise<VirtualRun> {
  const world = new World({ seed: 'bench', maxVirtualMs: virtualMs * 10 })
  const broker = world.host('broker').process()
  const app = world.host('app').process()
  await world.run(async () => {
    await broker.run(() => brokerOn(broker, 'broker', 9092).startup())
    await app.run(async () => {
      const client = new NetworkClient(app, { host: 'broker', port: 9092, clientId: 'bench' })
      await client.connect()
      await client.send(CreateTopics, 5, {
        topics: [{ name: TOPIC, numPartitions: 1, replicationFactor: 1 }],
        timeoutMs: 10_000,
      })
      const records = buildBatch({ records: [{ value: Buffer.from(VALUE), timestamp: app.clock.wallMs() }] })
      const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }]
      const sends = Math.round((virtualMs / 1000) * recordsPerSecond)
      for (let index = 0; index < sends; index++) {
        await client.send(Produce, 9, { acks: -1, timeoutMs: 10_000, topicData })
        await world.sleep(1000 / recordsPerSecond)
      }
      client.close()
    })
  })
  return world.statistics
}

/** One broker and one client in the world for `virtualMs`, `recordsPerSecond` of them through KafkaJS. */
export async function steadyLoad(virtualMs: number, recordsPerSecond: number): Promise<VirtualRun> {
  const world = new World({ seed: 'bench', maxVirtualMs: virtualMs * 10 })
  const broker = world.host('broker').process()
  const app = world.host('app').process()
  await world.run(async () => {
    await broker.run(() => brokerOn(broker, 'broker', 9092).startup())
    if (recordsPerSecond === 0) {
      await world.sleep(virtualMs)
      return
    }
    await app.run(async () => {
      const kafka = new Kafka({ clientId: 'bench', brokers: ['broker:9092'], logLevel: logLevel.NOTHING })
      const producer = await producerFor(kafka)
      const sends = Math.round((virtualMs / 1000) * recordsPerSecond)
      for (let index = 0; index < sends; index++) {
        await producer.send({ topic: TOPIC, messages: [{ value: VALUE }] })
        await world.sleep(1000 / recordsPerSecond)
      }
    })
  })
  return world.statistics
}
