import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchBatches, type RealBroker, startRealBroker } from '../support/real-broker.ts'

const hasKcat = spawnSync('kcat', ['-V']).status === 0
const TOPIC = 'compacted'
const FINAL = ['k0=last', 'k1=last', 'k2=last', 'k3=last', 'tail=0']

let broker: RealBroker
let kafka: Kafka

beforeAll(async () => {
  broker = await startRealBroker({
    'log.cleaner.backoff.ms': '100',
    'log.cleaner.min.cleanable.ratio': '0.01',
    'log.roll.ms': '300',
    'log.segment.delete.delay.ms': '200',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
  })
  kafka = new Kafka({ brokers: [broker.bootstrap], clientId: 'compaction', logLevel: logLevel.NOTHING })
})

afterAll(async () => {
  await broker.stop()
})

// Holes between offsets, and a batch without records that stands for its producer's last sequence number.
test('clients read a log that was compacted on real files, before and after a restart', async () => {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [{ topic: TOPIC, numPartitions: 1, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
  })
  await admin.disconnect()
  for (let round = 0; round < 5; round++) await send(true, `round ${round}`)
  await send(false, 'last')
  await pause(400)
  await sendOne('tail', '0') // rolls the segment, so that what came before may be cleaned

  await until(async () => (await consume('cleaned?')).join() === FINAL.join())
  const [first] = await fetchBatches(broker, TOPIC)
  expect([first?.recordCount, first?.baseOffset, first?.lastOffset, first?.lastSequence]).toEqual([0, 0, 3, 3])
  if (hasKcat) expect(await kcat()).toEqual(FINAL)

  await broker.restart()
  expect(await consume('after the restart')).toEqual(FINAL)
  if (hasKcat) expect(await kcat()).toEqual(FINAL)
})

async function send(idempotent: boolean, value: string): Promise<void> {
  const producer = kafka.producer({ idempotent, createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const messages = [0, 1, 2, 3].map(index => ({ key: `k${index}`, value }))
  await producer.send({ topic: TOPIC, messages })
  await producer.disconnect()
}

async function sendOne(key: string, value: string): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic: TOPIC, messages: [{ key, value }] })
  await producer.disconnect()
}

let groups = 0

/** Everything up to the record `tail`, as a new group reads it. */
async function consume(what: string): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `${what} ${groups++}` })
  const found: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.run({
    eachMessage: async ({ message }) => {
      found.push(`${message.key}=${message.value}`)
      if (String(message.key) === 'tail') resolve()
    },
  })
  await promise
  await consumer.disconnect()
  return found
}

async function kcat(): Promise<string[]> {
  const child = spawn('kcat', ['-b', broker.bootstrap, '-C', '-t', TOPIC, '-o', 'beginning', '-e', '-q', '-K', '='])
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  await once(child, 'close')
  return output.trim().split('\n')
}

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(100)
}
