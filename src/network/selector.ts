import { Condition } from '../runtime/condition.ts'
import { type Connection, NetworkError } from '../runtime/network.ts'
import type { Runtime, Timer } from '../runtime/runtime.ts'
import { IdleExpiryManager } from './idle-expiry-manager.ts'
import { IdleRatio } from './idle-ratio.ts'
import { KafkaChannel } from './kafka-channel.ts'
import type { MemoryPool } from './memory-pool.ts'
import { InvalidReceiveError, type NetworkReceive } from './network-receive.ts'
import type { NetworkSend } from './network-send.ts'

/** Below this share of free request memory, channels are read in random order so that none is always last. */
const LOW_MEMORY_SHARE = 0.1

export interface SelectorOptions {
  /** Name of the thread that polls; appears in deadlock reports. */
  readonly name: string
  /** Largest frame (`socket.request.max.bytes`). */
  readonly maxReceiveSize: number
  /** `connections.max.idle.ms`; negative: never. */
  readonly connectionsMaxIdleMs: number
  readonly memoryPool: MemoryPool
}

/** Why a connection is gone, as far as the selector knows. */
export type DisconnectReason = 'CLOSED_BY_PEER' | 'BROKEN' | 'INVALID_RECEIVE' | 'EXPIRED' | 'FAILED_SEND'

type CloseMode = 'GRACEFUL' | 'NOTIFY_ONLY' | 'DISCARD_NO_NOTIFY'

/**
 * Drives many connections from one thread: reads at most one frame a channel a poll, writes what is to be sent, notices
 * what is gone (Kafka's Selector). Unlike an operating system's selector it never wakes for nothing: `poll` waits until a
 * connection gets further, `wakeup` is called, or the oldest connection's idle time has run out.
 */
export class Selector {
  /** Frames of the last poll, at most one a channel. */
  readonly completedReceives = new Map<string, NetworkReceive>()
  readonly completedSends: NetworkSend[] = []
  /** Connections that ended since the last poll, other than by `close`. */
  readonly disconnected = new Map<string, DisconnectReason>()
  readonly idleRatio: IdleRatio
  readonly #runtime: Runtime
  readonly #options: SelectorOptions
  readonly #idleExpiryManager: IdleExpiryManager
  readonly #condition: Condition
  readonly #channels = new Map<string, KafkaChannel>()
  readonly #closingChannels = new Map<string, KafkaChannel>()
  readonly #ready = new Set<KafkaChannel>()
  readonly #explicitlyMuted = new Set<KafkaChannel>()
  readonly #failedSends = new Set<string>()
  #outOfMemory = false
  #woken = false
  #idleTimer: Timer | undefined
  #expiredConnectionsKilledCount = 0

