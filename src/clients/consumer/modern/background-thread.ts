import { Condition } from '../../../runtime/condition.ts'
import type { Runtime, Thread } from '../../../runtime/runtime.ts'
import { KafkaError } from '../../errors.ts'
import type { ConsumerNetworkClient } from '../consumer-network-client.ts'
import type { CoordinatorConnection } from '../coordinator-connection.ts'
import type { BackgroundEvents } from './background-events.ts'
import type { ConsumerMembershipManager } from './consumer-membership-manager.ts'
import type { HeartbeatRequestManager } from './heartbeat-request-manager.ts'
import type { RebalanceCommitter } from './rebalance-committer.ts'

export interface BackgroundThreadOptions {
  readonly client: ConsumerNetworkClient
  readonly coordinator: CoordinatorConnection
  readonly events: BackgroundEvents
  readonly groupId: string
  readonly heartbeats: HeartbeatRequestManager
  readonly member: ConsumerMembershipManager
  readonly rebalanceCommitter: RebalanceCommitter
  /** `retry.backoff.ms` */
  readonly retryBackoffMs: number
}

/**
 * What goes on whether the application polls or not (that part of Kafka's ConsumerNetworkThread): the coordinator is looked
 * for, heartbeats go out, assignments are reconciled as far as nobody must be asked. While the application's thread polls,
 * that one takes what comes from the network.
 */
export class BackgroundThread {
  readonly #runtime: Runtime
  readonly #options: BackgroundThreadOptions
  readonly #condition: Condition
  readonly #thread: Thread
  #isLookingUp = true
  /** On the monotonic clock. */
  #nextLookupMs = Number.NEGATIVE_INFINITY
  #closed = false
  /** Something happened since the last step began. */
  #isWoken = false
  #failure: Error | undefined

  constructor(runtime: Runtime, options: BackgroundThreadOptions) {
    this.#runtime = runtime
    this.#options = options
    const name = `consumer_background_thread | ${options.groupId}`
    this.#condition = new Condition(runtime, name)
    this.#thread = runtime.threads.start(name, () => this.#run())
  }

  /** Why it ended, which only a defect makes it. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Lets it look at once whether there is something to do. */
  wake(): void {
    this.#isWoken = true
    this.#condition.signalAll()
  }

  /** The consumer is being closed: what cannot reach a coordinator now is not waited for. */
  stopLookingUp(): void {
    this.#isLookingUp = false
    this.wake()
  }

  /** Settles when it has ended. */
  close(): Promise<void> {
    this.#closed = true
    this.wake()
    return this.#thread.done
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closed) await this.#step()
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
    }
  }

  async #step(): Promise<void> {
    const { client, heartbeats, member, rebalanceCommitter, retryBackoffMs } = this.#options
    this.#isWoken = false
    member.maybeReconcile(false)
    const waits = [this.#lookUp(), rebalanceCommitter.poll(), heartbeats.poll()]
    if (member.awaitsMetadata) waits.push(retryBackoffMs)
    await this.#pollNetwork()
    if (this.#closed || this.#isWoken) return
    // While answers are awaited somebody must take them, and the application may be busy.
    if (client.hasPendingRequests()) waits.push(retryBackoffMs)
    const waitMs = Math.min(...waits)
    await (waitMs === Number.POSITIVE_INFINITY ? this.#condition.wait() : this.#condition.wait(waitMs))
  }

  /** Looks for the coordinator when it is needed; returns after what time to look again. */
  #lookUp(): number {
    const { coordinator, events, member, rebalanceCommitter, retryBackoffMs } = this.#options
    const isNeeded = !member.shouldSkipHeartbeat || rebalanceCommitter.isPending
    if (!this.#isLookingUp || !isNeeded || !coordinator.isUnknown) return Number.POSITIVE_INFINITY
    const fatal = coordinator.takeFatalError()
    if (fatal !== undefined) events.addError(fatal)
    // One that was found may not be reached yet: asking again at once would only find the same.
    const nowMs = this.#runtime.clock.monotonicMs()
    if (nowMs < this.#nextLookupMs) return this.#nextLookupMs - nowMs
    this.#nextLookupMs = nowMs + retryBackoffMs
    coordinator.lookupAgain()
    return retryBackoffMs
  }

  async #pollNetwork(): Promise<void> {
    try {
      await this.#options.client.pollIfFree()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#options.events.addError(error)
    }
  }
}
