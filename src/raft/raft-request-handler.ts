import type { BeginQuorumEpochRequest, BeginQuorumEpochResponse } from '../protocol/apis/begin-quorum-epoch.ts'
import type { DescribeQuorumRequest, DescribeQuorumResponse } from '../protocol/apis/describe-quorum.ts'
import type { EndQuorumEpochRequest, EndQuorumEpochResponse } from '../protocol/apis/end-quorum-epoch.ts'
import type { VoteRequest, VoteResponse } from '../protocol/apis/vote.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { MessageInput } from '../protocol/schema.ts'
import type { ReplicaState } from './leader-state.ts'
import type { RaftCore } from './raft-core.ts'
import { METADATA_PARTITION, METADATA_TOPIC, onlyPartition } from './raft-messages.ts'
import type { QuorumVoterEndpoint } from './raft-transport.ts'

export interface RaftRequestHandlerOptions {
  readonly voters: readonly QuorumVoterEndpoint[]
  readonly electionBackoffMaxMs: number
  readonly listenerName: string
}

/**
 * Answers the requests of elections: Vote, BeginQuorumEpoch, EndQuorumEpoch, and DescribeQuorum. What a request changes is
 * on disk before it is answered.
 */
export class RaftRequestHandler<T> {
  readonly #core: RaftCore<T>
  readonly #options: RaftRequestHandlerOptions

  constructor(core: RaftCore<T>, options: RaftRequestHandlerOptions) {
    this.#core = core
    this.#options = options
  }

