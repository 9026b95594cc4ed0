import type { Api } from '../protocol/api.ts'
import { BeginQuorumEpoch, type BeginQuorumEpochResponse } from '../protocol/apis/begin-quorum-epoch.ts'
import { EndQuorumEpoch, type EndQuorumEpochResponse } from '../protocol/apis/end-quorum-epoch.ts'
import { Fetch, type FetchResponse } from '../protocol/apis/fetch.ts'
import { FetchSnapshot, type FetchSnapshotResponse } from '../protocol/apis/fetch-snapshot.ts'
import { Vote, type VoteResponse } from '../protocol/apis/vote.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { takeValidBatches } from './fetched-batches.ts'
import type { FollowerState } from './quorum-state.ts'
import type { OffsetAndEpoch } from './raft-client.ts'
import type { RaftCore } from './raft-core.ts'
import { TruncationBelowHighWatermarkError } from './raft-errors.ts'
import { METADATA_PARTITION, onlyPartition } from './raft-messages.ts'
import { compareOffsetAndEpoch, type PartialSnapshot } from './snapshot-files.ts'

/** As in Kafka, positions in a snapshot are 31 bits. */
const MAX_SNAPSHOT_BYTES = 0x7fff_ffff

/** A voter's answer; `body` is undefined when none came. */
export interface RaftResponse {
  readonly voterId: number
  readonly correlationId: number
  readonly api: Api
  readonly body: unknown
}

type FetchedPartition = FetchResponse['responses'][number]['partitions'][number]

/** Takes the answers of voters. An answer that brings nothing new counts as a failure, so that its giver gets a pause. */
export class RaftResponseHandler<T> {
  readonly #core: RaftCore<T>

  constructor(core: RaftCore<T>) {
    this.#core = core
  }

  async handle({ voterId, correlationId, api, body }: RaftResponse): Promise<void> {
    const { requests } = this.#core
    if (!requests.isResponseExpected(voterId, correlationId)) return
    const success = body !== undefined && (await this.#handle(voterId, api, body))
    requests.onResponseResult(voterId, correlationId, success, this.#core.nowMs())
  }

  /** A prospective with a majority stands for election, a candidate with one leads. */
  async maybeAdvance(): Promise<void> {
    if (this.#core.quorum.state.kind === 'prospective' && this.#core.quorum.state.election.isGranted) {
      await this.#core.becomeCandidate()
    }
    const { state } = this.#core.quorum
    if (state.kind === 'candidate' && state.election.isGranted) {
      await this.#core.becomeLeader(state.epoch, state.election.granting)
    }
  }

  /** The pre-vote has failed: back to the leader that is known, or to waiting for one. */
  async endProspective(): Promise<void> {
    const { state, nodeId } = this.#core.quorum
    if (state.kind !== 'prospective') return
    const { epoch, leaderId } = state
    if (leaderId !== undefined && leaderId !== nodeId) await this.#core.becomeFollower(epoch, leaderId)
    else await this.#core.becomeUnattached(epoch)
  }

  #handle(voterId: number, api: Api, body: unknown): Promise<boolean> {
    switch (api.key) {
      case Fetch.key:
        return this.#fetch(voterId, body as FetchResponse)
      case FetchSnapshot.key:
        return this.#fetchSnapshot(voterId, body as FetchSnapshotResponse)
      case Vote.key:
        return this.#vote(voterId, body as VoteResponse)
      case BeginQuorumEpoch.key:
        return this.#beginQuorumEpoch(body as BeginQuorumEpochResponse)
      case EndQuorumEpoch.key:
        return this.#endQuorumEpoch(voterId, body as EndQuorumEpochResponse)
      default:
        throw new RangeError(`an answer to ${api.name}, which the quorum does not speak`)
    }
  }

  async #vote(voterId: number, { errorCode, topics }: VoteResponse): Promise<boolean> {
    const partition = onlyPartition(topics)
    if (errorCode !== ErrorCode.NONE || partition === undefined) return false
    const handled = await this.#common(partition.errorCode, partition.leaderId, partition.leaderEpoch)
    if (handled !== undefined) return handled
    const { state } = this.#core.quorum
    if (state.kind !== 'prospective' && state.kind !== 'candidate') return true
    state.election.record(voterId, partition.voteGranted)
    if (partition.voteGranted) await this.maybeAdvance()
    else if (state.election.isRejected && state.kind === 'prospective') await this.endProspective()
    return true
  }

  async #beginQuorumEpoch({ errorCode, topics }: BeginQuorumEpochResponse): Promise<boolean> {
    const partition = onlyPartition(topics)
    if (errorCode !== ErrorCode.NONE || partition === undefined) return false
    return (await this.#common(partition.errorCode, partition.leaderId, partition.leaderEpoch)) ?? true
  }

