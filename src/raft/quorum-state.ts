import type { RandomStream, Runtime } from '../runtime/runtime.ts'
import { EpochElection } from './epoch-election.ts'
import type { LeaderState } from './leader-state.ts'
import type { ElectionState, QuorumStateStore } from './quorum-state-store.ts'
import type { PartialSnapshot } from './snapshot-files.ts'

/** Knows no leader that it could fetch from, or was told of one by a node that could not say more. */
export interface UnattachedState {
  readonly kind: 'unattached'
  readonly epoch: number
  readonly leaderId: number | undefined
  readonly votedId: number | undefined
  readonly electionDeadlineMs: number
}

/** Fetches from the leader. */
export interface FollowerState {
  readonly kind: 'follower'
  readonly epoch: number
  readonly leaderId: number
  readonly votedId: number | undefined
  /** Without a successful fetch until then, a voter asks for an election. */
  fetchDeadlineMs: number
  /** Whether the leader has answered a fetch in this state: then a pre-vote is refused (KIP-996). */
  hasFetched: boolean
  /** The snapshot that is being taken from the leader. */
  fetchingSnapshot: PartialSnapshot | undefined
}

/** Asks how an election would go, and disturbs nobody by it (KIP-996). */
export interface ProspectiveState {
  readonly kind: 'prospective'
  readonly epoch: number
  readonly leaderId: number | undefined
  readonly votedId: number | undefined
  readonly election: EpochElection
  readonly electionDeadlineMs: number
}

/** Stands for election in a new epoch. */
export interface CandidateState {
  readonly kind: 'candidate'
  readonly epoch: number
  readonly election: EpochElection
  /** The next attempt comes then, also when the election is lost before. */
  readonly electionDeadlineMs: number
}

export interface LeadingState<T> {
  readonly kind: 'leader'
  readonly epoch: number
  readonly leader: LeaderState<T>
}

/** Led in this epoch and no longer does; tells the other voters, and lets one of them be elected. */
export interface ResignedState {
  readonly kind: 'resigned'
  readonly epoch: number
  /** Who should stand for election, best first. */
  readonly preferredSuccessors: readonly number[]
  /** Voters that have not answered EndQuorumEpoch. */
  readonly unacknowledged: Set<number>
  readonly electionDeadlineMs: number
}

export type EpochState<T> =
  | UnattachedState
  | FollowerState
  | ProspectiveState
  | CandidateState
  | LeadingState<T>
  | ResignedState

export interface QuorumStateOptions {
  readonly nodeId: number
  readonly voterIds: readonly number[]
  readonly electionTimeoutMs: number
  readonly fetchTimeoutMs: number
  readonly store: QuorumStateStore
  readonly random: RandomStream
}

/**
 * A node's part in the quorum, and what it must not forget of it (Kafka's QuorumState). A new state that says more than
 * the file is written, and synced, before it takes effect: no vote is given twice in an epoch, whatever happens.
 */
