import { ErrorCode } from '../../protocol/errors.ts'
import { Condition } from '../../runtime/condition.ts'
import type { Runtime, Thread } from '../../runtime/runtime.ts'
import { hasCode } from './consumer-errors.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { CoordinatorConnection } from './coordinator-connection.ts'
import type { GroupRebalanceConfig } from './group-rebalance-config.ts'
import type { GroupRequests } from './group-requests.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { MemberState } from './member-state.ts'
import { Timer } from './timer.ts'

export interface HeartbeatThreadOptions {
  readonly client: ConsumerNetworkClient
  readonly config: GroupRebalanceConfig
  readonly coordinator: CoordinatorConnection
  readonly heartbeat: Heartbeat
  readonly member: MemberState
  readonly requests: GroupRequests
  /** The application has not polled for `max.poll.interval.ms`: the member must leave. */
  readonly onPollTimeout: () => void
}

/**
 * Keeps a member alive while the application works on records (AbstractCoordinator.HeartbeatThread). It sleeps until the
 * member has joined, and ends with the first error that the application must hear of.
 */
export class HeartbeatThread {
  readonly #runtime: Runtime
  readonly #options: HeartbeatThreadOptions
  readonly #condition: Condition
  readonly #thread: Thread
  #enabled = false
  #closed = false
  #failure: Error | undefined

  constructor(runtime: Runtime, options: HeartbeatThreadOptions) {
    this.#runtime = runtime
    this.#options = options
    const name = `kafka-coordinator-heartbeat-thread | ${options.config.groupId}`
    this.#condition = new Condition(runtime, name)
    this.#thread = runtime.threads.start(name, () => this.#run())
  }

  /** Why it ended. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** The member has joined. */
  enable(): void {
    this.#enabled = true
    this.#options.heartbeat.resetTimeouts()
    this.wake()
  }

  /** Lets it look at once whether there is something to do. */
  wake(): void {
    this.#condition.signalAll()
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
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #step(): Promise<void> {
    const { client, config, coordinator, heartbeat, member } = this.#options
    if (!this.#enabled) {
      await this.#condition.wait()
      return
    }
    if (member.hasNotJoinedGroup || this.#failure !== undefined) {
      this.#enabled = false
      return
    }
    await client.pollNoWakeup(new Timer(this.#runtime, 0))
    // The application may have done much while this thread waited for its turn.
    if (this.#closed || !this.#enabled || member.hasNotJoinedGroup) return
    if (coordinator.isUnknown) {
      coordinator.lookupInBackground()
      await this.#condition.wait(config.retryBackoffMs)
    } else if (heartbeat.sessionTimeoutExpired) {
      coordinator.markUnknown()
    } else if (heartbeat.pollTimeoutExpired) {
      this.#options.onPollTimeout()
    } else if (!heartbeat.shouldHeartbeat) {
      // While answers are awaited somebody must take them; otherwise there is nothing to do until something is due.
      const waitMs = client.hasPendingRequests() ? config.retryBackoffMs : heartbeat.timeToNextEventMs
      await this.#condition.wait(waitMs)
    } else {
      this.#send()
    }
  }

  #send(): void {
    const { heartbeat, requests } = this.#options
    heartbeat.sent()
    requests.heartbeat().addListener({
      onSuccess: () => heartbeat.received(),
      onFailure: error => {
        // An error of the group shows that the coordinator is alive.
        if (hasCode(error, ErrorCode.REBALANCE_IN_PROGRESS)) heartbeat.received()
        else if (hasCode(error, ErrorCode.FENCED_INSTANCE_ID)) this.#fail(error)
        else {
          heartbeat.failed()
          this.wake()
        }
      },
    })
  }

  #fail(error: Error): void {
    this.#failure ??= error
  }
}