  constructor(runtime: Runtime, options: SelectorOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#idleExpiryManager = new IdleExpiryManager(options.connectionsMaxIdleMs)
    this.#condition = new Condition(runtime, `${options.name} Selector.poll`)
    this.idleRatio = new IdleRatio(runtime.clock)
    options.memoryPool.onRecovered(() => {
      if (this.#outOfMemory) this.wakeup()
    })
  }

  /** Ids of all open channels. */
  get channelIds(): string[] {
    return [...this.#channels.keys()]
  }

  get connectionCount(): number {
    return this.#channels.size
  }

  /** Connections that were closed because nothing happened on them for too long. */
  get expiredConnectionsKilledCount(): number {
    return this.#expiredConnectionsKilledCount
  }

  channel(id: string): KafkaChannel | undefined {
    return this.#channels.get(id)
  }

  /** A channel whose peer is gone while a request of it is still being handled. */
  closingChannel(id: string): KafkaChannel | undefined {
    return this.#closingChannels.get(id)
  }

  openOrClosingChannel(id: string): KafkaChannel | undefined {
    return this.#channels.get(id) ?? this.#closingChannels.get(id)
  }

  /** The channel to close first when there are too many. */
  get lowestPriorityChannel(): KafkaChannel | undefined {
    for (const channel of this.#closingChannels.values()) return channel
    const leastRecentlyUsed = this.#idleExpiryManager.leastRecentlyUsed
    return leastRecentlyUsed === undefined ? undefined : this.#channels.get(leastRecentlyUsed)
  }

  /** Takes over a connection. `id` must be new. */
  register(id: string, connection: Connection): KafkaChannel {
    if (this.openOrClosingChannel(id) !== undefined) throw new Error(`connection id ${id} is registered already`)
    const channel = new KafkaChannel(id, connection, this.#options.maxReceiveSize, this.#options.memoryPool)
    this.#channels.set(id, channel)
    this.#idleExpiryManager.update(id, this.#runtime.clock.monotonicMs())
    connection.onReady(() => {
      channel.becomeReady()
      this.#queue(channel)
    })
    this.#queue(channel)
    this.#armIdleTimer()
    return channel
  }

  /** Starts to send; the next poll writes. The channel must exist; when its peer is gone, the next poll disconnects it. */
  send(send: NetworkSend): void {
    const id = send.destinationId
    if (this.#closingChannels.has(id)) {
      this.#failedSends.add(id)
      return
    }
    const channel = this.#channels.get(id)
    if (channel === undefined) throw new Error(`send to unknown connection ${id}`)
    channel.setSend(send)
    this.#queue(channel)
  }

  /** Makes the poll that waits, or else the next one, return at once. */
  wakeup(): void {
    this.#woken = true
    this.#condition.signal()
  }

  mute(id: string): void {
    const channel = this.openOrClosingChannel(id)
    if (channel === undefined) return
    channel.mute()
    this.#explicitlyMuted.add(channel)
  }

  /** Reads the channel again unless it awaits a response or the end of a throttle. */
  unmute(id: string): void {
    const channel = this.openOrClosingChannel(id)
    if (channel === undefined || !channel.maybeUnmute()) return
    this.#explicitlyMuted.delete(channel)
    this.#queue(channel)
  }

  /**
   * Waits for something to do, then does all that can be done now. The results are in the public collections. Undefined, with
   * nothing to await, when there was something to do already.
   */
  poll(): Promise<void> | undefined {
    this.#clear()
    if (!this.#hasWork) return this.#waitAndSelect()
    this.#select()
    return undefined
  }

  async #waitAndSelect(): Promise<void> {
    this.idleRatio.begin()
    await this.#condition.wait()
    this.idleRatio.end()
    this.#select()
  }

  #select(): void {
    this.#woken = false
    this.#recoverFromMemoryPressure()
    const nowMs = this.#runtime.clock.monotonicMs()
    const selected = this.#handlingOrder()
    for (const channel of selected) {
      this.#ready.delete(channel)
      this.#pollChannel(channel, nowMs)
    }
    this.#maybeCloseOldestConnection(nowMs)
  }

  clearCompletedReceives(): void {
    // Not when it is empty: clearing a map allocates.
    if (this.completedReceives.size > 0) this.completedReceives.clear()
  }

  clearCompletedSends(): void {
    if (this.completedSends.length > 0) this.completedSends.length = 0
  }

  clearDisconnected(): void {
    if (this.disconnected.size > 0) this.disconnected.clear()
  }

  /** Closes a connection at once; it does not appear among the disconnected. */
  close(id: string): void {
    const channel = this.#channels.get(id)
    if (channel !== undefined) {
      this.#close(channel, 'DISCARD_NO_NOTIFY', 'BROKEN')
      return
    }
    const closing = this.#closingChannels.get(id)
    if (closing === undefined) return
    this.#closingChannels.delete(id)
    this.#doClose(closing, undefined)
  }

  /** Closes all connections and stops the idle timer. */
  closeAll(): void {
    for (const id of [...this.#channels.keys(), ...this.#closingChannels.keys()]) this.close(id)
    this.#idleTimer?.cancel()
    this.#idleTimer = undefined
  }

  get #hasWork(): boolean {
    return (
      this.#woken ||
      this.#ready.size > 0 ||
      this.disconnected.size > 0 ||
      this.completedReceives.size > 0 ||
      (this.#outOfMemory && !this.#options.memoryPool.isOutOfMemory)
    )
  }

  #queue(channel: KafkaChannel): void {
    if (!channel.wantsRead && !channel.wantsWrite) return
    if (!this.#channels.has(channel.id)) return
    this.#ready.add(channel)
    if (this.#condition.waiting > 0) this.#condition.signal()
  }

  #clear(): void {
    this.clearCompletedSends()
    this.clearCompletedReceives()
    this.clearDisconnected()
    if (this.#closingChannels.size > 0) this.#checkClosingChannels()
  }

  #checkClosingChannels(): void {
    for (const channel of this.#closingChannels.values()) {
      const failedSend = this.#failedSends.delete(channel.id)
      if (!failedSend && this.#maybeReadFromClosingChannel(channel)) continue
      this.#closingChannels.delete(channel.id)
      this.#doClose(channel, failedSend ? 'FAILED_SEND' : 'CLOSED_BY_PEER')
    }
    this.#failedSends.clear()
  }

  #recoverFromMemoryPressure(): void {
    if (!this.#outOfMemory || this.#options.memoryPool.isOutOfMemory) return
    this.#outOfMemory = false
    for (const channel of this.#channels.values()) {
      if (!channel.isInMutableState || this.#explicitlyMuted.has(channel)) continue
      channel.maybeUnmute()
      if (channel.wantsRead) this.#ready.add(channel)
    }
  }

  #handlingOrder(): KafkaChannel[] {
    const channels = [...this.#ready]
    const pool = this.#options.memoryPool
    if (channels.length < 2 || pool.availableMemory >= pool.size * LOW_MEMORY_SHARE) return channels
    const random = this.#runtime.random.stream(`${this.#options.name} low memory order`)
    for (let last = channels.length - 1; last > 0; last--) {
      const other = random.int(0, last)
      const a = channels[last]
      const b = channels[other]
      if (a === undefined || b === undefined) continue
      channels[last] = b
      channels[other] = a
    }
    return channels
  }

  #pollChannel(channel: KafkaChannel, nowMs: number): void {
    if (!this.#channels.has(channel.id)) return
    this.#idleExpiryManager.update(channel.id, nowMs)
    let writing = false
    try {
      if (channel.wantsRead && !this.completedReceives.has(channel.id) && !this.#attemptRead(channel)) {
        this.#close(channel, 'GRACEFUL', 'CLOSED_BY_PEER')
        return
      }
      if (channel.wantsWrite) {
        writing = true
        const send = channel.write()
        if (send !== undefined) this.completedSends.push(send)
      }
    } catch (error) {
      const reason = disconnectReason(error)
      this.#close(channel, writing ? 'NOTIFY_ONLY' : 'GRACEFUL', reason)
      return
    }
    if (channel.wantsRead || channel.wantsWrite) this.#ready.add(channel)
  }

  /** Reads and collects a complete frame. Returns false at the end of the stream. */
  #attemptRead(channel: KafkaChannel): boolean {
    const bytes = channel.read()
    const receive = channel.maybeCompleteReceive()
    if (receive !== undefined) this.completedReceives.set(channel.id, receive)
    if (channel.isMuted) this.#outOfMemory = true
    return bytes >= 0
  }

  /** Whether the channel must live on: its request is being handled, or it had another whole one buffered. */
  #maybeReadFromClosingChannel(channel: KafkaChannel): boolean {
    if (this.#explicitlyMuted.has(channel) || this.completedReceives.has(channel.id)) return true
    try {
      this.#attemptRead(channel)
    } catch (error) {
      disconnectReason(error)
      return false
    }
    return this.completedReceives.has(channel.id)
  }

  #maybeCloseOldestConnection(nowMs: number): void {
    const expired = this.#idleExpiryManager.pollExpiredConnection(nowMs)
    const channel = expired === undefined ? undefined : this.#channels.get(expired)
    if (channel !== undefined) {
      this.#expiredConnectionsKilledCount++
      // At once, even with a request or an answer under way: whoever does not read its answers would stay for ever. In Kafka
      // too, since a channel in state EXPIRED is not READY and so has nothing pending.
      this.#close(channel, 'NOTIFY_ONLY', 'EXPIRED')
    }
    // Only one a poll, as in Kafka; if the next one has expired as well, the next poll must not wait.
    if (this.#idleExpiryManager.pollExpiredConnection(nowMs) !== undefined) this.#woken = true
    this.#armIdleTimer()
  }

  /**
   * One timer for the oldest connection, armed once: activity does not move it. When it fires too early it is armed anew
   * for the connection that is oldest by then.
   */
  #armIdleTimer(): void {
    if (this.#idleTimer !== undefined) return
    const expiryMs = this.#idleExpiryManager.nextExpiryMs
    if (expiryMs === undefined) return
    const delayMs = Math.max(0, expiryMs - this.#runtime.clock.monotonicMs())
    this.#idleTimer = this.#runtime.timers.after(delayMs, () => {
      this.#idleTimer = undefined
      this.wakeup()
    })
  }

  #close(channel: KafkaChannel, mode: CloseMode, reason: DisconnectReason): void {
    this.#channels.delete(channel.id)
    this.#ready.delete(channel)
    this.#idleExpiryManager.remove(channel.id)
    if (mode === 'GRACEFUL' && this.#maybeReadFromClosingChannel(channel)) {
      this.#closingChannels.set(channel.id, channel)
      return
    }
    this.#doClose(channel, mode === 'DISCARD_NO_NOTIFY' ? undefined : reason)
  }

  #doClose(channel: KafkaChannel, notify: DisconnectReason | undefined): void {
    this.#explicitlyMuted.delete(channel)
    channel.close()
    if (notify !== undefined) this.disconnected.set(channel.id, notify)
  }
}

/** What a failure of a channel means for it. An error that is not the network's is a bug and goes on. */
function disconnectReason(error: unknown): DisconnectReason {
  if (error instanceof InvalidReceiveError) return 'INVALID_RECEIVE'
  if (error instanceof NetworkError) return 'BROKEN'
  throw error
}
