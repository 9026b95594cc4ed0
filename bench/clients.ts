// Clients over loopback TCP against `serve` in a process of its own: what each can do, side by side in one run.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { KafkaConsumer } from '../src/clients/consumer/kafka-consumer.ts'
import { KafkaProducer, stringSerde } from '../src/clients/index.ts'
import { createNodeRuntime } from '../src/runtime/node/node-runtime.ts'

const { Kafka, logLevel, Partitioners } = kafkajs

const VALUE = 'x'.repeat(100)
/** Records of one call of the clients that have a call for many. */
const BATCH = 100
/** Calls that are under way at once. */
const CALLS = 10

/** What a producer and a consumer did. */
export interface ClientFigures {
  readonly client: string
  readonly sentPerSecond: number
  /** Of single sends, one after the other, ms. */
  readonly sendP99Ms: number
  readonly readPerSecond: number
}

interface ClientUnderBench {
  readonly name: string
  /** Sends so many records as fast as it can, acks=all; resolves when all are acknowledged. */
  sendMany(bootstrap: string, topic: string, count: number): Promise<void>
  /** Sends records one after the other; resolves with the time of each, ms. */
  sendOneByOne(bootstrap: string, topic: string, count: number): Promise<number[]>
  /** Reads so many records with a consumer group, from the beginning; calls back for each. */
  read(bootstrap: string, topic: string, count: number, onRecord: () => void): Promise<void>
}

/** A broker on a free port in a process of its own. */
async function serve(): Promise<{ readonly bootstrap: string; readonly process: ChildProcess }> {
  const script = fileURLToPath(new URL('../bin/kafka-trial.cjs', import.meta.url))
  const child = spawn(
    process.execPath,
    [script, 'serve', '--port', '0', '--json', '--set', 'group.initial.rebalance.delay.ms=0'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  while (!text.includes('\n')) await once(child.stdout as NodeJS.ReadableStream, 'data')
  const { host, port } = JSON.parse(text) as { readonly host: string; readonly port: number }
  return { bootstrap: `${host}:${port}`, process: child }
}

async function timed(send: () => Promise<unknown>, count: number): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const startMs = performance.now()
    await send()
    times.push(performance.now() - startMs)
  }
  return times
}

/** Makes calls of `BATCH` records, `CALLS` of them at once. */
async function inBatches(count: number, send: () => Promise<unknown>): Promise<void> {
  let left = Math.ceil(count / BATCH)
  const worker = async (): Promise<void> => {
    while (left-- > 0) await send()
  }
  await Promise.all(Array.from({ length: CALLS }, worker))
}

const ownRuntime = createNodeRuntime({ name: 'bench', dataDirectory: tmpdir() })

/** @param config of the producer, by Kafka's keys */
function own(name: string, config: Readonly<Record<string, string>>): ClientUnderBench {
  return {
    name,
    sendMany: async (bootstrap, topic, count) => {
      const producer = ownProducer(bootstrap, config)
      await Promise.all(Array.from({ length: count }, () => producer.send({ topic, value: VALUE })))
      await producer.close()
    },
    sendOneByOne: async (bootstrap, topic, count) => {
      const producer = ownProducer(bootstrap, config)
      await producer.send({ topic, value: VALUE })
      const times = await timed(() => producer.send({ topic, value: VALUE }), count)
      await producer.close()
      return times
    },
    read: async (bootstrap, topic, count, onRecord) => {
      const consumer = new KafkaConsumer<string, string>(
        ownRuntime,
        { 'bootstrap.servers': bootstrap, 'group.id': `${name}-${topic}`, 'auto.offset.reset': 'earliest' },
        { keyDeserializer: stringSerde, valueDeserializer: stringSerde },
      )
      await consumer.subscribe([topic])
      for (let read = 0; read < count; ) {
        for (const _record of await consumer.poll(1000)) {
          read++
          onRecord()
        }
      }
      await consumer.close()
    },
  }
}

function ownProducer(bootstrap: string, config: Readonly<Record<string, string>>): KafkaProducer<string, string> {
  return new KafkaProducer<string, string>(
    ownRuntime,
    { 'bootstrap.servers': bootstrap, ...config },
    { keySerializer: stringSerde, valueSerializer: stringSerde },
  )
}

