import type { Clock } from '../runtime/runtime.ts'
import type { BrokerHeartbeatRequest } from './controller-channel.ts'

export type BrokerControlState = 'FENCED' | 'UNFENCED' | 'CONTROLLED_SHUTDOWN' | 'SHUTDOWN_NOW'

export interface BrokerControlStates {
  readonly current: BrokerControlState
  readonly next: BrokerControlState
}

interface BrokerHeartbeatState {
  readonly id: number
  fenced: boolean
  /** Monotonic milliseconds. */
  lastContactMs: number
  /** The last offset the broker has acted on, as far as it said. */
  metadataOffset: number
  /** Offset that all other brokers must reach before this one may go; -1 when it is not shutting down. */
  controlledShutdownOffset: number
}

/**
 * Who was heard of when. It lives only as long as this controller is active and is in no log: a new controller grants
 * every unfenced broker a fresh session.
 */
export class BrokerHeartbeatManager {
  readonly #clock: Clock
  readonly #sessionTimeoutMs: number
  readonly #brokers = new Map<number, BrokerHeartbeatState>()

  constructor(clock: Clock, sessionTimeoutMs: number) {
    this.#clock = clock
    this.#sessionTimeoutMs = sessionTimeoutMs
  }

  /** Begins to follow a broker, or tells that its registration has changed. */
  register(id: number, fenced: boolean): void {
    const known = this.#brokers.get(id)
    if (known === undefined) {
      this.#brokers.set(id, { id, fenced, lastContactMs: 0, metadataOffset: -1, controlledShutdownOffset: -1 })
    }
    this.touch(id, fenced, known?.metadataOffset ?? -1)
  }

  remove(id: number): void {
    this.#brokers.delete(id)
  }

  /** The broker was heard of, or has changed. A fenced one has no session and is no longer in controlled shutdown. */
  touch(id: number, fenced: boolean, metadataOffset: number): void {
    const broker = this.#state(id)
    broker.lastContactMs = this.#clock.monotonicMs()
    broker.metadataOffset = metadataOffset
    broker.fenced = fenced
    if (fenced) broker.controlledShutdownOffset = -1
  }

  /** Only an unfenced broker has a session. */
  hasValidSession(id: number): boolean {
    const broker = this.#brokers.get(id)
    return broker !== undefined && !broker.fenced && this.#expiryMs(broker) >= this.#clock.monotonicMs()
  }

  isShuttingDown(id: number): boolean {
    return (this.#brokers.get(id)?.controlledShutdownOffset ?? -1) >= 0
  }

  /** When the next session ends unless its broker is heard of; undefined when no broker has one. */
  get nextCheckMs(): number | undefined {
    let next: number | undefined
    for (const broker of this.#brokers.values()) {
      if (!broker.fenced) next = Math.min(next ?? Number.POSITIVE_INFINITY, this.#expiryMs(broker))
    }
    return next
  }

  /** The broker whose session ended first, if any has. */
  findOneStaleBroker(): number | undefined {
    let stale: BrokerHeartbeatState | undefined
    for (const broker of this.#brokers.values()) {
      if (broker.fenced || this.hasValidSession(broker.id)) continue
      if (stale === undefined || broker.lastContactMs < stale.lastContactMs) stale = broker
    }
    return stale?.id
  }

  /** Sets the offset only at the first time: later heartbeats must not move the goal away (KAFKA-14292). */
  maybeUpdateControlledShutdownOffset(id: number, offset: number): void {
    const broker = this.#state(id)
    if (broker.controlledShutdownOffset < 0) broker.controlledShutdownOffset = offset
  }

  /** What a heartbeat asks for, and what the broker gets. Kafka's calculateNextBrokerState. */
  calculateNextBrokerState(
    request: BrokerHeartbeatRequest,
    registrationOffset: number,
    hasLeaderships: () => boolean,
  ): BrokerControlStates {
    const broker = this.#state(request.brokerId)
    if (broker.controlledShutdownOffset >= 0) {
      const mayGo = !hasLeaderships() && broker.controlledShutdownOffset <= this.#lowestActiveOffset()
      return { current: 'CONTROLLED_SHUTDOWN', next: mayGo ? 'SHUTDOWN_NOW' : 'CONTROLLED_SHUTDOWN' }
    }
    if (broker.fenced) {
      if (request.wantShutDown) return { current: 'FENCED', next: 'SHUTDOWN_NOW' }
      const caughtUp = request.currentMetadataOffset >= registrationOffset
      return { current: 'FENCED', next: !request.wantFence && caughtUp ? 'UNFENCED' : 'FENCED' }
    }
    if (request.wantFence) return { current: 'UNFENCED', next: request.wantShutDown ? 'SHUTDOWN_NOW' : 'FENCED' }
    if (!request.wantShutDown) return { current: 'UNFENCED', next: 'UNFENCED' }
    return { current: 'UNFENCED', next: hasLeaderships() ? 'CONTROLLED_SHUTDOWN' : 'SHUTDOWN_NOW' }
  }

  /** The offset that all active brokers have reached. */
  #lowestActiveOffset(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const broker of this.#brokers.values()) {
      if (!broker.fenced && broker.controlledShutdownOffset < 0) lowest = Math.min(lowest, broker.metadataOffset)
    }
    return lowest
  }

  #expiryMs(broker: BrokerHeartbeatState): number {
    return broker.lastContactMs + this.#sessionTimeoutMs
  }

  #state(id: number): BrokerHeartbeatState {
    const broker = this.#brokers.get(id)
    if (broker === undefined) throw new Error(`broker ${id} is not registered`)
    return broker
  }
}