  async vote(request: VoteRequest): Promise<MessageInput<typeof VoteResponse>> {
    const errorCode = this.#clusterError(request.clusterId)
    const partition = onlyPartition(request.topics)
    if (errorCode !== undefined || partition === undefined) return { errorCode: errorCode ?? INVALID, topics: [] }
    const answer = await this.#vote(request, partition)
    const part = { partitionIndex: METADATA_PARTITION, ...this.#leader(), ...answer }
    return { errorCode: ErrorCode.NONE, topics: topicsOf(part), nodeEndpoints: this.#nodeEndpoints() }
  }

  async beginQuorumEpoch(request: BeginQuorumEpochRequest): Promise<MessageInput<typeof BeginQuorumEpochResponse>> {
    const clusterError = this.#clusterError(request.clusterId)
    const partition = onlyPartition(request.topics)
    if (clusterError !== undefined || partition === undefined) return { errorCode: clusterError ?? INVALID, topics: [] }
    const { leaderId, leaderEpoch } = partition
    let errorCode = this.#voterOnlyError(leaderId, leaderEpoch)
    if (errorCode === ErrorCode.NONE) {
      await this.#core.maybeTransition(leaderId, leaderEpoch)
      if (!this.#isMeant(request.voterId)) errorCode = ErrorCode.INVALID_VOTER_KEY
    }
    const part = { partitionIndex: METADATA_PARTITION, ...this.#leader(), errorCode }
    return { errorCode: ErrorCode.NONE, topics: topicsOf(part), nodeEndpoints: this.#nodeEndpoints() }
  }

  async endQuorumEpoch(request: EndQuorumEpochRequest): Promise<MessageInput<typeof EndQuorumEpochResponse>> {
    const clusterError = this.#clusterError(request.clusterId)
    const partition = onlyPartition(request.topics)
    if (clusterError !== undefined || partition === undefined) return { errorCode: clusterError ?? INVALID, topics: [] }
    const { leaderId, leaderEpoch, preferredSuccessors, preferredCandidates } = partition
    const errorCode = this.#voterOnlyError(leaderId, leaderEpoch)
    if (errorCode === ErrorCode.NONE) {
      await this.#core.maybeTransition(leaderId, leaderEpoch)
      const { state } = this.#core.quorum
      if (state.kind === 'follower' && state.leaderId === leaderId) {
        const candidates = preferredCandidates.map(({ candidateId }) => candidateId)
        const successors = candidates.length > 0 ? candidates : preferredSuccessors
        state.fetchDeadlineMs = this.#core.nowMs() + this.#electionBackoffMs(successors)
      }
    }
    const part = { partitionIndex: METADATA_PARTITION, ...this.#leader(), errorCode }
    return { errorCode: ErrorCode.NONE, topics: topicsOf(part), nodeEndpoints: this.#nodeEndpoints() }
  }

  describeQuorum(request: DescribeQuorumRequest): MessageInput<typeof DescribeQuorumResponse> {
    const unknown = { leaderId: -1, leaderEpoch: 0, highWatermark: -1, currentVoters: [], observers: [] }
    if (onlyPartition(request.topics) === undefined) {
      const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      const topics = request.topics.map(({ topicName, partitions }) => ({
        topicName,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode,
          errorMessage: null,
          ...unknown,
        })),
      }))
      return { errorCode: ErrorCode.NONE, errorMessage: null, topics, nodes: [] }
    }
    const { leader, runtime } = this.#core
    const base = { partitionIndex: METADATA_PARTITION, errorMessage: null }
    if (leader === undefined) {
      const part = { ...base, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, ...unknown }
      return { errorCode: ErrorCode.NONE, errorMessage: null, topics: topicsOf(part), nodes: [] }
    }
    const nowMs = this.#core.nowMs()
    const wallMs = runtime.clock.wallMs()
    const part = {
      ...base,
      errorCode: ErrorCode.NONE,
      ...this.#leader(),
      highWatermark: leader.highWatermark ?? -1,
      currentVoters: [...leader.voters].map(voter => this.#describe(voter, wallMs)),
      observers: [...leader.observers(nowMs)].map(observer => this.#describe(observer, wallMs)),
    }
    const nodes = this.#options.voters.map(({ id, host, port }) => ({
      nodeId: id,
      listeners: [{ name: this.#options.listenerName, host, port }],
    }))
    return { errorCode: ErrorCode.NONE, errorMessage: null, topics: topicsOf(part), nodes }
  }

  async #vote(
    { voterId }: VoteRequest,
    partition: VoteRequest['topics'][number]['partitions'][number],
  ): Promise<{ readonly errorCode: number; readonly voteGranted: boolean }> {
    const { quorum, log, options } = this.#core
    const { replicaId, replicaEpoch, lastOffset, lastOffsetEpoch, preVote } = partition
    // A candidate's epoch is one that no leader can have written in; that of a pre-vote may be a leader's.
    const illegalEpoch = preVote ? lastOffsetEpoch > replicaEpoch : lastOffsetEpoch >= replicaEpoch
    if (lastOffset < 0 || lastOffsetEpoch < 0 || illegalEpoch) return refused(INVALID)
    const errorCode = this.#voterOnlyError(replicaId, replicaEpoch)
    if (errorCode !== ErrorCode.NONE) return refused(errorCode)
    if (!quorum.isVoter || !quorum.voterIds.includes(replicaId)) return refused(ErrorCode.INCONSISTENT_VOTER_SET)
    if (replicaEpoch > quorum.epoch) await this.#core.becomeUnattached(replicaEpoch)
    if (!this.#isMeant(voterId)) return refused(ErrorCode.INVALID_VOTER_KEY)
    const { lastEpoch, endOffset } = log
    const isLogUpToDate = lastOffsetEpoch > lastEpoch || (lastOffsetEpoch === lastEpoch && lastOffset >= endOffset)
    const voteGranted = quorum.canGrantVote(replicaId, isLogUpToDate, preVote)
    if (voteGranted && !preVote) {
      await quorum.vote(replicaId)
      options.observer?.onVoteGranted?.(replicaEpoch, replicaId)
    }
    return { errorCode: ErrorCode.NONE, voteGranted }
  }

  /**
   * How long a voter waits before it stands for election after its leader has resigned: the first successor not at all,
   * each further one twice as long, so that the one with the longest log comes first (Kafka's strict exponential backoff).
   */
  #electionBackoffMs(successors: readonly number[]): number {
    const { electionBackoffMaxMs } = this.#options
    const position = successors.indexOf(this.#core.quorum.nodeId)
    if (successors.length === 0 || position === 0) return 0
    if (position < 0) return electionBackoffMaxMs
    let backoffMs = electionBackoffMaxMs
    for (let step = position; step < successors.length; step++) backoffMs = Math.floor(backoffMs / 2)
    return backoffMs
  }

  #clusterError(clusterId: string | null): number | undefined {
    return clusterId === null || clusterId === this.#core.options.clusterId
      ? undefined
      : ErrorCode.INCONSISTENT_CLUSTER_ID
  }

  #voterOnlyError(remoteId: number, epoch: number): number {
    if (epoch < this.#core.quorum.epoch) return ErrorCode.FENCED_LEADER_EPOCH
    return this.#core.quorum.voterIds.includes(remoteId) ? ErrorCode.NONE : ErrorCode.INCONSISTENT_VOTER_SET
  }

  /** Whether a request that names its receiver means this node. */
  #isMeant(voterId: number): boolean {
    return voterId < 0 || voterId === this.#core.quorum.nodeId
  }

  #leader(): { readonly leaderId: number; readonly leaderEpoch: number } {
    const { leaderId, epoch } = this.#core.quorum
    return { leaderId: leaderId ?? -1, leaderEpoch: epoch }
  }

  #nodeEndpoints(): { readonly nodeId: number; readonly host: string; readonly port: number }[] {
    const { leaderId } = this.#core.quorum
    return this.#options.voters
      .filter(({ id }) => id === leaderId)
      .map(({ id, host, port }) => ({ nodeId: id, host, port }))
  }

  #describe(replica: ReplicaState, wallMs: number) {
    const isLeader = replica.id === this.#core.quorum.nodeId
    return {
      replicaId: replica.id,
      logEndOffset: replica.endOffset ?? -1,
      lastFetchTimestamp: isLeader ? wallMs : replica.lastFetchTimestamp,
      lastCaughtUpTimestamp: isLeader ? wallMs : replica.lastCaughtUpTimestamp,
    }
  }
}

const INVALID = ErrorCode.INVALID_REQUEST

function refused(errorCode: number): { readonly errorCode: number; readonly voteGranted: boolean } {
  return { errorCode, voteGranted: false }
}

function topicsOf<P>(partition: P): { readonly topicName: string; readonly partitions: readonly P[] }[] {
  return [{ topicName: METADATA_TOPIC, partitions: [partition] }]
}
