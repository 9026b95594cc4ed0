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
  /** The last offset the broker has acted on, as far as it said. */
  metadataOffset: number
  /** Offset that all other brokers must reach before this one may go; -1 when it is not shutting down. */
  controlledShutdownOffset: number
}

/**
 * Who was heard of when. It lives only as long as this controller is active and is in no log: a new controller grants
 * every unfenced broker a fresh session. Kafka's BrokerHeartbeatManager and BrokerHeartbeatTracker.
 */
export class BrokerHeartbeatManager {
  readonly #clock: Clock
  readonly #sessionTimeoutMs: number
  readonly #brokers = new Map<number, BrokerHeartbeatState>()
  /** When each broker was last heard of, monotonic milliseconds, and in which epoch. */
  readonly #contacts = new Map<number, { readonly timeMs: number; readonly epoch: number }>()

  constructor(clock: Clock, sessionTimeoutMs: number) {
    this.#clock = clock
    this.#sessionTimeoutMs = sessionTimeoutMs
  }

  /** Begins to follow a broker, or tells that its registration has changed. */
  register(id: number, fenced: boolean): void {
    const known = this.#brokers.get(id)
    if (known === undefined) {
      this.#brokers.set(id, { id, fenced, metadataOffset: -1, controlledShutdownOffset: -1 })
    }
    this.touch(id, fenced, known?.metadataOffset ?? -1)
  }

  /** The broker is gone, or another process has taken its place. */
  remove(id: number): void {
    this.#brokers.delete(id)
  }

  /** The state of a broker has changed. A fenced one is no longer in controlled shutdown. */
  touch(id: number, fenced: boolean, metadataOffset: number): void {
    const broker = this.#state(id)
    broker.metadataOffset = metadataOffset
    broker.fenced = fenced
    if (fenced) broker.controlledShutdownOffset = -1
  }

  /** The broker was heard of just now. */
  updateContactTime(id: number, epoch: number): void {
    this.#contacts.set(id, { timeMs: this.#clock.monotonicMs(), epoch })
  }

  /** Whether the broker was heard of lately in this epoch; also a fenced one has a session. */
  hasValidSession(id: number, epoch: number): boolean {
    const contact = this.#contacts.get(id)
    return contact?.epoch === epoch && contact.timeMs + this.#sessionTimeoutMs >= this.#clock.monotonicMs()
  }

  isShuttingDown(id: number): boolean {
    return (this.#brokers.get(id)?.controlledShutdownOffset ?? -1) >= 0
  }

  /** When the session of the next unfenced broker ends unless it is heard of; undefined when there is none. */
  get nextCheckMs(): number | undefined {
    let next: number | undefined
    for (const broker of this.#brokers.values()) {
      if (!broker.fenced) next = Math.min(next ?? Number.POSITIVE_INFINITY, this.#expiryMs(broker))
    }
    return next
  }

  /** Of the unfenced brokers, the one whose session ended first, if any has. */
  findOneStaleBroker(): number | undefined {
    const nowMs = this.#clock.monotonicMs()
    let stale: BrokerHeartbeatState | undefined
    for (const broker of this.#brokers.values()) {
      if (broker.fenced || this.#expiryMs(broker) >= nowMs) continue
      if (stale === undefined || this.#expiryMs(broker) < this.#expiryMs(stale)) stale = broker
    }
    return stale?.id
  }

  /** Sets the offset only at the first time: later heartbeats must not move the goal away (KAFKA-14292). */
  maybeUpdateControlledShutdownOffset(id: number, offset: number): void {
    const broker = this.#state(id)
    if (broker.fenced) throw new Error(`broker ${id} is fenced, so it cannot be in controlled shutdown`)
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

  /** An unfenced broker was heard of when it was unfenced, or when this controller became active. */
  #expiryMs({ id }: BrokerHeartbeatState): number {
    return (this.#contacts.get(id)?.timeMs ?? Number.POSITIVE_INFINITY) + this.#sessionTimeoutMs
  }

  #state(id: number): BrokerHeartbeatState {
    const broker = this.#brokers.get(id)
    if (broker === undefined) throw new Error(`broker ${id} is not registered`)
    return broker
  }
}
