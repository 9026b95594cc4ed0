import type { Api } from '../protocol/api.ts'
import { BeginQuorumEpoch } from '../protocol/apis/begin-quorum-epoch.ts'
import { EndQuorumEpoch } from '../protocol/apis/end-quorum-epoch.ts'
import { Fetch } from '../protocol/apis/fetch.ts'
import { FetchSnapshot } from '../protocol/apis/fetch-snapshot.ts'
import { Vote } from '../protocol/apis/vote.ts'
import type { Fields, MessageInput } from '../protocol/schema.ts'
import type { LeaderState } from './leader-state.ts'
import type { CandidateState, FollowerState, ProspectiveState, ResignedState, UnattachedState } from './quorum-state.ts'
import type { RaftCore } from './raft-core.ts'
import {
  beginQuorumEpochRequest,
  endQuorumEpochRequest,
  fetchRequest,
  fetchSnapshotRequest,
  voteRequest,
} from './raft-messages.ts'
import type { RaftResponse, RaftResponseHandler } from './raft-response-handler.ts'
import type { QuorumVoterEndpoint, RaftTransport } from './raft-transport.ts'

const FOREVER = Number.POSITIVE_INFINITY
const AT_ONCE = (): number => 0

export interface RaftPollerOptions {
  readonly voters: readonly QuorumVoterEndpoint[]
  readonly transport: RaftTransport
  /** An answer has come, or will not. */
  readonly onResponse: (response: RaftResponse) => void
}

/** What a node does of its own accord in each of the states: sends requests, and acts when a time has run out. */
export class RaftPoller<T> {
  readonly #core: RaftCore<T>
  readonly #responses: RaftResponseHandler<T>
  readonly #options: RaftPollerOptions
  readonly #endpoints: ReadonlyMap<number, QuorumVoterEndpoint>

  constructor(core: RaftCore<T>, responses: RaftResponseHandler<T>, options: RaftPollerOptions) {
    this.#core = core
    this.#responses = responses
    this.#options = options
    this.#endpoints = new Map(options.voters.map(voter => [voter.id, voter]))
  }

  /** Does what is due, and gives the milliseconds until something will be: 0 when the state has changed. */
  poll(): Promise<number> | number {
    const { state } = this.#core.quorum
    const nowMs = this.#core.nowMs()
    switch (state.kind) {
      case 'leader':
        return this.#pollLeader(state.leader, nowMs)
      case 'follower':
        return this.#pollFollower(state, nowMs)
      case 'unattached':
        return this.#pollUnattached(state, nowMs)
      case 'prospective':
        return this.#pollProspective(state, nowMs)
      case 'candidate':
        return this.#pollCandidate(state, nowMs)
      case 'resigned':
        return this.#pollResigned(state, nowMs)
    }
  }

