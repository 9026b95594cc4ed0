import { PartitionMetadataFile } from '../log/partition-metadata-file.ts'
import { buildBatch } from '../protocol/records/build-batch.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import { METADATA_TOPIC_ID } from '../protocol/uuid.ts'
import { Condition } from '../runtime/condition.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { KafkaMetadataLog, MAX_BATCH_BYTES } from './kafka-metadata-log.ts'
import { leaderChangeBatch } from './leader-change-message.ts'
import { QuorumStateStore } from './quorum-state-store.ts'
import {
  AppendBufferFullError,
  BatchTooLargeError,
  type LeaderAndEpoch,
  NotLeaderError,
  type RaftBatch,
  type RaftClient,
  type RaftListener,
  type RecordSerde,
} from './raft-client.ts'
import { RaftListenerContext, type RaftProgress } from './raft-listener-context.ts'

/** The metadata log's directory in the (first) log directory. */
export const CLUSTER_METADATA_DIRECTORY = '__cluster_metadata-0'

const DEFAULT_SEGMENT_BYTES = 1024 * 1024 * 1024
const MAX_PENDING_BYTES = 5 * MAX_BATCH_BYTES
const READ_BYTES = 1024 * 1024
const RECENT_BATCHES = 64
const RECENT_BYTES = 4 * 1024 * 1024

export interface SingleVoterRaftClientOptions<T> {
  readonly nodeId: number
  /** The log directory: the metadata log becomes a directory in it. */
  readonly logDirectory: string
  readonly serde: RecordSerde<T>
  /** Called once when the log cannot go on (a failed disk, a listener's error): the process should halt. */
  readonly onFault: (error: unknown) => void
  /** Size at which a new file of the log is begun; default 1 GiB. */
  readonly segmentBytes?: number
}

interface PendingBatch<T> {
  readonly bytes: Buffer
  readonly batch: RaftBatch<T>
}

/**
 * A quorum of one voter: it leads from its start to its end, each time in a new epoch, and what it has fsynced is
 * committed. The rest of the world sees it only as a `RaftClient`.
 */
export class SingleVoterRaftClient<T> implements RaftClient<T>, RaftProgress<T> {
  readonly nodeId: number
  readonly #runtime: Runtime
  readonly #options: SingleVoterRaftClientOptions<T>
  readonly #directory: string
  readonly #quorumState: QuorumStateStore
  readonly #work: Condition
  readonly #news: Condition
  readonly #stopped: Condition
  readonly #listeners = new Map<RaftListener<T>, RaftListenerContext<T>>()
  /** Prepared, not yet scheduled. */
  #prepared: PendingBatch<T>[] = []
  /** Scheduled, not yet on disk. */
  #scheduled: PendingBatch<T>[] = []
  #pendingBytes = 0
  #preparedEndOffset = 0
  /** The last committed batches, at most 64 and 4 MiB, so that listeners that keep up need no disk. Without gap up to the high watermark. */
  #recent: RaftBatch<T>[] = []
  #log: KafkaMetadataLog | undefined
  #leader: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }
  #highWatermark = 0
  #resigned = false
  #state: 'new' | 'running' | 'closing' | 'closed' | 'failed' = 'new'
  #threads = 0

  constructor(runtime: Runtime, options: SingleVoterRaftClientOptions<T>) {
    this.nodeId = options.nodeId
    this.#runtime = runtime
    this.#options = options
    const { logDirectory } = options
    this.#directory = logDirectory === '' ? CLUSTER_METADATA_DIRECTORY : `${logDirectory}/${CLUSTER_METADATA_DIRECTORY}`
    this.#quorumState = new QuorumStateStore(runtime, this.#directory)
    this.#work = new Condition(runtime, 'raft appends')
    this.#news = new Condition(runtime, 'raft commits')
    this.#stopped = new Condition(runtime, 'raft shutdown')
  }

  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#leader
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  get logEndOffset(): number {
    return this.#log?.endOffset ?? 0
  }

  /** Bytes of a torn tail that the start has cut off. */
  get truncatedBytes(): number {
    return this.#log?.truncatedBytes ?? 0
  }

