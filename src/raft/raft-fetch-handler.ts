import type { FetchRequest, FetchResponse } from '../protocol/apis/fetch.ts'
import type { FetchSnapshotRequest, FetchSnapshotResponse } from '../protocol/apis/fetch-snapshot.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { MessageInput } from '../protocol/schema.ts'
import { METADATA_TOPIC_ID } from '../protocol/uuid.ts'
import type { OffsetAndEpoch } from './raft-client.ts'
import type { RaftCore } from './raft-core.ts'
import { MAX_FETCH_BYTES, METADATA_PARTITION, METADATA_TOPIC } from './raft-messages.ts'

type FetchAnswer = MessageInput<typeof FetchResponse>
type FetchPartition = FetchRequest['topics'][number]['partitions'][number]
type SnapshotAnswer = MessageInput<typeof FetchSnapshotResponse>

/** Fetches that wait for news; one more is answered at once. */
const MAX_WAITING_FETCHES = 1000
const NO_BYTES = Buffer.alloc(0)
/** A request of a version that does not tell the follower's high watermark says this (KIP-1166). */
const HIGH_WATERMARK_NOT_TOLD = Number.MAX_SAFE_INTEGER

interface ParsedFetch {
  readonly replicaId: number
  readonly partition: FetchPartition
  readonly maxBytes: number
}

interface WaitingFetch extends ParsedFetch {
  readonly deadlineMs: number
  readonly reply: (answer: FetchAnswer) => void
}

/**
 * Answers Fetch and FetchSnapshot as the quorum's leader. A fetch tells how far its sender is, and it waits here until there
 * are records for it, a high watermark that its sender does not know (KIP-1166), or no leader any more.
 */
export class RaftFetchHandler<T> {
  readonly #core: RaftCore<T>
  #waiting: WaitingFetch[] = []

  constructor(core: RaftCore<T>) {
    this.#core = core
  }

  /** Until the first waiting fetch has waited long enough. */
  timeUntilExpiryMs(nowMs: number): number {
    let soonestMs = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#waiting) soonestMs = Math.min(soonestMs, deadlineMs - nowMs)
    return Math.max(0, soonestMs)
  }