  #pollLeader(leader: LeaderState<T>, nowMs: number): Promise<number> | number {
    const { shuttingDown } = this.#core
    if (shuttingDown || leader.resignRequested || leader.timeUntilCheckQuorumExpiresMs(nowMs) === 0) {
      return this.#core.becomeResigned().then(AT_ONCE)
    }
    if (leader.accumulator.timeUntilDrainMs(nowMs) === 0) {
      return this.#core.appendBatches(leader, leader.accumulator.drain(nowMs)).then(AT_ONCE)
    }
    if (leader.timeUntilBeginQuorumMs(nowMs) === 0) {
      for (const id of leader.votersToTell(nowMs)) {
        if (this.#core.requests.isReady(id, nowMs)) {
          this.#send(id, BeginQuorumEpoch, beginQuorumEpochRequest(this.#core.sender, id), nowMs)
        }
      }
    }
    return Math.min(
      leader.timeUntilCheckQuorumExpiresMs(nowMs),
      leader.accumulator.timeUntilDrainMs(nowMs),
      leader.timeUntilBeginQuorumMs(nowMs),
    )
  }

  #pollFollower(state: FollowerState, nowMs: number): Promise<number> | number {
    if (!this.#core.quorum.isVoter) {
      return state.fetchDeadlineMs <= nowMs ? this.#fetchFromAny(nowMs) : this.#fetchFromBest(state, nowMs)
    }
    if (this.#core.shuttingDown) return FOREVER
    if (state.fetchDeadlineMs <= nowMs) return this.#standForElection()
    return Math.min(this.#fetchFromBest(state, nowMs), state.fetchDeadlineMs - nowMs)
  }

  #pollUnattached(state: UnattachedState, nowMs: number): Promise<number> | number {
    if (this.#core.quorum.isVoter) {
      if (this.#core.shuttingDown) return FOREVER
      if (state.electionDeadlineMs <= nowMs) return this.#standForElection()
    }
    return Math.min(this.#fetchFromAny(nowMs), state.electionDeadlineMs - nowMs)
  }

  async #pollProspective(state: ProspectiveState, nowMs: number): Promise<number> {
    if (!this.#core.shuttingDown && state.electionDeadlineMs <= nowMs) {
      await this.#responses.endProspective()
      return 0
    }
    const waitMs = this.#sendVoteRequests(state, true, nowMs)
    return this.#core.shuttingDown ? waitMs : Math.min(waitMs, state.electionDeadlineMs - nowMs)
  }

  async #pollCandidate(state: CandidateState, nowMs: number): Promise<number> {
    // One that shuts down sees its election to the end: it may win, and then name a successor.
    if (this.#core.shuttingDown) return this.#sendVoteRequests(state, false, nowMs)
    if (state.electionDeadlineMs <= nowMs) return this.#standForElection()
    return Math.min(this.#sendVoteRequests(state, false, nowMs), state.electionDeadlineMs - nowMs)
  }

  async #pollResigned(state: ResignedState, nowMs: number): Promise<number> {
    const { quorum, sender, requests, shuttingDown } = this.#core
    if (quorum.isOnlyVoter && !shuttingDown) {
      await this.#core.becomeLeader(state.epoch + 1, [quorum.nodeId])
      return 0
    }
    if (!shuttingDown && state.electionDeadlineMs <= nowMs) {
      // In a new epoch, since in this one the others would take this node for the leader.
      await this.#core.becomeUnattached(state.epoch + 1)
      return 0
    }
    let waitMs = shuttingDown ? FOREVER : state.electionDeadlineMs - nowMs
    for (const id of state.unacknowledged) {
      if (requests.isReady(id, nowMs)) {
        this.#send(id, EndQuorumEpoch, endQuorumEpochRequest(sender, state.preferredSuccessors), nowMs)
      }
      waitMs = Math.min(waitMs, requests.timeUntilReadyMs(id, nowMs))
    }
    return waitMs
  }

  async #standForElection(): Promise<number> {
    await this.#core.becomeProspective()
    await this.#responses.maybeAdvance()
    return 0
  }

  #sendVoteRequests({ election }: ProspectiveState | CandidateState, preVote: boolean, nowMs: number): number {
    if (election.isRejected) return FOREVER
    const { sender, logEnd, requests } = this.#core
    let waitMs = FOREVER
    for (const id of election.unrecorded) {
      if (requests.isReady(id, nowMs)) this.#send(id, Vote, voteRequest(sender, id, logEnd, preVote), nowMs)
      waitMs = Math.min(waitMs, requests.timeUntilReadyMs(id, nowMs))
    }
    return waitMs
  }

  /** From the leader; when it cannot be reached just now, another voter may know of a new one. */
  #fetchFromBest(state: FollowerState, nowMs: number): number {
    const { requests, sender } = this.#core
    const { leaderId, fetchingSnapshot } = state
    if (requests.hasRequestTimedOut(leaderId, nowMs)) {
      requests.reset(leaderId)
      return this.#fetchFromAny(nowMs)
    }
    if (requests.isBackingOff(leaderId, nowMs)) return this.#fetchFromAny(nowMs)
    if (requests.hasInFlightRequest(nowMs)) return requests.timeUntilAnyReadyMs(this.#core.quorum.nodeId, nowMs)
    if (fetchingSnapshot === undefined) this.#fetchFrom(leaderId, nowMs)
    else {
      const { id, sizeBytes } = fetchingSnapshot
      this.#send(leaderId, FetchSnapshot, fetchSnapshotRequest(sender, id, sizeBytes), nowMs)
    }
    return requests.timeUntilReadyMs(leaderId, nowMs)
  }

  #fetchFromAny(nowMs: number): number {
    const { requests, quorum } = this.#core
    const voter = requests.findReadyVoter(quorum.nodeId, nowMs)
    if (voter !== undefined) this.#fetchFrom(voter, nowMs)
    return requests.timeUntilAnyReadyMs(quorum.nodeId, nowMs)
  }

  #fetchFrom(voterId: number, nowMs: number): void {
    const { sender, logEnd, highWatermark } = this.#core
    this.#send(voterId, Fetch, fetchRequest(sender, logEnd, highWatermark), nowMs)
  }

  #send<Q extends Fields, S extends Fields>(
    voterId: number,
    api: Api<Q, S>,
    body: MessageInput<Q>,
    nowMs: number,
  ): void {
    const endpoint = this.#endpoints.get(voterId)
    if (endpoint === undefined) throw new RangeError(`node ${voterId} is no voter`)
    const correlationId = this.#core.requests.onRequestSent(voterId, nowMs)
    const { transport, onResponse } = this.#options
    const answered = (answer: unknown): void => {
      onResponse({ voterId, correlationId, api: api as unknown as Api, body: answer })
    }
    transport.send(endpoint, api, body).then(answered, () => answered(undefined))
  }
}
