import type { MetadataRecord } from '../../src/controller/metadata-records.ts'
import {
  type LeaderAndEpoch,
  NotLeaderError,
  type OffsetAndEpoch,
  type RaftBatch,
  type RaftClient,
  type RaftListener,
  type SnapshotReader,
  type SnapshotWriter,
} from '../../src/raft/raft-client.ts'

type Batch = RaftBatch<MetadataRecord>

interface Snapshot {
  readonly id: OffsetAndEpoch
  readonly timestampMs: number
  readonly records: readonly MetadataRecord[]
}

/**
 * A metadata log without a quorum: who leads and what is committed is what the test says. Each node has a client; what is
 * appended is committed at once, or with `holdCommits` when the test says so.
 */
export class FakeMetadataLog {
  leader: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }
  holdCommits = false
  /** Where the log begins: what is before is only in the snapshot. */
  startOffset = 0
  snapshot: Snapshot | undefined
  readonly committed: Batch[] = []
  readonly pending: Batch[] = []
  readonly #clients: FakeRaftClient[] = []

  client(nodeId: number, onFault: (error: unknown) => void): FakeRaftClient {
    const client = new FakeRaftClient(this, nodeId, onFault)
    this.#clients.push(client)
    return client
  }

  get highWatermark(): number {
    return (this.committed.at(-1)?.lastOffset ?? -1) + 1
  }

  get logEndOffset(): number {
    return (this.pending.at(-1)?.lastOffset ?? this.highWatermark - 1) + 1
  }

  /** Another epoch begins; what is not committed is gone. */
  lead(leaderId: number | undefined): void {
    this.pending.length = 0
    this.leader = { leaderId, epoch: this.leader.epoch + 1 }
    if (leaderId !== undefined) {
      this.append([]) // the leader change, which takes an offset
      this.commitAll()
    }
    this.wake()
  }

  append(records: readonly MetadataRecord[]): number {
    const baseOffset = this.logEndOffset
    const lastOffset = baseOffset + Math.max(1, records.length) - 1
    const { epoch } = this.leader
    const sizeBytes = 100 * Math.max(1, records.length)
    this.pending.push({ baseOffset, lastOffset, epoch, appendTimestampMs: lastOffset, sizeBytes, records })
    return lastOffset
  }

  commitAll(): void {
    this.committed.push(...this.pending.splice(0))
    this.wake()
  }

  /** Drops what the snapshot contains. */
  dropPrefix(): void {
    this.startOffset = this.snapshot?.id.offset ?? 0
  }

  wake(): void {
    for (const client of this.#clients) client.wake()
  }
}

export class FakeRaftClient implements RaftClient<MetadataRecord> {
  readonly nodeId: number
  /** Thrown by the next appends. */
  failure: Error | undefined
  /** While true, the node hears of nothing. */
  cut = false
  readonly #log: FakeMetadataLog
  readonly #onFault: (error: unknown) => void
  readonly #deliveries: Delivery[] = []