  async fetch(request: FetchRequest, reply: (answer: FetchAnswer) => void): Promise<void> {
    const { clusterId, maxWaitMs, topics } = request
    if (clusterId !== null && clusterId !== this.#core.options.clusterId) {
      reply({ errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID, responses: [] })
      return
    }
    const topic = topics[0]
    const partition = topic?.partitions[0]
    const isMetadata = topic?.topicId === METADATA_TOPIC_ID || topic?.topic === METADATA_TOPIC
    const isOne = topics.length === 1 && topic?.partitions.length === 1
    if (!isMetadata || !isOne || partition?.partition !== METADATA_PARTITION) {
      reply({ errorCode: ErrorCode.INVALID_REQUEST, responses: [] })
      return
    }
    const { fetchOffset, lastFetchedEpoch, currentLeaderEpoch } = partition
    const replicaId = request.replicaState.replicaId >= 0 ? request.replicaState.replicaId : request.replicaId
    const invalid = maxWaitMs < 0 || fetchOffset < 0 || lastFetchedEpoch < 0 || lastFetchedEpoch > currentLeaderEpoch
    if (invalid || replicaId === this.#core.quorum.nodeId) {
      reply(this.#answer(ErrorCode.INVALID_REQUEST))
      return
    }
    const fetch = { replicaId, partition, maxBytes: Math.min(request.maxBytes, MAX_FETCH_BYTES) }
    const answer = await this.#tryComplete(fetch)
    if (answer !== undefined) reply(answer)
    else if (maxWaitMs === 0 || this.#waiting.length >= MAX_WAITING_FETCHES) reply(this.#answer(ErrorCode.NONE))
    else this.#waiting.push({ ...fetch, deadlineMs: this.#core.nowMs() + maxWaitMs, reply })
  }

  /** Answers the fetches that have waited long enough. */
  expire(nowMs: number): void {
    if (this.#waiting.every(({ deadlineMs }) => deadlineMs > nowMs)) return
    const due = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs)
    this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs)
    for (const { reply } of due) reply(this.#answer(ErrorCode.NONE))
  }

  /** Looks again at all that wait: there are records, or there is no leader any more. */
  async completeAll(): Promise<void> {
    await this.#complete(this.#waiting.splice(0))
  }

  /** Looks again at those whose senders do not know this high watermark. */
  async onHighWatermark(highWatermark: number): Promise<void> {
    const behind = this.#waiting.filter(({ partition }) => partition.highWatermark < highWatermark)
    if (behind.length === 0) return
    this.#waiting = this.#waiting.filter(({ partition }) => partition.highWatermark >= highWatermark)
    await this.#complete(behind)
  }

  async fetchSnapshot(request: FetchSnapshotRequest): Promise<SnapshotAnswer> {
    const { clusterId, replicaId, maxBytes, topics } = request
    if (clusterId !== null && clusterId !== this.#core.options.clusterId) {
      return { errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID, topics: [] }
    }
    const topic = topics[0]
    const partition = topic?.partitions[0]
    if (topics.length !== 1 || topic?.partitions.length !== 1 || partition === undefined) {
      return { errorCode: ErrorCode.INVALID_REQUEST, topics: [] }
    }
    const { snapshotId, position, currentLeaderEpoch } = partition
    const id = { offset: snapshotId.endOffset, epoch: snapshotId.epoch }
    if (topic.name !== METADATA_TOPIC || partition.partition !== METADATA_PARTITION) {
      return this.#snapshotAnswer(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, id, position)
    }
    const leaderError = this.#leaderOnlyError(currentLeaderEpoch)
    if (leaderError !== undefined) return this.#snapshotAnswer(leaderError, id, position)
    const { snapshots } = this.#core.log
    if (!snapshots.has(id)) return this.#snapshotAnswer(ErrorCode.SNAPSHOT_NOT_FOUND, id, position)
    const file = await snapshots.open(id)
    try {
      if (position < 0 || position >= file.size) {
        return this.#snapshotAnswer(ErrorCode.POSITION_OUT_OF_RANGE, id, position)
      }
      const bytes = await file.read(position, Math.max(1, Math.min(maxBytes, MAX_FETCH_BYTES)))
      this.#core.leader?.onVoterFetch(replicaId, this.#core.nowMs())
      return this.#snapshotAnswer(ErrorCode.NONE, id, position, file.size, bytes)
    } finally {
      await file.close()
    }
  }

  async #complete(fetches: readonly WaitingFetch[]): Promise<void> {
    for (const fetch of fetches) {
      const answer = await this.#tryComplete(fetch)
      if (answer === undefined) this.#waiting.push(fetch)
      else fetch.reply(answer)
    }
  }

  /** Notes how far the sender is. Undefined when there is nothing that it would want to know at once. */
  async #tryComplete({ replicaId, partition, maxBytes }: ParsedFetch): Promise<FetchAnswer | undefined> {
    const { log } = this.#core
    const { fetchOffset, lastFetchedEpoch } = partition
    const errorCode = this.#leaderOnlyError(partition.currentLeaderEpoch)
    if (errorCode !== undefined) return this.#answer(errorCode)
    const { latest } = log.snapshots
    // To an empty replica a snapshot is quicker than the log.
    if (fetchOffset === 0 && latest !== undefined)
      return this.#answer(ErrorCode.NONE, { snapshotId: snapshotIdOf(latest) })
    const valid = log.validateOffsetAndEpoch(fetchOffset, lastFetchedEpoch)
    if (valid.kind === 'snapshot') return this.#answer(ErrorCode.NONE, { snapshotId: snapshotIdOf(valid.id) })
    if (valid.kind === 'diverging') {
      const { offset: endOffset, epoch } = valid.end
      return this.#answer(ErrorCode.NONE, { divergingEpoch: { epoch, endOffset } })
    }
    const { leader, runtime } = this.#core
    if (leader?.updateReplica(replicaId, fetchOffset, this.#core.nowMs(), runtime.clock.wallMs())) {
      await this.#core.onLeaderHighWatermark(leader)
    }
    const read = log.read(fetchOffset, maxBytes)
    const batches = read instanceof Promise ? await read : read
    if (batches.length > 0) {
      const bytes = batches.map(batch => batch.bytes())
      return this.#answer(ErrorCode.NONE, {
        records: bytes.length === 1 ? (bytes[0] ?? NO_BYTES) : Buffer.concat(bytes),
      })
    }
    const known = partition.highWatermark
    const isNews = known !== HIGH_WATERMARK_NOT_TOLD && (leader?.highWatermark ?? -1) > known
    return isNews ? this.#answer(ErrorCode.NONE) : undefined
  }

  #leaderOnlyError(epoch: number): number | undefined {
    const { quorum, leader, shuttingDown } = this.#core
    if (epoch < quorum.epoch) return ErrorCode.FENCED_LEADER_EPOCH
    if (epoch > quorum.epoch) return ErrorCode.UNKNOWN_LEADER_EPOCH
    if (leader === undefined) return ErrorCode.NOT_LEADER_OR_FOLLOWER
    return shuttingDown ? ErrorCode.BROKER_NOT_AVAILABLE : undefined
  }

  #answer(
    errorCode: number,
    more: Partial<NonNullable<FetchAnswer['responses']>[number]['partitions'][number]> = {},
  ): FetchAnswer {
    const { quorum, leader, log } = this.#core
    const isError = errorCode !== ErrorCode.NONE
    const partition = {
      partitionIndex: METADATA_PARTITION,
      errorCode,
      highWatermark: isError ? -1 : (leader?.highWatermark ?? -1),
      logStartOffset: log.startOffset,
      currentLeader: { leaderId: quorum.leaderId ?? -1, leaderEpoch: quorum.epoch },
      records: NO_BYTES,
      ...more,
    }
    const topic = { topic: METADATA_TOPIC, topicId: METADATA_TOPIC_ID, partitions: [partition] }
    return { errorCode: ErrorCode.NONE, responses: [topic] }
  }

  #snapshotAnswer(
    errorCode: number,
    id: OffsetAndEpoch,
    position: number,
    size = 0,
    unalignedRecords: Buffer = NO_BYTES,
  ): SnapshotAnswer {
    const { quorum } = this.#core
    const partition = {
      index: METADATA_PARTITION,
      errorCode,
      snapshotId: snapshotIdOf(id),
      currentLeader: { leaderId: quorum.leaderId ?? -1, leaderEpoch: quorum.epoch },
      size,
      position,
      unalignedRecords,
    }
    return { errorCode: ErrorCode.NONE, topics: [{ name: METADATA_TOPIC, partitions: [partition] }] }
  }
}

function snapshotIdOf({ offset, epoch }: OffsetAndEpoch): { readonly endOffset: number; readonly epoch: number } {
  return { endOffset: offset, epoch }
}
