import { compatibilityPartitioner, Producer, stringSerializers } from '@platformatic/kafka'
import { errorName } from '../../../src/protocol/errors.ts'
import { type ClientOptions, type ClientRecord, type ProducerClient, REFUSALS, type Sent } from './producer-client.ts'

/** platformatic's errors: a tree of causes and aggregated errors; protocol errors carry Kafka's code as `apiCode`. */
interface PlatformaticError extends Error {
  readonly code?: string
  readonly apiCode?: number
  /** Where in the answer it stands. */
  readonly path?: string
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
}

function flatten(error: unknown, depth = 0): PlatformaticError[] {
  if (!(error instanceof Error) || depth > 6) return []
  const node = error as PlatformaticError
  const below = [node.cause, ...(node.errors ?? [])].flatMap(inner => flatten(inner, depth + 1))
  return [node, ...below]
}

/** Kafka's codes in an error. Messages about single records come as errors of their own, with a code that nobody sent. */
export function apiCodesOf(error: unknown): number[] {
  return flatten(error).flatMap(({ apiCode, path }) =>
    apiCode === undefined || path?.includes('/record_errors/') ? [] : [apiCode],
  )
}

/** The unmodified @platformatic/kafka producer. */
export function createPlatformaticClient(options: ClientOptions): ProducerClient {
  const { spec, topic } = options
  const producer = new Producer<string, Buffer, string, string>({
    clientId: options.clientId,
    bootstrapBrokers: [...options.bootstrap],
    acks: spec.acks,
    idempotent: spec.idempotent,
    retries: spec.retries,
    requestTimeout: spec.requestTimeoutMs,
    serializers: { ...stringSerializers, value: (value?: Buffer) => value },
    ...(spec.compression === 'none' ? {} : { compression: spec.compression }),
    ...(spec.maxInFlight === null ? {} : { maxInflights: spec.maxInFlight }),
    ...(spec.partitioner === 'java' ? { partitioner: compatibilityPartitioner } : {}),
  })
  const brokerErrorOf = (error: unknown): string | undefined => {
    const [code] = apiCodesOf(error)
    return code === undefined ? undefined : errorName(code)
  }
  const send = async (records: readonly (ClientRecord & { readonly partition?: number })[]): Promise<Sent> => {
    const messages = records.map(record => ({ topic, ...record }))
    // Its `send` does not look at the producer's own `acks`: it has to be told each time.
    const { offsets } = await producer.send({ messages, acks: spec.acks })
    const [written] = offsets ?? []
    return { partition: written?.partition, baseOffset: written && Number(written.offset) }
  }
  return {
    connect: async () => {
      await producer.metadata({ topics: [topic] })
    },
    close: () => producer.close(),
    brokerErrorOf,
    send: async (partition, records) => (await send(records.map(record => ({ ...record, partition })))).baseOffset,
    sendByKey: send,
    isDefiniteFailure: error => {
      const refused = apiCodesOf(error).some(code => REFUSALS.has(errorName(code)))
      return refused || flatten(error)[0]?.code === 'PLT_KFK_USER'
    },
  }
}