  /** Recovers the log and becomes leader. Rejects when disk or files do not allow it. */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a raft client can be started once')
    await this.#runtime.disk.makeDirectory(this.#directory)
    await this.#runtime.disk.syncDirectory(this.#options.logDirectory)
    const metadata = new PartitionMetadataFile(this.#runtime, this.#directory)
    if ((await metadata.read()) === undefined) await metadata.write(METADATA_TOPIC_ID)
    const segmentBytes = this.#options.segmentBytes ?? DEFAULT_SEGMENT_BYTES
    this.#log = await KafkaMetadataLog.open(this.#runtime, this.#directory, segmentBytes)
    const remembered = await this.#quorumState.read()
    await this.#lead(this.#log, Math.max(remembered?.leaderEpoch ?? 0, this.#log.lastEpoch) + 1)
    this.#state = 'running'
    const log = this.#log
    this.#startThread(`raft-io-${this.nodeId}`, () => this.#ioLoop(log))
    for (const context of this.#listeners.values()) this.#startListener(context)
  }

  register(listener: RaftListener<T>): void {
    if (this.#listeners.has(listener)) return
    const context = new RaftListenerContext(listener)
    this.#listeners.set(listener, context)
    if (this.#state === 'running') this.#startListener(context)
  }

  unregister(listener: RaftListener<T>): void {
    const context = this.#listeners.get(listener)
    if (context === undefined) return
    context.closed = true
    this.#listeners.delete(listener)
    this.#news.signalAll()
  }

  prepareAppend(epoch: number, records: readonly T[]): number {
    const leader = this.#leader
    if (this.#state !== 'running' || this.#resigned || leader.leaderId !== this.nodeId || leader.epoch !== epoch) {
      throw new NotLeaderError(epoch, leader)
    }
    if (records.length === 0) throw new RangeError('an append needs at least one record')
    const appendTimestampMs = this.#runtime.clock.wallMs()
    const baseOffset = this.#preparedEndOffset
    const values = records.map(record => ({ value: this.#options.serde.write(record), timestamp: appendTimestampMs }))
    const bytes = buildBatch({ records: values, baseOffset, partitionLeaderEpoch: epoch })
    if (bytes.length > MAX_BATCH_BYTES) throw new BatchTooLargeError(bytes.length, MAX_BATCH_BYTES)
    if (this.#pendingBytes + bytes.length > MAX_PENDING_BYTES) {
      throw new AppendBufferFullError(this.#pendingBytes, MAX_PENDING_BYTES)
    }
    const lastOffset = baseOffset + records.length - 1
    const batch = { baseOffset, lastOffset, epoch, appendTimestampMs, sizeBytes: bytes.length, records: [...records] }
    this.#prepared.push({ bytes, batch })
    this.#pendingBytes += bytes.length
    this.#preparedEndOffset = lastOffset + 1
    return lastOffset
  }

  schedulePreparedAppend(): void {
    if (this.#prepared.length === 0) return
    this.#scheduled.push(...this.#prepared)
    this.#prepared = []
    this.#work.signal()
  }

  resign(epoch: number): void {
    if (this.#leader.leaderId !== this.nodeId || this.#leader.epoch !== epoch) return
    this.#resigned = true
    this.#work.signal()
  }

  async shutdown(timeoutMs: number): Promise<void> {
    if (this.#state === 'new') return
    this.schedulePreparedAppend()
    if (this.#state === 'running') this.#state = 'closing'
    this.#work.signalAll()
    this.#news.signalAll()
    const deadlineMs = this.#runtime.clock.monotonicMs() + timeoutMs
    while (this.#threads > 0) {
      const leftMs = deadlineMs - this.#runtime.clock.monotonicMs()
      if (leftMs <= 0 || !(await this.#stopped.wait(leftMs))) break
    }
    if (this.#threads === 0) await this.#log?.close()
  }

  /** See `RaftProgress`: from memory when the offset is recent, else from disk. */
  readCommitted(offset: number): Promise<readonly RaftBatch<T>[]> | readonly RaftBatch<T>[] {
    const first = this.#recent[0]
    if (first !== undefined && first.baseOffset <= offset) {
      return this.#recent.filter(batch => batch.baseOffset >= offset)
    }
    return this.#readFromDisk(offset)
  }

  async #readFromDisk(offset: number): Promise<RaftBatch<T>[]> {
    const views = (await this.#log?.read(offset, READ_BYTES)) ?? []
    return views.filter(view => view.lastOffset < this.#highWatermark).map(view => this.#decode(view))
  }

  #decode(view: RecordBatchView): RaftBatch<T> {
    const records: T[] = []
    if (!view.isControl) {
      for (const record of view.records()) records.push(this.#options.serde.read(record.value ?? Buffer.alloc(0)))
    }
    const { baseOffset, lastOffset, partitionLeaderEpoch: epoch, sizeInBytes: sizeBytes } = view
    return { baseOffset, lastOffset, epoch, appendTimestampMs: view.maxTimestamp, sizeBytes, records }
  }

  async #ioLoop(log: KafkaMetadataLog): Promise<void> {
    while (this.#state === 'running' || (this.#state === 'closing' && this.#scheduled.length > 0)) {
      if (this.#resigned) await this.#lead(log, this.#leader.epoch + 1)
      else if (this.#scheduled.length > 0) await this.#write(log)
      else await this.#work.wait()
    }
    if (this.#state === 'closing') this.#state = 'closed'
    this.#news.signalAll()
  }

  async #write(log: KafkaMetadataLog): Promise<void> {
    const batches = this.#scheduled
    this.#scheduled = []
    await log.append(batches.map(pending => pending.bytes))
    for (const { bytes, batch } of batches) {
      this.#pendingBytes -= bytes.length
      this.#recent.push(batch)
    }
    this.#commit(log)
  }

  #commit(log: KafkaMetadataLog): void {
    let bytes = 0
    const kept = this.#recent.findLastIndex((batch, index) => {
      bytes += batch.sizeBytes
      return bytes > RECENT_BYTES || this.#recent.length - index > RECENT_BATCHES
    })
    if (kept >= 0) this.#recent = this.#recent.slice(kept + 1)
    this.#highWatermark = log.endOffset
    this.#news.signalAll()
  }

  /** An election that only this voter takes part in. Appends of earlier epochs that are not yet on disk are dropped. */
  async #lead(log: KafkaMetadataLog, epoch: number): Promise<void> {
    this.#leader = { leaderId: undefined, epoch }
    this.#news.signalAll()
    this.#resigned = false
    this.#prepared = []
    this.#scheduled = []
    this.#pendingBytes = 0
    const voters = [this.nodeId]
    await this.#quorumState.write({ leaderId: this.nodeId, leaderEpoch: epoch, votedId: -1, voters })
    const baseOffset = log.endOffset
    const timestampMs = this.#runtime.clock.wallMs()
    const leaderId = this.nodeId
    const bytes = leaderChangeBatch({ baseOffset, epoch, timestampMs, leaderId, voters, grantingVoters: voters })
    await log.append([bytes])
    this.#recent.push({
      baseOffset,
      lastOffset: baseOffset,
      epoch,
      appendTimestampMs: timestampMs,
      sizeBytes: bytes.length,
      records: [],
    })
    this.#preparedEndOffset = log.endOffset
    this.#leader = { leaderId, epoch }
    this.#commit(log)
  }

  #startListener(context: RaftListenerContext<T>): void {
    this.#startThread(`raft-listener-${context.listener.name}`, () => this.#listenerLoop(context))
  }

  async #listenerLoop(context: RaftListenerContext<T>): Promise<void> {
    while (!context.closed && this.#state !== 'failed') {
      if (context.hasNews(this)) await context.deliver(this)
      else if (this.#state === 'closed') break
      else await this.#news.wait()
    }
    if (!context.closed) context.listener.beginShutdown()
  }

  #startThread(name: string, body: () => Promise<void>): void {
    this.#threads++
    this.#runtime.threads.start(name, async () => {
      try {
        await body()
      } catch (error) {
        this.#fail(error)
      }
      this.#threads--
      this.#stopped.signalAll()
    })
  }

  /** What is on disk is not known any more: nothing may be acknowledged from now on. */
  #fail(error: unknown): void {
    if (this.#state === 'failed') return
    this.#state = 'failed'
    this.#work.signalAll()
    this.#news.signalAll()
    this.#options.onFault(error)
  }
}
