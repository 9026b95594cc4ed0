import type { Connection } from '../runtime/network.ts'
import { type ChannelMuteEvent, type ChannelMuteState, nextMuteState } from './channel-mute-state.ts'
import type { MemoryPool } from './memory-pool.ts'
import { NetworkReceive } from './network-receive.ts'
import type { NetworkSend } from './network-send.ts'

/** Bytes read from one channel in one poll at most, so that a fast peer cannot keep the processor for itself. */
const READ_BUDGET_BYTES = 1024 * 1024

/**
 * One connection of a Selector with at most one frame on its way in and one on its way out. Readiness is edge-triggered: the
 * channel remembers that its connection may get further until a read or write has shown that it does not.
 */
export class KafkaChannel {
  readonly id: string
  readonly connection: Connection
  readonly #maxReceiveSize: number
  readonly #memoryPool: MemoryPool
  #mayRead = true
  #mayWrite = true
  #receive: NetworkReceive | undefined
  #send: NetworkSend | undefined
  #muteState: ChannelMuteState = 'NOT_MUTED'

  constructor(id: string, connection: Connection, maxReceiveSize: number, memoryPool: MemoryPool) {
    this.id = id
    this.connection = connection
    this.#maxReceiveSize = maxReceiveSize
    this.#memoryPool = memoryPool
  }

  get muteState(): ChannelMuteState {
    return this.#muteState
  }

  get isMuted(): boolean {
    return this.#muteState !== 'NOT_MUTED'
  }

  /** A read would be tried now if the channel was polled. */
  get wantsRead(): boolean {
    return this.#mayRead && !this.isMuted
  }

  /** A write would be tried now if the channel was polled. */
  get wantsWrite(): boolean {
    return this.#mayWrite && this.#send !== undefined
  }

  /** The connection says that it may get further. */
  becomeReady(): void {
    this.#mayRead = true
    this.#mayWrite = true
  }

  /**
   * Reads on the frame under way. Returns the bytes read, −1 at the end of the stream. Mutes the channel when the memory
   * pool refuses the frame. Throws `NetworkError`, `InvalidReceiveError`.
   */
  read(): number {
    this.#receive ??= new NetworkReceive(this.id, this.#maxReceiveSize, this.#memoryPool)
    const bytes = this.#receive.readFrom(this.connection, READ_BUDGET_BYTES)
    if (this.isInMutableState) this.mute()
    else if (!this.#receive.complete && bytes < READ_BUDGET_BYTES) this.#mayRead = false
    return bytes
  }

  /** The frame that has been read wholly, once. */
  maybeCompleteReceive(): NetworkReceive | undefined {
    const receive = this.#receive
    if (receive === undefined || !receive.complete) return undefined
    this.#receive = undefined
    return receive
  }

  /** The channel waits for request memory: it may mute itself, and must be unmuted when there is memory again. */
  get isInMutableState(): boolean {
    const receive = this.#receive
    return receive?.requiredMemoryAmountKnown === true && !receive.memoryAllocated
  }

  /** Begins to send. There must be no send under way: one request, one response. */
  setSend(send: NetworkSend): void {
    if (this.#send !== undefined) {
      throw new Error(`channel ${this.id}: attempt to begin a send with a prior send still in progress`)
    }
    this.#send = send
  }

  /** Writes on the send under way and returns it when that completed it. Throws `NetworkError`. */
  write(): NetworkSend | undefined {
    const send = this.#send
    if (send === undefined) return undefined
    send.writeTo(this.connection)
    if (!send.completed) {
      this.#mayWrite = false
      return undefined
    }
    this.#send = undefined
    return send
  }

  mute(): void {
    if (this.#muteState === 'NOT_MUTED') this.#muteState = 'MUTED'
  }

  /** Unmutes unless a response or the end of a throttle is awaited. Returns whether the channel is unmuted now. */
  maybeUnmute(): boolean {
    if (this.#muteState === 'MUTED') this.#muteState = 'NOT_MUTED'
    return this.#muteState === 'NOT_MUTED'
  }

  /** Throws `IllegalMuteTransitionError` when the event cannot come now. */
  handleChannelMuteEvent(event: ChannelMuteEvent): void {
    this.#muteState = nextMuteState(this.#muteState, event)
  }

  /** Lets go of the connection and of the memory of a frame that will never be complete. */
  close(): void {
    this.connection.close()
    this.#receive?.release()
    this.#receive = undefined
    this.#send = undefined
  }
}
