import type { CoordinatorResult } from '../../../../src/coordinator/common/coordinator-result.ts'
import { SnapshotRegistry } from '../../../../src/coordinator/common/snapshot-registry.ts'
import {
  DEFAULT_GROUP_COORDINATOR_CONFIG,
  type GroupCoordinatorConfig,
} from '../../../../src/coordinator/group/group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../../../../src/coordinator/group/group-coordinator-records.ts'
import { GroupCoordinatorShard } from '../../../../src/coordinator/group/group-coordinator-shard.ts'
import type { OffsetCommitRequest } from '../../../../src/protocol/apis/offset-commit.ts'
import { ZERO_UUID } from '../../../../src/protocol/uuid.ts'
import { aleaStream } from '../../../../src/runtime/random-alea.ts'
import { ManualCoordinatorExecutor } from './manual-coordinator-executor.ts'
import { ManualCoordinatorTimer } from './manual-coordinator-timer.ts'

export const WALL_START_MS = 1_700_000_000_000
export const GROUP = 'group'

export interface CommitOptions extends Partial<Omit<OffsetCommitRequest, 'topics'>> {
  readonly topic?: string
  readonly topicId?: string
  readonly partition?: number
  readonly metadata?: string | null
  readonly leaderEpoch?: number
  readonly apiVersion?: number
}

/** A shard on its own: time stands until the test moves it, and what it writes is applied, and committed when the test says so. */
export class ShardUnderTest {
  readonly timer = new ManualCoordinatorTimer<GroupCoordinatorRecord>(operation => this.write(operation()))
  readonly executor = new ManualCoordinatorExecutor<GroupCoordinatorRecord>(operation => this.write(operation()))
  readonly shard: GroupCoordinatorShard
  /** All that was written. */
  readonly log: GroupCoordinatorRecord[] = []
  readonly #snapshotRegistry = new SnapshotRegistry()
  committedOffset = 0

  constructor(config: Partial<GroupCoordinatorConfig> = {}) {
    this.#snapshotRegistry.idempotentCreateSnapshot(0)
    this.shard = new GroupCoordinatorShard({
      topicPartition: { topic: '__consumer_offsets', partition: 0 },
      snapshotRegistry: this.#snapshotRegistry,
      timer: this.timer,
      executor: this.executor,
      time: { wallMs: () => this.wallMs, monotonicMs: () => this.timer.nowMs },
      random: aleaStream('shard under test'),
      config: { ...DEFAULT_GROUP_COORDINATOR_CONFIG, ...config },
    })
  }

  get wallMs(): number {
    return WALL_START_MS + this.timer.nowMs
  }

  /** Applies and writes what came of an operation. */
  write<T>({ records, response, replayRecords, onAppended }: CoordinatorResult<T, GroupCoordinatorRecord>): T {
    for (const record of records) {
      if (replayRecords !== false) this.shard.replay(this.log.length, record)
      this.log.push(record)
    }
    this.#snapshotRegistry.idempotentCreateSnapshot(this.log.length)
    onAppended?.(undefined)
    return response
  }

  /** Everything that was written is committed. */
  commitLog(): void {
    this.committedOffset = this.log.length
    this.#snapshotRegistry.deleteSnapshotsUpTo(this.committedOffset)
  }

  /** What was written after the first `length` records could not be, and is undone. */
  revert(length: number): void {
    this.log.length = length
    this.#snapshotRegistry.revertToSnapshot(length)
  }

  /** Commits an offset; gives the partition's error code. */
  commitOffset(committedOffset: number, options: CommitOptions = {}): number {
    const { topic = 'orders', topicId = ZERO_UUID, partition = 0, metadata = '', leaderEpoch = -1, ...rest } = options
    const { apiVersion = 9, ...request } = rest
    const partitions = [
      { partitionIndex: partition, committedOffset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata },
    ]
    const defaults = { groupId: GROUP, memberId: '', groupInstanceId: null, generationIdOrMemberEpoch: -1 }
    const topics = [{ name: topic, topicId, partitions }]
    const result = this.shard.offsets.commitOffset({ ...defaults, retentionTimeMs: -1, ...request, topics }, apiVersion)
    return this.write(result).topics[0]?.partitions[0]?.errorCode ?? -1
  }

  /** What is committed of a partition, as a reader of the newest state sees it. */
  offset(topic = 'orders', partition = 0, groupId = GROUP, topicId = ZERO_UUID): number | undefined {
    return this.#fetch(undefined, topic, partition, groupId, topicId)
  }

  /** The same as of the last committed offset of the log. */
  committed(topic = 'orders', partition = 0): number | undefined {
    return this.#fetch(this.committedOffset, topic, partition, GROUP, ZERO_UUID)
  }

  #fetch(at: number | undefined, name: string, partition: number, groupId: string, topicId: string) {
    const topics = [{ name, topicId, partitionIndexes: [partition] }]
    const { topics: fetched } = this.shard.offsets.fetchOffsets(
      { groupId, memberId: null, memberEpoch: -1, topics },
      at,
    )
    return fetched[0]?.partitions[0]?.committedOffset
  }
}