const kafkaJs: ClientUnderBench = {
  name: 'KafkaJS',
  sendMany: async (bootstrap, topic, count) => {
    const producer = kafkaJsOf(bootstrap).producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    const messages = Array.from({ length: BATCH }, () => ({ value: VALUE }))
    await inBatches(count, () => producer.send({ topic, messages }))
    await producer.disconnect()
  },
  sendOneByOne: async (bootstrap, topic, count) => {
    const producer = kafkaJsOf(bootstrap).producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic, messages: [{ value: VALUE }] })
    const times = await timed(() => producer.send({ topic, messages: [{ value: VALUE }] }), count)
    await producer.disconnect()
    return times
  },
  read: async (bootstrap, topic, count, onRecord) => {
    const consumer = kafkaJsOf(bootstrap).consumer({ groupId: `kafkajs-${topic}` })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const { promise: done, resolve } = Promise.withResolvers<void>()
    let read = 0
    await consumer.run({
      eachBatch: async ({ batch }) => {
        for (const _message of batch.messages) {
          read++
          onRecord()
        }
        if (read >= count) resolve()
      },
    })
    await done
    await consumer.disconnect()
  },
}

function kafkaJsOf(bootstrap: string): InstanceType<typeof Kafka> {
  return new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING })
}

const platformatic: ClientUnderBench = {
  name: 'platformatic',
  sendMany: async (bootstrap, topic, count) => {
    const producer = platformaticProducer(bootstrap)
    const messages = Array.from({ length: BATCH }, () => ({ topic, value: VALUE }))
    await inBatches(count, () => producer.send({ messages, acks: -1 }))
    await producer.close()
  },
  sendOneByOne: async (bootstrap, topic, count) => {
    const producer = platformaticProducer(bootstrap)
    const send = () => producer.send({ messages: [{ topic, value: VALUE }], acks: -1 })
    await send()
    const times = await timed(send, count)
    await producer.close()
    return times
  },
  read: async (bootstrap, topic, count, onRecord) => {
    const consumer = new Consumer({
      clientId: 'bench',
      groupId: `platformatic-${topic}`,
      bootstrapBrokers: [bootstrap],
      deserializers: stringDeserializers,
    })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true })
    let read = 0
    for await (const _message of stream) {
      onRecord()
      if (++read >= count) break
    }
    await consumer.close(true)
  },
}

function platformaticProducer(bootstrap: string): Producer<string, string, string, string> {
  return new Producer({ clientId: 'bench', bootstrapBrokers: [bootstrap], serializers: stringSerializers })
}

async function createTopics(bootstrap: string, topics: readonly string[]): Promise<void> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [bootstrap] })
  await admin.createTopics({ topics: [...topics], partitions: 1, replicas: 1 })
  await admin.close()
}

function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Measures each client in turn, `rounds` times, and takes its best round: the least disturbed. */
export async function loopbackClients(count: number, singles: number, rounds: number): Promise<ClientFigures[]> {
  // Kafka's default is linger.ms=5 (KIP-1030): a send that nobody follows waits for so long. The others have no such wait.
  const clients = [own('own', {}), own('own-linger-0', { 'linger.ms': '0' }), kafkaJs, platformatic]
  const { bootstrap, process: broker } = await serve()
  try {
    const figures: ClientFigures[] = []
    for (let round = 0; round < rounds; round++) {
      await createTopics(
        bootstrap,
        clients.flatMap(({ name }) => [`many-${name}-${round}`, `single-${name}-${round}`]),
      )
      for (const client of clients) figures.push(await measure(client, bootstrap, round, count, singles))
    }
    return clients.map(({ name }) => best(figures.filter(({ client }) => client === name)))
  } finally {
    broker.kill('SIGTERM')
    await once(broker, 'exit')
  }
}

async function measure(
  client: ClientUnderBench,
  bootstrap: string,
  round: number,
  count: number,
  singles: number,
): Promise<ClientFigures> {
  const topic = `many-${client.name}-${round}`
  const startMs = performance.now()
  await client.sendMany(bootstrap, topic, count)
  const sentMs = performance.now() - startMs
  const times = await client.sendOneByOne(bootstrap, `single-${client.name}-${round}`, singles)
  let firstMs = 0
  let lastMs = 0
  let read = 0
  await client.read(bootstrap, topic, count, () => {
    if (read++ === 0) firstMs = performance.now()
    lastMs = performance.now()
  })
  return {
    client: client.name,
    sentPerSecond: (count * 1000) / sentMs,
    sendP99Ms: percentile(times, 0.99),
    readPerSecond: (read * 1000) / Math.max(1, lastMs - firstMs),
  }
}

function best(figures: readonly ClientFigures[]): ClientFigures {
  return {
    client: figures[0]?.client ?? '',
    sentPerSecond: Math.max(...figures.map(({ sentPerSecond }) => sentPerSecond)),
    sendP99Ms: Math.min(...figures.map(({ sendP99Ms }) => sendP99Ms)),
    readPerSecond: Math.max(...figures.map(({ readPerSecond }) => readPerSecond)),
  }
}
