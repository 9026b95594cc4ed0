import { Condition } from '../runtime/condition.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { IdleRatio } from './idle-ratio.ts'
import { SampledRate } from './sampled-rate.ts'

/** Rate quotas are averaged over so many samples of `SAMPLE_MS` (quota.window.num, quota.window.size.seconds). */
const QUOTA_SAMPLES = 11
const SAMPLE_MS = 1000

/** A peer has as many connections as it may have; the new one is to be closed at once. */
export class TooManyConnectionsError extends Error {
  override readonly name = 'TooManyConnectionsError'
  readonly address: string
  readonly max: number

  constructor(address: string, max: number) {
    super(`too many connections from ${address} (at most ${max})`)
    this.address = address
    this.max = max
  }
}

/** A peer connects too often; the new connection is to be closed after `throttleTimeMs`. It is not counted. */
export class ConnectionThrottledError extends Error {
  override readonly name = 'ConnectionThrottledError'
  readonly address: string
  readonly startThrottleTimeMs: number
  readonly throttleTimeMs: number

  constructor(address: string, startThrottleTimeMs: number, throttleTimeMs: number) {
    super(`${address} throttled for ${throttleTimeMs} ms`)
    this.address = address
    this.startThrottleTimeMs = startThrottleTimeMs
    this.throttleTimeMs = throttleTimeMs
  }
}

/** Limits of one listener; `Number.MAX_SAFE_INTEGER` stands for none. */
export interface ListenerQuota {
  readonly maxConnections: number
  /** Connections per second. */
  readonly maxConnectionCreationRate: number
}

export interface ConnectionQuotasOptions {
  /** `max.connections`, over all listeners. */
  readonly maxConnections: number
  /** `max.connection.creation.rate`, connections per second over all listeners. */
  readonly maxConnectionCreationRate: number
  /** `max.connections.per.ip` */
  readonly maxConnectionsPerIp: number
  /** `max.connections.per.ip.overrides` */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** `inter.broker.listener.name`: with more than one listener it is exempt from the limits of the whole broker. */
  readonly interBrokerListenerName: string
}

interface ListenerState {
  readonly quota: ListenerQuota
  readonly rate: SampledRate
  readonly onExceeded: () => void
  count: number
}

/**
 * Counts connections and holds acceptors back when there are too many or too many a second (Kafka's ConnectionQuotas).
 */
export class ConnectionQuotas {
  readonly #runtime: Runtime
  readonly #options: ConnectionQuotasOptions
  readonly #slotFreed: Condition
  readonly #counts = new Map<string, number>()
  readonly #listeners = new Map<string, ListenerState>()
  readonly #brokerRate = new SampledRate(QUOTA_SAMPLES, SAMPLE_MS)
  readonly #ipRateQuotas = new Map<string, number>()
  readonly #ipRates = new Map<string, SampledRate>()
  #defaultIpRateQuota = Number.MAX_SAFE_INTEGER
  #totalCount = 0

  constructor(runtime: Runtime, options: ConnectionQuotasOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#slotFreed = new Condition(runtime, 'ConnectionQuotas slot')
  }

  /** @param onExceeded called when a connection of this listener should be closed to make room */
  addListener(name: string, quota: ListenerQuota, onExceeded: () => void): void {
    const rate = new SampledRate(QUOTA_SAMPLES, SAMPLE_MS)
    this.#listeners.set(name, { quota, rate, onExceeded, count: 0 })
    this.#slotFreed.signalAll()
  }

  /** The listener stops; acceptors that wait for one of its slots are let go. */
  removeListener(name: string): void {
    this.#listeners.delete(name)
    this.#slotFreed.signalAll()
  }

  get connectionCount(): number {
    return this.#totalCount
  }

  connectionsFrom(address: string): number {
    return this.#counts.get(address) ?? 0
  }

  /**
   * Sets the connection rate (per second) allowed to one address, or to each that has none of its own when `address` is
   * null; null as rate removes the setting.
   */
  updateIpConnectionRateQuota(address: string | null, rate: number | null): void {
    if (address === null) this.#defaultIpRateQuota = rate ?? Number.MAX_SAFE_INTEGER
    else if (rate === null) this.#ipRateQuotas.delete(address)
    else this.#ipRateQuotas.set(address, rate)
  }