  constructor(log: FakeMetadataLog, nodeId: number, onFault: (error: unknown) => void) {
    this.#log = log
    this.nodeId = nodeId
    this.#onFault = onFault
  }

  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#log.leader
  }

  get highWatermark(): number {
    return this.#log.highWatermark
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset
  }

  get latestSnapshotId(): OffsetAndEpoch | undefined {
    return this.#log.snapshot?.id
  }

  register(listener: RaftListener<MetadataRecord>): void {
    this.#deliveries.push(new Delivery(this.#log, this, listener, this.#onFault))
    this.wake()
  }

  unregister(listener: RaftListener<MetadataRecord>): void {
    const index = this.#deliveries.findIndex(delivery => delivery.listener === listener)
    if (index >= 0) this.#deliveries.splice(index, 1)[0]?.stop()
  }

  prepareAppend(epoch: number, records: readonly MetadataRecord[]): number {
    if (this.failure !== undefined) throw this.failure
    const { leader } = this.#log
    if (leader.leaderId !== this.nodeId || leader.epoch !== epoch) throw new NotLeaderError(epoch, leader)
    return this.#log.append(records)
  }

  schedulePreparedAppend(): void {
    if (!this.#log.holdCommits) this.#log.commitAll()
  }

  async createSnapshot(id: OffsetAndEpoch, timestampMs: number): Promise<SnapshotWriter<MetadataRecord> | undefined> {
    if ((this.latestSnapshotId?.offset ?? -1) >= id.offset) return undefined
    const records: MetadataRecord[] = []
    return {
      snapshotId: id,
      append: async more => {
        records.push(...more)
      },
      freeze: async () => {
        this.#log.snapshot = { id, timestampMs, records }
      },
      close: async () => {},
    }
  }

  resign(epoch: number): void {
    const { leader } = this.#log
    if (leader.leaderId === this.nodeId && leader.epoch === epoch) this.#log.lead(undefined)
  }

  async shutdown(): Promise<void> {
    for (const delivery of this.#deliveries.splice(0)) {
      delivery.stop()
      delivery.listener.beginShutdown()
    }
  }

  wake(): void {
    for (const delivery of this.#deliveries) delivery.wake()
  }
}

/** Tells one listener one thing after the other, its node's own leadership last. */
class Delivery {
  readonly listener: RaftListener<MetadataRecord>
  readonly #log: FakeMetadataLog
  readonly #client: FakeRaftClient
  readonly #onFault: (error: unknown) => void
  #nextOffset = 0
  #told: LeaderAndEpoch = { leaderId: undefined, epoch: 0 }
  #running = false
  #stopped = false

  constructor(
    log: FakeMetadataLog,
    client: FakeRaftClient,
    listener: RaftListener<MetadataRecord>,
    onFault: (error: unknown) => void,
  ) {
    this.#log = log
    this.#client = client
    this.listener = listener
    this.#onFault = onFault
  }

  stop(): void {
    this.#stopped = true
  }

  wake(): void {
    if (this.#running || this.#stopped || this.#client.cut) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    try {
      await Promise.resolve()
      while (!this.#stopped && !this.#client.cut && (await this.#tellNext()));
    } catch (error) {
      this.#stopped = true
      this.#onFault(error)
    }
    this.#running = false
  }

  async #tellNext(): Promise<boolean> {
    const { leader, committed, startOffset, snapshot } = this.#log
    const isNews = leader.epoch !== this.#told.epoch || leader.leaderId !== this.#told.leaderId
    const ledBefore = this.#told.leaderId === this.#client.nodeId
    if (isNews && (ledBefore || leader.leaderId !== this.#client.nodeId)) {
      const told = ledBefore ? { leaderId: undefined, epoch: leader.epoch } : leader
      this.#told = told
      await this.listener.handleLeaderChange(told)
      return true
    }
    if (this.#nextOffset < startOffset && snapshot !== undefined) {
      this.#nextOffset = snapshot.id.offset
      await this.listener.handleLoadSnapshot(reader(snapshot))
      return true
    }
    const batch = committed.find(({ baseOffset }) => baseOffset === this.#nextOffset)
    if (batch !== undefined) {
      this.#nextOffset = batch.lastOffset + 1
      await this.listener.handleCommit([batch])
      return true
    }
    if (!isNews) return false
    this.#told = leader
    await this.listener.handleLeaderChange(leader)
    return true
  }
}

function reader({ id, timestampMs, records }: Snapshot): SnapshotReader<MetadataRecord> {
  return {
    snapshotId: id,
    lastContainedLogTimestampMs: timestampMs,
    async *batches() {
      const lastOffset = records.length - 1
      yield { baseOffset: 0, lastOffset, epoch: id.epoch, appendTimestampMs: timestampMs, sizeBytes: 1, records }
    },
    close: async () => {},
  }
}
