import type {
  LeaderAndEpoch,
  RaftBatch,
  RaftListener,
  RecordSerde,
  SnapshotReader,
} from '../../src/raft/raft-client.ts'

export const stringSerde: RecordSerde<string> = {
  write: record => Buffer.from(record),
  read: bytes => bytes.toString(),
}

/** A listener whose state is the list of all records, and that notes what it was told. */
export class Recorder implements RaftListener<string> {
  readonly name: string
  readonly batches: RaftBatch<string>[] = []
  readonly events: string[] = []
  leader: LeaderAndEpoch | undefined
  records: string[] = []
  nextOffset = 0

  constructor(name = 'recorder') {
    this.name = name
  }

  handleCommit(committed: readonly RaftBatch<string>[]): void {
    for (const batch of committed) {
      if (batch.baseOffset !== this.nextOffset) {
        throw new Error(`${this.name} was at ${this.nextOffset} and was given ${batch.baseOffset}`)
      }
      this.nextOffset = batch.lastOffset + 1
      this.records.push(...batch.records)
    }
    this.batches.push(...committed)
    this.events.push(`commit to ${committed.at(-1)?.lastOffset}`)
  }

  async handleLoadSnapshot(reader: SnapshotReader<string>): Promise<void> {
    this.records = []
    for await (const batch of reader.batches()) this.records.push(...batch.records)
    this.nextOffset = reader.snapshotId.offset
    this.events.push(`snapshot to ${reader.snapshotId.offset}`)
    await reader.close()
  }

  handleLeaderChange(leader: LeaderAndEpoch): void {
    this.leader = leader
    this.events.push(`leader ${leader.leaderId ?? '?'} epoch ${leader.epoch}`)
  }

  beginShutdown(): void {
    this.events.push('shutdown')
  }
}
