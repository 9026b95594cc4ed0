import type { BrokerEndpoint, SupportedVersionRange } from '../controller/broker-registration.ts'
import type { BrokerHeartbeatReply, ControllerChannel } from '../controller/controller-channel.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { Condition } from '../runtime/condition.ts'
import type { Runtime, Thread, Timer } from '../runtime/runtime.ts'

/** Wait between heartbeats until the broker has read the metadata log, so that a start without recovery is quick. */
const STARTING_DELAY_MS = 10
/** Wait after the first heartbeat of a controlled shutdown, so that leaders have time to move. */
const CONTROLLED_SHUTDOWN_DELAY_MS = 50

/** Kafka's BrokerState. */
export type BrokerState =
  | 'NOT_RUNNING'
  | 'STARTING'
  | 'RECOVERY'
  | 'RUNNING'
  | 'PENDING_CONTROLLED_SHUTDOWN'
  | 'SHUTTING_DOWN'

/** The broker could not register within `initial.broker.registration.timeout.ms`: it cannot start. */
export class RegistrationTimeoutError extends Error {
  override readonly name = 'RegistrationTimeoutError'

  constructor(brokerId: number, timeoutMs: number, options?: ErrorOptions) {
    super(`broker ${brokerId} could not register with the controller within ${timeoutMs} ms`, options)
  }
}

export interface BrokerLifecycleOptions {
  readonly brokerId: number
  readonly clusterId: string
  readonly incarnationId: string
  readonly listeners: readonly BrokerEndpoint[]
  readonly supportedFeatures: ReadonlyMap<string, SupportedVersionRange>
  readonly rack: string | null
  readonly logDirs: readonly string[]
  /** Epoch that the clean-shutdown marker holds; −1: none. */
  readonly previousBrokerEpoch: number
  /** `broker.heartbeat.interval.ms`; also the wait after an attempt that failed. */
  readonly heartbeatIntervalMs: number
  /** `initial.broker.registration.timeout.ms` */
  readonly registrationTimeoutMs: number
  /** `log.dir.failure.timeout.ms` */
  readonly logDirFailureTimeoutMs: number
  /** The controller could not be told in time that a log directory has failed: the broker must stop. */
  readonly onUnreportedFailure: (directoryId: string) => void
  readonly controller: Pick<ControllerChannel, 'registerBroker' | 'brokerHeartbeat'>
  /** Offset of the last metadata record that the broker has acted on. */
  readonly highestMetadataOffset: () => number
}

/**
 * Registers the broker with the controller and keeps its session alive (Kafka's BrokerLifecycleManager): one thread
 * that sends the registration until it is accepted, then heartbeats.
 */
export class BrokerLifecycleManager {
  readonly #runtime: Runtime
  readonly #options: BrokerLifecycleOptions
  readonly #wake: Condition
  readonly #changed: Condition
  /** Failed directories, and whether the controller knows. */
  readonly #offlineLogDirs = new Map<string, boolean>()
  readonly #timers = new Set<Timer>()
  #state: BrokerState = 'NOT_RUNNING'
  #brokerEpoch = -1
  #readyToUnfence = false
  /** There is news for the controller since the last communication began. */
  #communicateAtOnce = false
  #gotControlledShutdownResponse = false
  #failure: Error | undefined
  #thread: Thread | undefined

  constructor(runtime: Runtime, options: BrokerLifecycleOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#wake = new Condition(runtime, 'BrokerLifecycleManager heartbeat')
    this.#changed = new Condition(runtime, 'BrokerLifecycleManager state')
  }

  get state(): BrokerState {
    return this.#state
  }

  /** −1 before the registration. */
  get brokerEpoch(): number {
    return this.#brokerEpoch
  }

  start(): void {
    this.#state = 'STARTING'
    this.#thread = this.#runtime.threads.start('broker-lifecycle-manager', () => this.#run())
  }

  /** Resolves when the broker has acted on its own registration. Rejects with `RegistrationTimeoutError`. */
  async awaitInitialCatchUp(): Promise<void> {
    await this.#until(() => this.#state !== 'STARTING')
  }

  /** Asks to be unfenced; resolves when the broker is, so that it may lead. */
  async awaitUnfenced(): Promise<void> {
    this.#readyToUnfence = true
    this.#wakeThread()
    await this.#until(() => this.#state !== 'STARTING' && this.#state !== 'RECOVERY')
  }

  /** Has the controller move leaders away; resolves when the broker may go, or after `timeoutMs`. */
  async controlledShutdown(timeoutMs: number): Promise<void> {
    if (this.#state !== 'RUNNING') {
      this.beginShutdown()
      return
    }
    this.#state = 'PENDING_CONTROLLED_SHUTDOWN'
    this.#wakeThread()
    await this.#until(() => this.#state !== 'PENDING_CONTROLLED_SHUTDOWN', timeoutMs)
  }

