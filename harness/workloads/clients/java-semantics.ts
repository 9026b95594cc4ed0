import {
  ApiException,
  BufferExhaustedException,
  bytesSerde,
  IllegalArgumentException,
  IllegalStateException,
  KafkaProducer,
  SerializationException,
  stringSerde,
  TimeoutException,
} from '../../../src/clients/index.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { type ClientOptions, type ClientRecord, type ProducerClient, REFUSALS, type Sent } from './producer-client.ts'

/** Kafka's `retries` goes no further; a scenario's "without end" does. */
const MAX_RETRIES = 2_147_483_647
/** Errors that keep a record from ever being appended. */
const NEVER_APPENDED = [
  BufferExhaustedException,
  IllegalArgumentException,
  IllegalStateException,
  SerializationException,
] as const

/** This package's own producer, with the semantics of the Java client, in the process of the application. */
export function createJavaSemanticsClient(options: ClientOptions): ProducerClient {
  const { spec, topic, runtime, log } = options
  const config = {
    'bootstrap.servers': options.bootstrap,
    'client.id': options.clientId,
    acks: spec.acks,
    'enable.idempotence': spec.idempotent,
    retries: Math.min(spec.retries, MAX_RETRIES),
    'request.timeout.ms': spec.requestTimeoutMs,
    'compression.type': spec.compression,
    ...(spec.bufferMemory === undefined ? {} : { 'buffer.memory': spec.bufferMemory }),
    ...(spec.maxBlockMs === undefined ? {} : { 'max.block.ms': spec.maxBlockMs }),
    ...(spec.maxInFlight === null ? {} : { 'max.in.flight.requests.per.connection': spec.maxInFlight }),
  }
  const producer = new KafkaProducer(runtime, config, {
    keySerializer: stringSerde,
    valueSerializer: bytesSerde,
    onWarning: log,
  })
  const send = async (records: readonly (ClientRecord & { readonly partition?: number })[]): Promise<Sent> => {
    const [sent] = await Promise.all(records.map(record => producer.send({ topic, ...record })))
    const offset = sent?.offset ?? -1
    return { partition: sent?.partition, baseOffset: offset < 0 ? undefined : offset }
  }
  return {
    oneRecordACall: true,
    connect: async () => {
      await producer.partitionsFor(topic)
    },
    heldBytes: () => {
      const [total = 0, available = 0, underWay = 0] = [
        producer.metric('buffer-total-bytes'),
        producer.metric('buffer-available-bytes'),
        producer.metric('requests-in-flight'),
      ]
      return underWay > 0 ? undefined : total - available
    },
    // What is under way fails at once, as with the other clients.
    close: () => producer.close(0),
    brokerErrorOf,
    send: async (partition, records) => (await send(records.map(record => ({ ...record, partition })))).baseOffset,
    sendByKey: send,
    isDefiniteFailure: error => {
      const refused = REFUSALS.has(brokerErrorOf(error) ?? '')
      return refused || NEVER_APPENDED.some(type => error instanceof type)
    },
  }
}

/** Errors that this client makes up itself came from no broker: time limits, and NETWORK_EXCEPTION for a lost connection. */
function brokerErrorOf(error: unknown): string | undefined {
  if (!(error instanceof ApiException) || error instanceof TimeoutException) return undefined
  return error.code === ErrorCode.NETWORK_EXCEPTION ? undefined : error.errorName
}
