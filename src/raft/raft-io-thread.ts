import type { Api } from '../protocol/api.ts'
import { BeginQuorumEpoch, type BeginQuorumEpochRequest } from '../protocol/apis/begin-quorum-epoch.ts'
import { DescribeQuorum, type DescribeQuorumRequest } from '../protocol/apis/describe-quorum.ts'
import { EndQuorumEpoch, type EndQuorumEpochRequest } from '../protocol/apis/end-quorum-epoch.ts'
import { Fetch, type FetchRequest } from '../protocol/apis/fetch.ts'
import { FetchSnapshot, type FetchSnapshotRequest } from '../protocol/apis/fetch-snapshot.ts'
import { Vote, type VoteRequest } from '../protocol/apis/vote.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import { Condition } from '../runtime/condition.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { RaftCore, RaftCoreEvents } from './raft-core.ts'
import { RaftFetchHandler } from './raft-fetch-handler.ts'
import { RaftPoller } from './raft-poller.ts'
import { RaftRequestHandler } from './raft-request-handler.ts'
import { type RaftResponse, RaftResponseHandler } from './raft-response-handler.ts'
import type { QuorumVoterEndpoint, RaftTransport } from './raft-transport.ts'

const APIS: ReadonlySet<number> = new Set(
  [Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch, FetchSnapshot, DescribeQuorum].map(({ key }) => key),
)
/** Requests that may wait for the thread; one more is refused. */
const MAX_WAITING_REQUESTS = 1000

export interface RaftIoThreadOptions {
  readonly nodeId: number
  readonly voters: readonly QuorumVoterEndpoint[]
  readonly electionBackoffMaxMs: number
  readonly listenerName?: string
  readonly transport: RaftTransport
  readonly onNews: () => void
  readonly onFault: (error: unknown) => void
  /** The thread has ended; nothing more will be committed here. */
  readonly onEnd: () => void
}

interface PeerRequest {
  readonly api: Api
  readonly body: unknown
  /** Undefined: there will be no answer. */
  readonly complete: (answer: unknown) => void
}

/**
 * The one thread that owns a node's part in the quorum (Kafka's KafkaRaftClientDriver): it takes requests and answers one at
 * a time, and does what is due in between. It sleeps until one of them comes or something falls due.
 */
export class RaftIoThread<T> implements RaftCoreEvents {
  readonly #runtime: Runtime
  readonly #options: RaftIoThreadOptions
  readonly #work: Condition
  readonly #ended: Condition
  #requests: PeerRequest[] = []
  #responses: RaftResponse[] = []
  /** Fetches that wait in the handler, so that none is left without an answer. */
  readonly #open = new Set<PeerRequest>()
  #fetches: RaftFetchHandler<T> | undefined
  #state: 'new' | 'running' | 'closing' | 'ended' = 'new'
  /** Whether the thread's body has run to its end, or was never started. */
  #isDone = true
  #cleaningRequested = false
  #shutdownDeadlineMs = Number.POSITIVE_INFINITY

