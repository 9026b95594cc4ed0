import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { batches } from '../protocol/records/batches.ts'
import { CorruptRecordError } from '../protocol/records/errors.ts'
import { NO_TIMESTAMP } from '../protocol/records/layout.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import { validateBatch } from '../protocol/records/validate-batch.ts'
import type { AppendOrigin } from './append-origin.ts'
import type { LogConfig } from './log-config.ts'
import { RecordTooLargeError, UnexpectedAppendOffsetError } from './log-errors.ts'

/** Batches that may be written as they are. */
export interface PreparedAppend {
  readonly bytes: Buffer
  readonly batches: readonly RecordBatchView[]
  readonly firstOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly recordCount: number
}

export interface AssignOptions {
  /** The partition, for messages. */
  readonly where: string
  readonly config: LogConfig
  readonly origin: AppendOrigin
  readonly leaderEpoch: number
  /** Offset for the first record. */
  readonly nextOffset: number
  readonly nowMs: number
}

/**
 * Checks what a leader is to append, in full when a client sent it, and gives it offsets and leader epoch (Kafka's
 * LogValidator with the checks that UnifiedLog makes around it). The bytes are changed in place, or replaced where the
 * topic wants another codec. Throws the errors of `validateBatch`, `RecordTooLargeError`, and `ApiError` for batches of
 * transactions, which need a transaction coordinator.
 */
export function assignOffsets(records: Buffer, options: AssignOptions): PreparedAppend {
  const { config, origin } = options
  const prepared: RecordBatchView[] = []
  let nextOffset = options.nextOffset
  let maxTimestamp = NO_TIMESTAMP
  let recordCount = 0
  for (const view of batches(records)) {
    checkSize(view, options)
    if (origin === 'client') refuseTransactional(view, options.where)
    const validated = validateBatch(view, {
      nowMs: options.nowMs,
      timestampType: config.messageTimestampType,
      timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
      timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
      compacted: config.compact,
      targetCompression: config.compressionType,
      origin: origin === 'client' ? 'client' : 'coordinator',
    })
    const { batch } = validated
    if (validated.rewritten) checkSize(batch, options)
    batch.setBaseOffset(nextOffset)
    batch.setPartitionLeaderEpoch(options.leaderEpoch)
    nextOffset = batch.nextOffset
    maxTimestamp = Math.max(maxTimestamp, validated.maxTimestamp)
    recordCount += validated.recordCount
    prepared.push(batch)
  }
  return {
    bytes: joined(prepared),
    batches: prepared,
    firstOffset: options.nextOffset,
    lastOffset: nextOffset - 1,
    maxTimestamp,
    recordCount,
  }
}

/**
 * Checks what a follower copied from its leader: whole, sound batches that continue the log. Batches of a later epoch than
 * the follower knows are left out, with all that follows: their leader is not the one that was asked (KAFKA-18723).
 * Throws `CorruptRecordError` or `UnexpectedAppendOffsetError`.
 */
export function checkReplicated(
  records: Buffer,
  where: string,
  leaderEpoch: number,
  nextOffset: number,
): PreparedAppend {
  const accepted: RecordBatchView[] = []
  let expectedOffset = nextOffset
  let maxTimestamp = NO_TIMESTAMP
  let recordCount = 0
  for (const batch of batches(records)) {
    if (batch.partitionLeaderEpoch > leaderEpoch) break
    if (!batch.isValidCrc()) throw new CorruptRecordError(`a batch copied for ${where} has a wrong checksum`)
    if (batch.baseOffset < expectedOffset || batch.lastOffsetDelta < 0) {
      throw new UnexpectedAppendOffsetError(where, batch.baseOffset, batch.lastOffset, expectedOffset)
    }
    expectedOffset = batch.nextOffset
    maxTimestamp = Math.max(maxTimestamp, batch.maxTimestamp)
    recordCount += batch.recordCount
    accepted.push(batch)
  }
  return {
    bytes: joined(accepted),
    batches: accepted,
    firstOffset: accepted[0]?.baseOffset ?? nextOffset,
    lastOffset: expectedOffset - 1,
    maxTimestamp,
    recordCount,
  }
}

function checkSize(batch: RecordBatchView, { origin, config, where }: AssignOptions): void {
  if (origin === 'raft-leader' || batch.sizeInBytes <= config.maxMessageBytes) return
  throw new RecordTooLargeError(where, batch.sizeInBytes, config.maxMessageBytes)
}

function refuseTransactional(batch: RecordBatchView, where: string): void {
  if (!batch.isTransactional) return
  throw new ApiError(
    ErrorCode.INVALID_TXN_STATE,
    `a transactional batch for ${where}: no transaction of producer ${batch.producerId} is known to be ongoing`,
  )
}

function joined(prepared: readonly RecordBatchView[]): Buffer {
  const [only] = prepared
  return prepared.length === 1 && only !== undefined
    ? only.bytes()
    : Buffer.concat(prepared.map(batch => batch.bytes()))
}