  /** A log directory has failed; the next heartbeat, sent at once, says so. */
  propagateDirectoryFailure(directoryId: string): void {
    if (this.#stopping || this.#offlineLogDirs.has(directoryId)) return
    this.#offlineLogDirs.set(directoryId, false)
    const timer = this.#runtime.timers.after(this.#options.logDirFailureTimeoutMs, () => {
      this.#timers.delete(timer)
      if (this.#offlineLogDirs.get(directoryId) === false) this.#options.onUnreportedFailure(directoryId)
    })
    this.#timers.add(timer)
    this.#wakeThread()
  }

  /** Ends the thread; does not wait for a heartbeat under way. */
  beginShutdown(): void {
    this.#state = 'SHUTTING_DOWN'
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#wakeThread()
    this.#changed.signalAll()
  }

  /** Ends the thread and waits for it. */
  async close(): Promise<void> {
    this.beginShutdown()
    await this.#thread?.done
    this.#state = 'NOT_RUNNING'
  }

  async #run(): Promise<void> {
    const deadlineMs = this.#runtime.clock.monotonicMs() + this.#options.registrationTimeoutMs
    while (!this.#stopping) {
      const delayMs = await this.#communicate()
      if (this.#stopping) return
      if (this.#brokerEpoch < 0 && this.#runtime.clock.monotonicMs() >= deadlineMs) {
        this.#fail(new RegistrationTimeoutError(this.#options.brokerId, this.#options.registrationTimeoutMs))
        return
      }
      if (delayMs > 0 && !this.#communicateAtOnce) await this.#wake.wait(delayMs)
    }
  }

  /** Registers or sends a heartbeat. Returns how long to wait before the next. */
  async #communicate(): Promise<number> {
    this.#communicateAtOnce = false
    try {
      return this.#brokerEpoch < 0 ? await this.#register() : await this.#heartbeat()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#communicateAtOnce = false // never right after a failure
      if (error.code === ErrorCode.INCONSISTENT_CLUSTER_ID) this.#fail(error) // waiting would not help
      // No longer and longer pauses: who waits too long before it tries again is fenced (KAFKA-19294).
      return this.#options.heartbeatIntervalMs
    }
  }

  async #register(): Promise<number> {
    const { controller, brokerId, clusterId, incarnationId, listeners, rack, logDirs } = this.#options
    const features = [...this.#options.supportedFeatures].map(([name, { min, max }]) => ({
      name,
      minSupportedVersion: min,
      maxSupportedVersion: max,
    }))
    const { previousBrokerEpoch } = this.#options
    const reply = await controller.registerBroker({
      brokerId,
      clusterId,
      incarnationId,
      listeners,
      features,
      rack,
      logDirs,
      previousBrokerEpoch,
    })
    this.#brokerEpoch = reply.brokerEpoch
    return 0
  }

  async #heartbeat(): Promise<number> {
    const offlineLogDirs = [...this.#offlineLogDirs.keys()]
    const reply = await this.#options.controller.brokerHeartbeat({
      brokerId: this.#options.brokerId,
      brokerEpoch: this.#brokerEpoch,
      currentMetadataOffset: this.#options.highestMetadataOffset(),
      wantFence: !this.#readyToUnfence,
      wantShutDown: this.#state === 'PENDING_CONTROLLED_SHUTDOWN',
      offlineLogDirs,
    })
    for (const directoryId of offlineLogDirs) this.#offlineLogDirs.set(directoryId, true)
    return this.#advance(reply)
  }

  /** Moves on to the state that the controller allows. Returns how long to wait before the next heartbeat. */
  #advance(reply: BrokerHeartbeatReply): number {
    const { heartbeatIntervalMs } = this.#options
    switch (this.#state) {
      case 'STARTING':
        if (reply.isCaughtUp) this.#moveTo('RECOVERY')
        return STARTING_DELAY_MS
      case 'RECOVERY':
        if (!reply.isFenced) this.#moveTo('RUNNING')
        return heartbeatIntervalMs
      case 'PENDING_CONTROLLED_SHUTDOWN': {
        if (reply.shouldShutDown) this.beginShutdown()
        const first = !this.#gotControlledShutdownResponse
        this.#gotControlledShutdownResponse = true
        return first ? CONTROLLED_SHUTDOWN_DELAY_MS : heartbeatIntervalMs
      }
      default:
        return heartbeatIntervalMs
    }
  }

  #wakeThread(): void {
    this.#communicateAtOnce = true
    this.#wake.signal()
  }

  #moveTo(state: BrokerState): void {
    this.#state = state
    this.#changed.signalAll()
  }

  #fail(error: Error): void {
    this.#failure = error
    this.beginShutdown()
  }

  get #stopping(): boolean {
    return this.#state === 'SHUTTING_DOWN' || this.#state === 'NOT_RUNNING'
  }

  async #until(reached: () => boolean, timeoutMs?: number): Promise<void> {
    const deadlineMs = timeoutMs === undefined ? undefined : this.#runtime.clock.monotonicMs() + timeoutMs
    while (!reached()) {
      if (this.#failure !== undefined) throw this.#failure
      if (deadlineMs === undefined) await this.#changed.wait()
      else {
        const remainingMs = deadlineMs - this.#runtime.clock.monotonicMs()
        if (remainingMs <= 0) return
        await this.#changed.wait(remainingMs)
      }
    }
    if (this.#failure !== undefined) throw this.#failure
  }
}