  async #endQuorumEpoch(voterId: number, { errorCode, topics }: EndQuorumEpochResponse): Promise<boolean> {
    const partition = onlyPartition(topics)
    if (errorCode !== ErrorCode.NONE || partition === undefined) return false
    const handled = await this.#common(partition.errorCode, partition.leaderId, partition.leaderEpoch)
    if (handled !== undefined) return handled
    const { state } = this.#core.quorum
    if (state.kind === 'resigned') state.unacknowledged.delete(voterId)
    return true
  }

  async #fetch(voterId: number, { errorCode, responses }: FetchResponse): Promise<boolean> {
    const partition = responses[0]?.partitions[0]
    if (errorCode !== ErrorCode.NONE || partition?.partitionIndex !== METADATA_PARTITION) return false
    const { leaderId, leaderEpoch } = partition.currentLeader
    const handled = await this.#common(partition.errorCode, leaderId, leaderEpoch)
    if (handled !== undefined) return handled
    const { state } = this.#core.quorum
    if (state.kind !== 'follower' || state.leaderId !== voterId) return false
    if (!(await this.#take(state, partition))) return false
    this.#onFetched(state)
    return true
  }

  /** Does what the leader's answer says. Whether it made sense. */
  async #take(state: FollowerState, partition: FetchedPartition): Promise<boolean> {
    const { divergingEpoch, snapshotId, records, highWatermark } = partition
    if (divergingEpoch.epoch >= 0) {
      return this.#truncate({ offset: divergingEpoch.endOffset, epoch: divergingEpoch.epoch })
    }
    const { log, quorum } = this.#core
    if (snapshotId.epoch >= 0 || snapshotId.endOffset >= 0) {
      const id = { offset: snapshotId.endOffset, epoch: snapshotId.epoch }
      if (id.offset < 0 || id.epoch < 0 || log.snapshots.has(id)) return false
      state.fetchingSnapshot = await log.snapshots.create(id)
      return true
    }
    if (records !== null && records.length > 0) {
      const { endOffset, lastEpoch } = log
      const valid = takeValidBatches(records, { endOffset, lastEpoch, leaderEpoch: state.epoch })
      if (valid.length === 0) return false
      await log.append(valid)
      // The next fetch tells the leader that this voter has them; an observer's word does not count.
      if (quorum.isVoter) await log.flush()
    }
    if (highWatermark >= 0) this.#core.updateFollowerHighWatermark(highWatermark)
    return true
  }

  async #truncate(end: OffsetAndEpoch): Promise<boolean> {
    const { log, highWatermark } = this.#core
    const offset = log.truncationOffset(end)
    const committed = Math.max(highWatermark ?? 0, log.snapshots.latest?.offset ?? 0)
    if (Math.min(end.offset, offset) < committed) throw new TruncationBelowHighWatermarkError(end, offset, committed)
    if (offset >= log.endOffset) return false
    await log.truncateTo(offset)
    return true
  }

  async #fetchSnapshot(voterId: number, { errorCode, topics }: FetchSnapshotResponse): Promise<boolean> {
    const partition = topics[0]?.partitions[0]
    if (errorCode !== ErrorCode.NONE || partition?.index !== METADATA_PARTITION) return false
    const { leaderId, leaderEpoch } = partition.currentLeader
    const gone = partition.errorCode === ErrorCode.SNAPSHOT_NOT_FOUND
    const handled = await this.#common(gone ? ErrorCode.NONE : partition.errorCode, leaderId, leaderEpoch)
    if (handled !== undefined) return handled
    const { state } = this.#core.quorum
    if (state.kind !== 'follower' || state.leaderId !== voterId || state.fetchingSnapshot === undefined) return false
    const snapshot = state.fetchingSnapshot
    const { snapshotId, position, size, unalignedRecords } = partition
    const isIt = compareOffsetAndEpoch(snapshot.id, { offset: snapshotId.endOffset, epoch: snapshotId.epoch }) === 0
    const isNext = position === snapshot.sizeBytes && unalignedRecords.length > 0
    const fits = position + unalignedRecords.length <= size && size <= MAX_SNAPSHOT_BYTES
    if (gone || !isIt || !isNext || !fits) {
      // Begin again with what the leader has now.
      state.fetchingSnapshot = undefined
      await snapshot.discard()
      return gone
    }
    await snapshot.append(unalignedRecords)
    if (snapshot.sizeBytes === size) await this.#finishSnapshot(state, snapshot)
    this.#onFetched(state)
    return true
  }

  async #finishSnapshot(state: FollowerState, snapshot: PartialSnapshot): Promise<void> {
    state.fetchingSnapshot = undefined
    await snapshot.freeze()
    const { log } = this.#core
    if (await log.truncateToLatestSnapshot()) this.#core.updateFollowerHighWatermark(log.endOffset)
  }

  #onFetched(state: FollowerState): void {
    state.hasFetched = true
    state.fetchDeadlineMs = this.#core.nowMs() + this.#core.options.fetchTimeoutMs
  }

  /**
   * What all answers have in common: who leads, and errors. Undefined: go on with the answer; true: it was dealt with; false:
   * it brought nothing new.
   */
  async #common(errorCode: number, leader: number, epoch: number): Promise<boolean | undefined> {
    const { quorum } = this.#core
    const leaderId = leader < 0 ? undefined : leader
    if (epoch < quorum.epoch) return false
    const before = quorum.state
    const isStale = errorCode === ErrorCode.FENCED_LEADER_EPOCH || errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER
    const isNewLeader = leaderId !== undefined && leaderId !== quorum.nodeId && quorum.leaderId === undefined
    if (epoch > quorum.epoch || isStale || isNewLeader) await this.#core.maybeTransition(leaderId, epoch)
    if (isStale) return quorum.state !== before
    if (quorum.epoch !== before.epoch) return true
    return errorCode === ErrorCode.NONE ? undefined : false
  }
}
