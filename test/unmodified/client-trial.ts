import { installUnmodified } from '../../harness/unmodified/install.ts'
import { watchEscapes } from '../../harness/unmodified/strict.ts'
import type { DrainName } from '../../harness/world/drain.ts'
import type { ScheduleName } from '../../harness/world/schedule.ts'
import { World } from '../../harness/world/world.ts'
import { startScriptedBroker } from './scripted-broker.ts'

export const CLIENTS = ['kafkajs', 'platformatic'] as const
export type Client = (typeof CLIENTS)[number]

export interface ClientTrialOptions {
  readonly client: Client
  readonly seed?: string
  readonly drain?: DrainName
  readonly schedule?: ScheduleName
  readonly compressed?: boolean
  /** The broker resets the connection instead of answering this Produce request. */
  readonly resetAfter?: number
  readonly strict?: boolean
}

export interface ClientTrial {
  readonly digest: string
  readonly acknowledged: readonly (string | undefined)[]
  readonly batches: number
  readonly requests: readonly string[]
  readonly virtualMs: number
}

const MESSAGES = 20

/** An unmodified client sends twenty messages, one after the other, to a scripted broker in a world. */
export async function runClientTrial(options: ClientTrialOptions): Promise<ClientTrial> {
  installUnmodified()
  const produce = options.client === 'kafkajs' ? await loadKafkaJs() : await loadPlatformatic()
  const world = new World({
    seed: options.seed ?? 'client',
    drain: options.drain ?? 'tick',
    schedule: options.schedule ?? 'fifo',
  })
  const stop = options.strict === true ? watchEscapes(world) : undefined
  try {
    const { broker, acknowledged } = await world.run(async () => {
      const broker = world
        .host('broker')
        .process()
        .run(() => startScriptedBroker('broker', options.resetAfter))
      const app = world.host('app').process()
      await world.sleep(1)
      return { broker, acknowledged: await app.run(() => produce(options.compressed ?? false)) }
    })
    return {
      digest: world.trace.digest(),
      acknowledged,
      batches: broker.produced.length,
      requests: [...new Set(broker.requests)],
      virtualMs: world.nowMs,
    }
  } finally {
    stop?.()
  }
}

type ProduceAll = (compressed: boolean) => Promise<(string | undefined)[]>

async function loadKafkaJs(): Promise<ProduceAll> {
  const { CompressionTypes, Kafka, logLevel, Partitioners } = (await import('kafkajs')).default
  return async compressed => {
    const producer = new Kafka({ brokers: ['broker:9092'], logLevel: logLevel.NOTHING }).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const acknowledged: (string | undefined)[] = []
    for (let index = 0; index < MESSAGES; index++) {
      const [result] = await producer.send({
        topic: 't',
        compression: compressed ? CompressionTypes.GZIP : CompressionTypes.None,
        messages: [{ key: `${index}`, value: `message ${index} at ${Date.now()} ${Math.random()}` }],
      })
      acknowledged.push(result?.baseOffset)
    }
    await producer.disconnect()
    return acknowledged
  }
}

async function loadPlatformatic(): Promise<ProduceAll> {
  const { Producer, stringSerializers } = await import('@platformatic/kafka')
  return async compressed => {
    const producer = new Producer({
      clientId: 'app',
      bootstrapBrokers: ['broker:9092'],
      serializers: stringSerializers,
      ...(compressed ? { compression: 'gzip' as const } : {}),
    })
    const acknowledged: (string | undefined)[] = []
    for (let index = 0; index < MESSAGES; index++) {
      const value = `message ${index} at ${Date.now()} ${Math.random()}`
      const { offsets } = await producer.send({ messages: [{ topic: 't', key: `${index}`, value }] })
      acknowledged.push(offsets?.[0]?.offset.toString())
    }
    await producer.close()
    return acknowledged
  }
}
