import type { CompressionCodec } from '../../protocol/records/compression/codec.ts'
import type { KafkaClient } from '../kafka-client.ts'
import type { ProducerMetadata } from './producer-metadata.ts'
import type { ProducerMetrics } from './producer-metrics.ts'
import type { RecordAccumulator } from './record-accumulator.ts'
import type { TransactionManager } from './transaction-manager.ts'

export interface SenderOptions {
  readonly client: KafkaClient
  readonly metadata: ProducerMetadata
  readonly accumulator: RecordAccumulator
  readonly metrics: ProducerMetrics
  /** Undefined: not idempotent. */
  readonly transactionManager: TransactionManager | undefined
  /** Whether a partition has one batch under way at most: `max.in.flight.requests.per.connection` is 1. */
  readonly guaranteeMessageOrder: boolean
  readonly maxRequestSize: number
  readonly acks: -1 | 0 | 1
  readonly retries: number
  readonly requestTimeoutMs: number
  readonly retryBackoffMs: number
  readonly compression: CompressionCodec
  /** Told of what went wrong in a way that no record's outcome tells. */
  readonly onWarning: (message: string) => void
}