  constructor(runtime: Runtime, options: RaftIoThreadOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#work = new Condition(runtime, 'raft-io')
    this.#ended = new Condition(runtime, 'raft-io shutdown')
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /** Starts the thread; the only voter of a quorum leads before it does. */
  async start(core: RaftCore<T>): Promise<void> {
    this.#fetches = new RaftFetchHandler(core)
    const { nodeId, voters, electionBackoffMaxMs, transport, listenerName = 'CONTROLLER' } = this.#options
    const responses = new RaftResponseHandler(core)
    const onResponse = (response: RaftResponse): void => {
      if (this.#state === 'ended') return
      this.#responses.push(response)
      this.#work.signal()
    }
    const poller = new RaftPoller(core, responses, { voters, transport, onResponse })
    const requests = new RaftRequestHandler(core, { voters, electionBackoffMaxMs, listenerName })
    if (core.quorum.isOnlyVoter) await core.becomeLeader(core.quorum.epoch + 1, [nodeId])
    if (this.#state === 'ended') return
    this.#state = 'running'
    this.#isDone = false
    this.#runtime.threads.start(`raft-io-${nodeId}`, async () => {
      try {
        await this.#run(core, poller, requests, responses)
      } catch (error) {
        this.#options.onFault(error)
      }
      this.#isDone = true
      this.#end()
      this.#ended.signalAll()
    })
  }

  /**
   * Completed on this thread, as Kafka completes its future: what is done with the answer there must not wait for anything.
   */
  async handleRequest<Q extends Fields, S extends Fields>(api: Api<Q, S>, body: Message<Q>): Promise<MessageInput<S>> {
    if (!APIS.has(api.key)) throw new RangeError(`${api.name} is no API of the metadata quorum`)
    const isOpen = this.#state === 'running' || this.#state === 'closing'
    if (!isOpen || this.#requests.length >= MAX_WAITING_REQUESTS) return unavailable(api)
    const { promise, resolve: complete } = Promise.withResolvers<unknown>()
    const request: PeerRequest = { api: api as unknown as Api, body, complete }
    this.#requests.push(request)
    this.#open.add(request)
    this.#work.signal()
    return ((await promise) ?? unavailable(api)) as MessageInput<S>
  }

  /** Something that `poll` looks at has changed. */
  wake(): void {
    this.#work.signal()
  }

  /** A newer snapshot makes older ones superfluous. */
  requestCleaning(): void {
    this.#cleaningRequested = true
    this.#work.signal()
  }

  /**
   * Hands leadership on, and ends the thread; it does not wait longer than until the deadline for a new leader. Whether the
   * thread has ended by then.
   */
  async shutdown(deadlineMs: number): Promise<boolean> {
    if (this.#state === 'running') {
      this.#state = 'closing'
      this.#shutdownDeadlineMs = deadlineMs
      this.#work.signal()
    }
    while (!this.#isDone) {
      const leftMs = deadlineMs - this.#runtime.clock.monotonicMs()
      if (leftMs <= 0 || !(await this.#ended.wait(leftMs))) break
    }
    this.stop()
    return this.#isDone
  }

  /** Ends the thread at once; who waits for an answer gets an error. */
  stop(): void {
    if (this.#state === 'new') this.#state = 'ended'
    else this.#end()
  }

  onNews(): void {
    this.#options.onNews()
  }

  async onAppend(): Promise<void> {
    await this.#fetches?.completeAll()
  }

  async onHighWatermark(highWatermark: number): Promise<void> {
    await this.#fetches?.onHighWatermark(highWatermark)
  }

  async onLeadershipLost(): Promise<void> {
    await this.#fetches?.completeAll()
  }

  async #run(
    core: RaftCore<T>,
    poller: RaftPoller<T>,
    requests: RaftRequestHandler<T>,
    responses: RaftResponseHandler<T>,
  ): Promise<void> {
    const fetches = this.#fetches
    while (this.#state !== 'ended' && fetches !== undefined) {
      if (this.#state === 'closing' && (await this.#isShutDown(core))) return
      if (this.#cleaningRequested) {
        this.#cleaningRequested = false
        await core.log.clean()
      }
      const nowMs = core.nowMs()
      fetches.expire(nowMs)
      const polled = poller.poll()
      const pollMs = typeof polled === 'number' ? polled : await polled
      const response = this.#responses.shift()
      if (response !== undefined) {
        await responses.handle(response)
        continue
      }
      const request = this.#requests.shift()
      if (request !== undefined) {
        await this.#answer(request, fetches, requests)
        continue
      }
      const waitMs = Math.min(pollMs, fetches.timeUntilExpiryMs(nowMs), this.#shutdownDeadlineMs - nowMs)
      if (waitMs > 0 && !this.#cleaningRequested) await this.#wait(waitMs)
    }
  }

  async #wait(waitMs: number): Promise<void> {
    if (this.#state === 'ended') return
    if (waitMs === Number.POSITIVE_INFINITY) await this.#work.wait()
    else await this.#work.wait(waitMs)
  }

  /** A leader of others hands over first; the only voter writes what it has been given. */
  async #isShutDown(core: RaftCore<T>): Promise<boolean> {
    const { quorum, leader } = core
    if (leader !== undefined) {
      const nowMs = core.nowMs()
      await core.appendBatches(leader, leader.accumulator.drain(nowMs))
    }
    core.shuttingDown = true
    const hasRemoteLeader = quorum.leaderId !== undefined && quorum.leaderId !== quorum.nodeId
    return !quorum.isVoter || quorum.isOnlyVoter || hasRemoteLeader || core.nowMs() >= this.#shutdownDeadlineMs
  }

  async #answer(request: PeerRequest, fetches: RaftFetchHandler<T>, requests: RaftRequestHandler<T>): Promise<void> {
    const reply = (answer: unknown): void => this.#reply(request, answer)
    const { body } = request
    switch (request.api.key) {
      case Fetch.key:
        return fetches.fetch(body as FetchRequest, reply)
      case FetchSnapshot.key:
        return reply(await fetches.fetchSnapshot(body as FetchSnapshotRequest))
      case Vote.key:
        return reply(await requests.vote(body as VoteRequest))
      case BeginQuorumEpoch.key:
        return reply(await requests.beginQuorumEpoch(body as BeginQuorumEpochRequest))
      case EndQuorumEpoch.key:
        return reply(await requests.endQuorumEpoch(body as EndQuorumEpochRequest))
      default:
        return reply(requests.describeQuorum(body as DescribeQuorumRequest))
    }
  }

  #reply(request: PeerRequest, answer: unknown): void {
    if (!this.#open.delete(request)) return
    request.complete(answer)
  }

  #end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    for (const request of this.#open) this.#reply(request, undefined)
    this.#requests = []
    this.#responses = []
    this.#options.transport.close()
    this.#work.signalAll()
    this.#options.onEnd()
  }
}

function unavailable<S extends Fields>(api: Api<Fields, S>): MessageInput<S>
function unavailable({ key }: Api): object {
  const errorCode = ErrorCode.BROKER_NOT_AVAILABLE
  if (key === Fetch.key) return { errorCode, responses: [] }
  return key === DescribeQuorum.key
    ? { errorCode, errorMessage: null, topics: [], nodes: [] }
    : { errorCode, topics: [] }
}
