import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { KafkaConsumer, KafkaProducer, stringSerde } from '../../src/clients/index.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import type { GroupMemberEvent, GroupMemberOptions } from '../support/group-member.ts'
import { control, type Served, ServedCluster } from './served-cluster.ts'

const TOPIC = 'orders'
const MEMBERS = 2
const MEMBER = join(import.meta.dirname, '../support/group-member.ts')

let directory = ''
let cluster: ServedCluster
const members: (() => Promise<void>)[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'serve-'))
  cluster = new ServedCluster(directory)
})
afterEach(async () => {
  await Promise.all(members.splice(0).map(end => end()))
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** Starts a member of the client's group; the result ends it. */
type StartMember = (served: Served, onValue: (value: string) => void) => Promise<() => Promise<void>>

/**
 * A member in a process of its own, which is started again when it ends: platformatic's stream fails after three fetches that
 * fail. It is killed in the end: a KafkaJS consumer that is stopped after the brokers have changed may freeze its process.
 */
function inProcess(
  client: GroupMemberOptions['client'],
  groupProtocol: GroupMemberOptions['groupProtocol'] = 'classic',
): StartMember {
  return async ({ bootstrap }, onValue) => {
    const options: GroupMemberOptions = {
      client,
      groupProtocol,
      bootstrap,
      groupId: `${client}-${groupProtocol}`,
      topic: TOPIC,
      sessionTimeoutMs: 6000,
      groupInstanceId: null,
    }
    let child: ChildProcess | undefined
    let ended = false
    const run = (): void => {
      if (ended) return
      child = spawn(process.execPath, [MEMBER, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'ignore'] })
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
        const told: GroupMemberEvent = JSON.parse(line)
        if (told.event === 'record') onValue(told.value)
      })
      child.once('exit', run)
    }
    run()
    return async () => {
      ended = true
      child?.kill('SIGKILL')
    }
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

const SETTINGS = [
  // A broker that was restarted registers when the session of its past life has ended.
  'broker.session.timeout.ms=3000',
  // Members of the consumer protocol have what session the broker sets: those whose process has ended are to be out soon.
  'group.consumer.min.session.timeout.ms=6000',
  'group.consumer.session.timeout.ms=6000',
  'group.consumer.min.heartbeat.interval.ms=500',
  'group.consumer.heartbeat.interval.ms=500',
]

const GROUPS: ReadonlyMap<string, StartMember> = new Map([
  ['KafkaJS', inProcess('kafkajs')],
  ['platformatic', inProcess('platformatic')],
  ['platformatic with the consumer protocol', inProcess('platformatic', 'consumer')],
  ['own', own],
])

it('gives groups of all three clients, in both protocols, every acknowledged record while all brokers are restarted one after the other', async () => {
  const served = await cluster.serve(...SETTINGS.flatMap(setting => ['--set', setting]))
  await createTopic(served)
  const values = new Map([...GROUPS.keys()].map(name => [name, new Set<string>()]))
  const started = await Promise.all(
    [...GROUPS].flatMap(([name, startMember]) =>
      Array.from({ length: MEMBERS }, () => startMember(served, value => values.get(name)?.add(value))),
    ),
  )
  members.push(...started)
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
  expect(cluster.stderr).toBe('')
})
