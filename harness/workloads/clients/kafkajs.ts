import kafkajs from 'kafkajs'
import { type ClientOptions, type ClientRecord, type ProducerClient, REFUSALS } from './producer-client.ts'

const { CompressionTypes, Kafka, logLevel, Partitioners } = kafkajs

/** KafkaJS errors carry their cause and, for errors of the broker, Kafka's name. */
interface KafkaJsError extends Error {
  readonly type?: string
  readonly cause?: unknown
  readonly retriable?: boolean
}

/** An error and what it says caused it, from the outside in. */
export function errorChain(error: unknown): KafkaJsError[] {
  const errors: KafkaJsError[] = []
  for (let at = error; at instanceof Error && errors.length < 10; at = (at as KafkaJsError).cause) errors.push(at)
  return errors
}

/** The unmodified KafkaJS producer. */
export function createKafkaJsClient(options: ClientOptions): ProducerClient {
  const { spec, topic } = options
  const kafka = new Kafka({
    clientId: options.clientId,
    brokers: [...options.bootstrap],
    requestTimeout: spec.requestTimeoutMs,
    retry: { retries: spec.retries },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ label, log }) => {
        const detail = typeof log['error'] === 'string' ? `: ${log['error']}` : ''
        options.log(`${label} ${log.message}${detail}`)
      },
  })
  const producer = kafka.producer({
    idempotent: spec.idempotent,
    createPartitioner: Partitioners.DefaultPartitioner,
    ...(spec.maxInFlight === null ? {} : { maxInFlightRequests: spec.maxInFlight }),
  })
  const compression = spec.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  const brokerErrorOf = (error: unknown): string | undefined =>
    errorChain(error).find(({ type }) => type !== undefined)?.type
  const send = async (messages: (ClientRecord & { readonly partition?: number })[] | readonly ClientRecord[]) => {
    const [result] = await producer.send({ topic, acks: spec.acks, compression, messages: [...messages] })
    const baseOffset = result?.baseOffset === undefined ? undefined : Number(result.baseOffset)
    return { partition: result?.partition, baseOffset }
  }
  return {
    connect: () => producer.connect(),
    close: () => producer.disconnect(),
    brokerErrorOf,
    send: async (partition, records) => (await send(records.map(record => ({ ...record, partition })))).baseOffset,
    sendByKey: send,
    isDefiniteFailure: error => {
      const type = brokerErrorOf(error)
      if (type !== undefined) return REFUSALS.has(type)
      // Thrown by `send` itself before anything is written: never connected, or arguments it does not take.
      return errorChain(error)[0]?.message === 'The producer is disconnected'
    },
  }
}
