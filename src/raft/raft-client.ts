/** Who leads the quorum in an epoch; undefined while that is not known. */
export interface LeaderAndEpoch {
  readonly leaderId: number | undefined
  readonly epoch: number
}

/** Records that were appended together: all of them are committed, or none. */
export interface RaftBatch<T> {
  readonly baseOffset: number
  readonly lastOffset: number
  /** The leader's epoch when it appended the batch. */
  readonly epoch: number
  /** When the leader appended it, milliseconds since 1970 on its clock. */
  readonly appendTimestampMs: number
  /** Bytes in the log. */
  readonly sizeBytes: number
  /** Empty in a batch of control records (a leader change), which takes an offset all the same. */
  readonly records: readonly T[]
}

/** A place in the log: everything before `offset`, whose last record was appended in `epoch`. Names a snapshot. */
export interface OffsetAndEpoch {
  readonly offset: number
  readonly epoch: number
}

/** A snapshot that a listener loads instead of the log's beginning. */
export interface SnapshotReader<T> {
  readonly snapshotId: OffsetAndEpoch
  /** Append time of the last record that is contained, milliseconds since 1970 on its leader's clock. */
  readonly lastContainedLogTimestampMs: number
  /** Its batches, in order. To be called once. */
  batches(): AsyncIterable<RaftBatch<T>>
  /** Lets go of the file; idempotent. The listener that was given the reader closes it. */
  close(): Promise<void>
}

/** A snapshot in the making: it becomes visible, whole and synced, by `freeze`. */
export interface SnapshotWriter<T> {
  readonly snapshotId: OffsetAndEpoch
  append(records: readonly T[]): Promise<void>
  freeze(): Promise<void>
  /** Drops what was written and not frozen; idempotent. */
  close(): Promise<void>
}

/**
 * A state machine over the log. Calls come one at a time; the next one waits for the promise of the one before, which
 * is how a slow listener holds the delivery back. An error that leaves a call is a fault of the process.
 */
export interface RaftListener<T> {
  /** For messages and thread names. */
  readonly name: string
  /** Committed batches, in order and without gap: each begins where the one before it has ended. */
  handleCommit(batches: readonly RaftBatch<T>[]): Promise<void> | void
  /**
   * The listener's state becomes what the snapshot says; the next commit begins at its offset. Comes at the beginning,
   * when there is a snapshot, and when this node was so far behind that the leader had only a snapshot for it.
   */
  handleLoadSnapshot(reader: SnapshotReader<T>): Promise<void> | void
  /**
   * The leader or the epoch has changed; epochs never go back. When this node leads, it is told only after everything
   * committed before its epoch, and its own leader change, was delivered.
   */
  handleLeaderChange(leader: LeaderAndEpoch): Promise<void> | void
  /** The client is shutting down: no call will follow. */
  beginShutdown(): void
}

/** How the records of a log become bytes and back. */
export interface RecordSerde<T> {
  write(record: T): Buffer
  /** Throws when the bytes are no record of a known kind and version. */
  read(bytes: Buffer): T
}

/** A replicated log, as Kafka's RaftClient offers it. */
export interface RaftClient<T> {
  readonly nodeId: number
  readonly leaderAndEpoch: LeaderAndEpoch
  /** One more than the last committed offset; undefined until it is known. */
  readonly highWatermark: number | undefined
  /** One more than the last offset in the log. */
  readonly logEndOffset: number
  /** From now on the listener is told of everything, from the beginning of the log. */
  register(listener: RaftListener<T>): void
  /** No call follows one that is under way now. */
  unregister(listener: RaftListener<T>): void
  /**
   * Takes records for the log, to be committed all or none, and gives the offset that the last one will have.
   * They are written after `schedulePreparedAppend`. Throws NotLeaderError when this node does not lead in `epoch`
   * (the listener will hear of it, and must then forget what was not committed), BatchTooLargeError, and
   * AppendBufferFullError.
   */
  prepareAppend(epoch: number, records: readonly T[]): number
  /** Lets prepared records be written. */
  schedulePreparedAppend(): void
  /**
   * Begins a snapshot of everything before `snapshotId.offset`, which must be committed. Undefined when there is one of
   * that id, or a newer one, already.
   */
  createSnapshot(
    snapshotId: OffsetAndEpoch,
    lastContainedLogTimestampMs: number,
  ): Promise<SnapshotWriter<T> | undefined>
  /** Of the newest snapshot. */
  readonly latestSnapshotId: OffsetAndEpoch | undefined
  /** Gives up leading in `epoch`; ignored when that is not the present epoch or this node does not lead. */
  resign(epoch: number): void
  /** Writes what is prepared, tells the listeners, and stops; waits at most `timeoutMs`. */
  shutdown(timeoutMs: number): Promise<void>
}

/** This node does not lead in the epoch for which an append was meant. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError'

  constructor(epoch: number, present: LeaderAndEpoch) {
    const leader = present.leaderId === undefined ? 'the leader is not known' : `node ${present.leaderId} leads`
    super(`append for epoch ${epoch}: ${leader} in epoch ${present.epoch}`)
  }
}

/** Records that would have to be committed together need more bytes than a batch may have. */
export class BatchTooLargeError extends Error {
  override readonly name = 'BatchTooLargeError'

  constructor(sizeBytes: number, maxBytes: number) {
    super(`a batch of ${sizeBytes} bytes is too large for the metadata log, at most ${maxBytes} are allowed`)
  }
}

/** The log cannot keep up with the appends. */
export class AppendBufferFullError extends Error {
  override readonly name = 'AppendBufferFullError'

  constructor(pendingBytes: number, maxBytes: number) {
    super(`${pendingBytes} bytes wait to be written to the metadata log, at most ${maxBytes} may`)
  }
}