  /**
   * Counts a new connection, waiting until the listener has room for it. Throws `TooManyConnectionsError` (the connection
   * is counted; `dec` when closed) or `ConnectionThrottledError` (not counted).
   */
  async inc(listenerName: string, address: string, blocked: IdleRatio): Promise<void> {
    const listener = this.#listener(listenerName)
    await this.#waitForConnectionSlot(listenerName, listener, blocked)
    this.#recordIpConnectionMaybeThrottle(listener, address)
    const count = this.connectionsFrom(address)
    this.#counts.set(address, count + 1)
    this.#totalCount++
    listener.count++
    if (this.#totalCount > this.#options.maxConnections) this.#tellExceeded()
    const max = this.#options.maxConnectionsPerIpOverrides.get(address) ?? this.#options.maxConnectionsPerIp
    if (count >= max) throw new TooManyConnectionsError(address, max)
  }

  /** A counted connection is closed. */
  dec(listenerName: string, address: string): void {
    const count = this.#counts.get(address)
    if (count === undefined) throw new Error(`connection count of ${address} goes below 0`)
    if (count === 1) this.#counts.delete(address)
    else this.#counts.set(address, count - 1)
    this.#totalCount--
    const listener = this.#listeners.get(listenerName)
    if (listener !== undefined) listener.count--
    this.#slotFreed.signalAll()
  }

  /** Whether the listener should close a connection because the broker as a whole has too many. */
  maxConnectionsExceeded(listenerName: string): boolean {
    return this.#totalCount > this.#options.maxConnections && !this.#protectedListener(listenerName)
  }

  async #waitForConnectionSlot(name: string, listener: ListenerState, blocked: IdleRatio): Promise<void> {
    const startMs = this.#runtime.clock.monotonicMs()
    const throttleMs = this.#recordConnectionAndGetThrottleTimeMs(name, listener, startMs)
    if (throttleMs <= 0 && this.#connectionSlotAvailable(name, listener)) return
    blocked.begin()
    const endMs = startMs + throttleMs
    while (this.#listeners.get(name) === listener) {
      const remainingMs = endMs - this.#runtime.clock.monotonicMs()
      if (remainingMs <= 0 && this.#connectionSlotAvailable(name, listener)) break
      await (remainingMs > 0 ? this.#slotFreed.wait(remainingMs) : this.#slotFreed.wait())
    }
    blocked.end()
  }

  #connectionSlotAvailable(name: string, listener: ListenerState): boolean {
    if (listener.count >= listener.quota.maxConnections) return false
    return this.#protectedListener(name) || this.#totalCount < this.#options.maxConnections
  }

  #protectedListener(name: string): boolean {
    return name === this.#options.interBrokerListenerName && this.#listeners.size > 1
  }

  #recordConnectionAndGetThrottleTimeMs(name: string, listener: ListenerState, nowMs: number): number {
    const ofListener = throttleTimeMs(listener.rate, listener.quota.maxConnectionCreationRate, nowMs)
    if (this.#protectedListener(name)) {
      this.#brokerRate.record(1, nowMs)
      return ofListener
    }
    return Math.max(ofListener, throttleTimeMs(this.#brokerRate, this.#options.maxConnectionCreationRate, nowMs))
  }

  #recordIpConnectionMaybeThrottle(listener: ListenerState, address: string): void {
    const quota = this.#ipRateQuotas.get(address) ?? this.#defaultIpRateQuota
    if (quota === Number.MAX_SAFE_INTEGER) return
    const nowMs = this.#runtime.clock.monotonicMs()
    let rate = this.#ipRates.get(address)
    if (rate === undefined) {
      this.#forgetIdleIpRates(nowMs)
      rate = new SampledRate(QUOTA_SAMPLES, SAMPLE_MS)
      this.#ipRates.set(address, rate)
    }
    const throttleMs = throttleTimeMs(rate, quota, nowMs)
    if (throttleMs <= 0) return
    // The connection will not be accepted: it must not count against anybody.
    rate.record(-1, nowMs)
    listener.rate.record(-1, nowMs)
    this.#brokerRate.record(-1, nowMs)
    throw new ConnectionThrottledError(address, nowMs, throttleMs)
  }

  /** Keeps the table of rates as small as the number of addresses that connected lately. */
  #forgetIdleIpRates(nowMs: number): void {
    for (const [address, rate] of this.#ipRates) {
      if (rate.isIdle(nowMs)) this.#ipRates.delete(address)
    }
  }

  #tellExceeded(): void {
    for (const [name, listener] of this.#listeners) {
      if (!this.#protectedListener(name)) listener.onExceeded()
    }
  }

  #listener(name: string): ListenerState {
    const listener = this.#listeners.get(name)
    if (listener === undefined) throw new Error(`listener ${name} has no connection quota`)
    return listener
  }
}

/** Records a connection. Returns how long it must wait so that the rate falls to its quota, at most one sample. */
function throttleTimeMs(rate: SampledRate, quota: number, nowMs: number): number {
  rate.record(1, nowMs)
  const { perSecond, windowMs } = rate.measure(nowMs)
  if (perSecond <= quota) return 0
  return Math.min(SAMPLE_MS, Math.round(((perSecond - quota) / quota) * windowMs))
}
