import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Consumer, stringDeserializers } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { KafkaConsumer, KafkaProducer, stringSerde } from '../../src/clients/index.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import { control, type Served, ServedCluster } from './served-cluster.ts'

const TOPIC = 'orders'
const MEMBERS = 2

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

/** Starts a member of the client's group; the result makes it leave. */
type StartMember = (served: Served, onValue: (value: string) => void) => Promise<() => Promise<void>>

const kafkaJs: StartMember = async ({ bootstrap }, onValue) => {
  const kafka = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING, retry: { retries: 30 } })
  const consumer = kafka.consumer({ groupId: 'kafkajs', sessionTimeout: 10_000, heartbeatInterval: 300 })
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => onValue(`${message.value}`) })
  return () => consumer.disconnect()
}

/** Its stream ends with an error when three fetches in a row have failed: an application starts it anew. */
const platformatic: StartMember = async ({ bootstrap }, onValue) => {
  let consumer: Consumer<string, string, string, string> | undefined
  let leaving = false
  const run = async (): Promise<void> => {
    consumer = new Consumer({
      clientId: 'member',
      groupId: 'platformatic',
      bootstrapBrokers: bootstrap.split(','),
      sessionTimeout: 10_000,
      heartbeatInterval: 300,
      retries: 30,
      deserializers: stringDeserializers,
    })
    const topics = [TOPIC]
    const stream = await consumer.consume({ topics, mode: 'committed', fallbackMode: 'earliest', autocommit: true })
    for await (const { value } of stream) onValue(value)
  }
  const runUntilLeft = async (): Promise<void> => {
    while (!leaving) {
      await run().catch(() => undefined)
      if (!leaving) await consumer?.close(true).catch(() => undefined)
    }
  }
  void runUntilLeft()
  return async () => {
    leaving = true
    await consumer?.close(true)
  }
}

const own: StartMember = async ({ bootstrap }, onValue) => {
  const config = { 'bootstrap.servers': bootstrap, 'group.id': 'own', 'auto.offset.reset': 'earliest' }
  const serdes = { keyDeserializer: stringSerde, valueDeserializer: stringSerde }
  const consumer = new KafkaConsumer(createNodeRuntime({ name: 'member', dataDirectory: directory }), config, serdes)
  await consumer.subscribe([TOPIC])
  let running = true
  const poll = async (): Promise<void> => {
    while (running) for (const { value } of await consumer.poll(200)) onValue(`${value}`)
    await consumer.close()
  }
  const ended = poll()
  return async () => {
    running = false
    await ended
  }
}

async function createTopic({ bootstrap }: Served): Promise<void> {
  const admin = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 4, replicationFactor: 3 }] })
  await admin.disconnect()
}

const GROUPS: ReadonlyMap<string, StartMember> = new Map([
  ['KafkaJS', kafkaJs],
  ['platformatic', platformatic],
  ['own', own],
])

it('gives groups of all three clients every acknowledged record while all brokers are restarted one after the other', async () => {
  // A broker that was restarted registers when the session of its past life has ended.
  const served = await cluster.serve('--set', 'broker.session.timeout.ms=3000')
  await createTopic(served)
  const values = new Map([...GROUPS.keys()].map(name => [name, new Set<string>()]))
  const leave = await Promise.all(
    [...GROUPS].flatMap(([name, startMember]) =>
      Array.from({ length: MEMBERS }, () => startMember(served, value => values.get(name)?.add(value))),
    ),
  )
  const producer = new KafkaProducer(
    createNodeRuntime({ name: 'shop', dataDirectory: directory }),
    { 'bootstrap.servers': served.bootstrap },
    { keySerializer: stringSerde, valueSerializer: stringSerde },
  )
  const acknowledged: string[] = []
  let sending = true
  const send = async (): Promise<void> => {
    for (let number = 0; sending; number++) {
      await producer.send({ topic: TOPIC, key: `${number}`, value: `order-${number}` })
      acknowledged.push(`order-${number}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  const sent = send()
  for (const node of [1, 2, 3]) {
    expect((await control(served, '/faults', 'POST', { kind: 'restart', node })).status).toBe(201)
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
  sending = false
  await sent
  await producer.close()

  expect(acknowledged.length).toBeGreaterThan(20)
  for (const [name, read] of values) {
    const missing = () => acknowledged.filter(value => !read.has(value))
    await expect.poll(missing, { message: `${name} has not read`, timeout: 60_000, interval: 200 }).toEqual([])
  }
  await Promise.all(leave.map(end => end()))
  expect(cluster.stderr).toBe('')
})
