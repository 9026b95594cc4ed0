import type { Runtime } from '../../../src/runtime/runtime.ts'
import type { ProducerSpec } from '../../trial/scenario.ts'

export interface ClientRecord {
  readonly key: string
  readonly value: Buffer
}

/** Where the records of a call have gone, as far as the client tells. */
export interface Sent {
  readonly partition: number | undefined
  readonly baseOffset: number | undefined
}

/** What the append workload needs of a producer, with the client library itself unmodified behind it. */
export interface ProducerClient {
  /** Whether each record is sent by a call of its own, and has an end of its own. Default false. */
  readonly oneRecordACall?: boolean
  /** Rejects when no connection could be made; may be called again. */
  connect(): Promise<void>
  /** One call of the client's own `send`. Resolves with the base offset the broker gave, if the client tells it. */
  send(partition: number, records: readonly ClientRecord[]): Promise<number | undefined>
  /** As `send`, but the client chooses the partition. All records have one key. */
  sendByKey(records: readonly ClientRecord[]): Promise<Sent>
  close(): Promise<void>
  /** Bytes of its memory for records that are taken, unless a request is under way; absent for clients that count none. */
  heldBytes?(): number | undefined
  /** Whether the error certainly means that no record of the call is in the log. */
  isDefiniteFailure(error: unknown): boolean
  /** Kafka's name of the error that a broker answered with, if one did. */
  brokerErrorOf(error: unknown): string | undefined
}

export interface ClientOptions {
  /** The process that the client lives in; clients of others find it by themselves. */
  readonly runtime: Runtime
  readonly clientId: string
  /** `host:port` of each broker. */
  readonly bootstrap: readonly string[]
  readonly topic: string
  readonly spec: ProducerSpec
  /** Warnings and errors of the client, for the story. */
  readonly log: (line: string) => void
}

/**
 * Errors with which a broker refuses a batch before appending it, whatever was tried before: the same batch can never
 * have been appended. INVALID_RECORD is none of them: a timestamp is too far from a leader's clock, and may not have been from
 * that of the one before, which had it appended and whose answer was lost.
 */
export const REFUSALS: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'INVALID_REQUIRED_ACKS',
  'INVALID_TOPIC_EXCEPTION',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
])