export class QuorumState<T> {
  readonly nodeId: number
  readonly voterIds: readonly number[]
  readonly remoteVoters: readonly number[]
  readonly #runtime: Runtime
  readonly #options: QuorumStateOptions
  #state: EpochState<T> = {
    kind: 'unattached',
    epoch: 0,
    leaderId: undefined,
    votedId: undefined,
    electionDeadlineMs: Number.POSITIVE_INFINITY,
  }
  #stored: ElectionState = { leaderId: -1, leaderEpoch: 0, votedId: -1, voters: [] }

  constructor(runtime: Runtime, options: QuorumStateOptions) {
    this.#runtime = runtime
    this.#options = options
    this.nodeId = options.nodeId
    this.voterIds = options.voterIds
    this.remoteVoters = options.voterIds.filter(id => id !== options.nodeId)
  }

  get state(): EpochState<T> {
    return this.#state
  }

  get epoch(): number {
    return this.#state.epoch
  }

  /** Who leads in this epoch as far as is known; a node that has resigned names itself still. */
  get leaderId(): number | undefined {
    const state = this.#state
    if (state.kind === 'leader' || state.kind === 'resigned') return this.nodeId
    return state.kind === 'candidate' ? undefined : state.leaderId
  }

  get isVoter(): boolean {
    return this.voterIds.includes(this.nodeId)
  }

  get isOnlyVoter(): boolean {
    return this.isVoter && this.voterIds.length === 1
  }

  /** The follower's state. Throws when this node is none: to be asked only where that was made sure of. */
  get follower(): FollowerState {
    if (this.#state.kind === 'follower') return this.#state
    throw new Error(`node ${this.nodeId} is ${this.#state.kind} in epoch ${this.epoch}, not a follower`)
  }

  /** The state to begin with, from the file and the epoch of the log's last record. */
  async initialize(lastEpoch: number): Promise<void> {
    const stored = await this.#options.store.read()
    if (stored !== undefined) this.#stored = stored
    const { leaderId, leaderEpoch: epoch, votedId } = this.#stored
    const electionDeadlineMs = this.#electionDeadline()
    const voted = votedId < 0 ? undefined : votedId
    if (epoch < lastEpoch) {
      this.#state = {
        kind: 'unattached',
        epoch: lastEpoch,
        leaderId: undefined,
        votedId: undefined,
        electionDeadlineMs,
      }
    } else if (leaderId === this.nodeId && this.isVoter) {
      // Never again in that epoch: what was not fsynced then would come a second time under the same offset and epoch.
      this.#state = {
        kind: 'resigned',
        epoch,
        preferredSuccessors: [],
        unacknowledged: new Set(this.remoteVoters),
        electionDeadlineMs,
      }
    } else if (votedId === this.nodeId && this.isVoter) {
      this.#state = this.#candidate(epoch)
    } else if (this.voterIds.includes(leaderId) && leaderId !== this.nodeId) {
      this.#state = this.#follower(epoch, leaderId, voted)
    } else {
      this.#state = { kind: 'unattached', epoch, leaderId: undefined, votedId: voted, electionDeadlineMs }
    }
  }

  /** Whether a vote, or a pre-vote, may be given to a candidate of this node's present epoch. */
  canGrantVote(candidateId: number, isLogUpToDate: boolean, preVote: boolean): boolean {
    const state = this.#state
    switch (state.kind) {
      case 'unattached':
      case 'prospective':
        if (preVote) return isLogUpToDate
        if (state.votedId !== undefined) return state.votedId === candidateId
        return state.leaderId === undefined && isLogUpToDate
      case 'follower':
        return preVote && isLogUpToDate && !state.hasFetched
      case 'candidate':
      case 'resigned':
        return preVote && isLogUpToDate
      default:
        return false
    }
  }

  /** Gives this epoch's vote, which `canGrantVote` has allowed. */
  async vote(candidateId: number): Promise<void> {
    const state = this.#state
    if (state.kind !== 'unattached' && state.kind !== 'prospective') return
    if (state.votedId === candidateId) return
    // Who was voted for has as good a chance as this node: it gets the time.
    const voted = { votedId: candidateId, electionDeadlineMs: this.#electionDeadline() }
    if (state.kind === 'unattached') await this.#become({ ...state, ...voted })
    else await this.#become({ ...state, ...voted, election: this.#newElection() })
  }

  /** Of a new epoch, or back from an election that did not come to be. */
  async toUnattached(epoch: number, leaderId: number | undefined): Promise<void> {
    const votedId = epoch === this.epoch ? this.#votedId() : undefined
    await this.#become({ kind: 'unattached', epoch, leaderId, votedId, electionDeadlineMs: this.#keptDeadline() })
  }

  async toFollower(epoch: number, leaderId: number): Promise<void> {
    const votedId = epoch === this.epoch ? this.#votedId() : undefined
    await this.#become(this.#follower(epoch, leaderId, votedId))
  }

  toProspective(): void {
    this.#state = {
      kind: 'prospective',
      epoch: this.epoch,
      leaderId: this.leaderId,
      votedId: this.#votedId(),
      election: this.#newElection(),
      electionDeadlineMs: this.#electionDeadline(),
    }
  }

  async toCandidate(): Promise<void> {
    await this.#become(this.#candidate(this.epoch + 1))
  }

  async toLeader(leader: LeaderState<T>): Promise<void> {
    await this.#become({ kind: 'leader', epoch: leader.epoch, leader })
  }

  toResigned(preferredSuccessors: readonly number[]): void {
    this.#state = {
      kind: 'resigned',
      epoch: this.epoch,
      preferredSuccessors,
      unacknowledged: new Set(this.remoteVoters),
      electionDeadlineMs: this.#electionDeadline(),
    }
  }

  #votedId(): number | undefined {
    const state = this.#state
    if (state.kind === 'candidate') return this.nodeId
    return state.kind === 'leader' || state.kind === 'resigned' ? undefined : state.votedId
  }

  /** In which this node has its own vote. */
  #newElection(): EpochElection {
    const election = new EpochElection(this.voterIds)
    election.record(this.nodeId, true)
    return election
  }

  #candidate(epoch: number): CandidateState {
    return { kind: 'candidate', epoch, election: this.#newElection(), electionDeadlineMs: this.#electionDeadline() }
  }

  #follower(epoch: number, leaderId: number, votedId: number | undefined): FollowerState {
    const fetchDeadlineMs = this.#runtime.clock.monotonicMs() + this.#options.fetchTimeoutMs
    return {
      kind: 'follower',
      epoch,
      leaderId,
      votedId,
      fetchDeadlineMs,
      hasFetched: false,
      fetchingSnapshot: undefined,
    }
  }

  /** Between one and two election timeouts from now, so that voters do not all stand at once. */
  #electionDeadline(): number {
    const { electionTimeoutMs, random } = this.#options
    if (!this.isVoter) return Number.POSITIVE_INFINITY
    const jitterMs = electionTimeoutMs > 0 ? random.int(0, electionTimeoutMs - 1) : 0
    return this.#runtime.clock.monotonicMs() + electionTimeoutMs + jitterMs
  }

  /** Who was waiting for an election goes on waiting: a stream of hopeless candidates must not keep it from standing. */
  #keptDeadline(): number {
    const state = this.#state
    if (state.kind === 'leader' || state.kind === 'follower') return this.#electionDeadline()
    return state.kind === 'prospective' && state.election.isRejected
      ? this.#electionDeadline()
      : state.electionDeadlineMs
  }

  async #become(state: EpochState<T>): Promise<void> {
    const election = this.#electionStateOf(state)
    const { leaderId, leaderEpoch, votedId } = this.#stored
    if (election.leaderId !== leaderId || election.leaderEpoch !== leaderEpoch || election.votedId !== votedId) {
      await this.#options.store.write(election)
      this.#stored = election
    }
    this.#state = state
  }

  #electionStateOf(state: EpochState<T>): ElectionState {
    const { voterIds: voters } = this
    const leaderEpoch = state.epoch
    switch (state.kind) {
      case 'leader':
      case 'resigned':
        return { leaderId: this.nodeId, leaderEpoch, votedId: -1, voters }
      case 'candidate':
        return { leaderId: -1, leaderEpoch, votedId: this.nodeId, voters }
      default:
        return { leaderId: state.leaderId ?? -1, leaderEpoch, votedId: state.votedId ?? -1, voters }
    }
  }
}
