import type { Lane } from '../lane.ts'
import type { World } from '../world.ts'
import type { Endpoint } from './endpoint.ts'
import type { Link } from './link.ts'

/** The largest piece that travels as one segment (what segmentation offload hands over at once). */
const MAX_SEGMENT_BYTES = 65_536
/**
 * A receiver tells of room only when it has this much, or half its buffer (RFC 1122, 4.2.3.3): else a reader that takes
 * little at a time makes the segments ever smaller.
 */
const WINDOW_UPDATE_BYTES = 1460

/**
 * One direction of a connection: the sender's queue, the bytes on their way, and what the receiver's window allows.
 * First in, first out; delivery is always a later event.
 */
export class Pipe {
  readonly from: Endpoint
  readonly to: Endpoint
  readonly link: Link
  /** This connection's bytes vanish although others get through (a dead flow); they are retransmitted after healing. */
  blocked = false
  readonly #world: World
  readonly #lane: Lane
  readonly #sendBufferBytes: number
  readonly #windowUpdateBytes: number
  /** Bytes that the receiver has told it has room for, and that were not sent yet. */
  #windowBytes: number
  /** Bytes that the receiver has read and not told of. */
  #freedBytes = 0
  readonly #queue: Buffer[] = []
  #queuedBytes = 0
  #squeezedBytes = Number.POSITIVE_INFINITY
  /** Sent, not delivered. */
  #inFlightBytes = 0
  /** Delivered, but the acknowledgement has not come back. */
  #unacknowledgedBytes = 0
  #lastArrivalUs = 0
  #finQueued = false
  #closed = false
  /** Segments that were lost on the way, in order; null is the end of the stream. */
  readonly #lost: (Buffer | null)[] = []
  #retransmitting = false
  #lossSinceUs = 0

  constructor(
    world: World,
    lane: Lane,
    from: Endpoint,
    to: Endpoint,
    link: Link,
    sendBufferBytes: number,
    receiveBufferBytes: number,
  ) {
    this.#world = world
    this.#lane = lane
    this.from = from
    this.to = to
    this.link = link
    this.#sendBufferBytes = sendBufferBytes
    this.#windowBytes = receiveBufferBytes
    this.#windowUpdateBytes = Math.max(1, Math.min(WINDOW_UPDATE_BYTES, receiveBufferBytes >> 1))
  }

  get lane(): Lane {
    return this.#lane
  }

  /** Room in the send buffer. */
  get writableBytes(): number {
    return Math.max(0, Math.min(this.#sendBufferBytes, this.#squeezedBytes) - this.#outstanding)
  }

  /** Makes the send buffer smaller than it was asked to be; undefined gives it its size back. */
  squeeze(bytes: number | undefined): void {
    const wasFull = this.writableBytes === 0
    this.#squeezedBytes = bytes ?? Number.POSITIVE_INFINITY
    if (wasFull && this.writableBytes > 0) this.from.notifyLater('writable')
  }

  /** Bytes the sender has written that the receiver's host does not have. */
  get undeliveredBytes(): number {
    return this.#queuedBytes + this.#inFlightBytes
  }

  get #outstanding(): number {
    return this.#queuedBytes + this.#inFlightBytes + this.#unacknowledgedBytes
  }

  /** Takes as much of `chunk` as the send buffer has room for. */
  write(chunk: Buffer): number {
    const taken = Math.min(chunk.length, this.writableBytes)
    if (taken > 0) {
      this.#queue.push(taken === chunk.length ? chunk : chunk.subarray(0, taken))
      this.#queuedBytes += taken
      this.pump()
    }
    return taken
  }

  /** After what was written, the receiver sees the end of the stream. */
  finish(): void {
    if (this.#finQueued) return
    this.#finQueued = true
    this.pump()
  }

  /** Nothing more comes out of this pipe. */
  cut(): void {
    this.#closed = true
    this.#queue.length = 0
    this.#lost.length = 0
    this.link.stalled.delete(this)
    this.to.outPipe?.link.stalled.delete(this)
  }

  /**
   * Sends a reset: what is on its way still arrives before it, what was not sent yet is dropped. A reset that is lost is
   * not sent again; the peer hears of it when it sends something itself.
   */
  reset(): void {
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#finQueued = false
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, this.link.arrivalUs(this.#world.nowUs, 0))
    this.#world.at(this.#lastArrivalUs, this.#lane, 'rst', () => {
      if (!this.isBlocked) this.to.fail('ECONNRESET')
    })
  }

  /** Sends what the receiver's window allows. */
  pump(): void {
    if (this.#closed) return
    for (;;) {
      const head = this.#queue[0]
      if (head === undefined) break
      if (this.#windowBytes <= 0) return
      const size = this.link.segmentBytes(Math.min(head.length, this.#windowBytes, MAX_SEGMENT_BYTES))
      this.#windowBytes -= size
      if (size === head.length) this.#queue.shift()
      else this.#queue[0] = head.subarray(size)
      this.#queuedBytes -= size
      this.#inFlightBytes += size
      this.#send(size === head.length ? head : head.subarray(0, size))
    }
    if (this.#finQueued && this.#queuedBytes === 0) {
      this.#finQueued = false
      this.#send(null)
      this.#finSent = true
    }
  }

  #finSent = false

  #send(segment: Buffer | null): void {
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, this.link.arrivalUs(this.#world.nowUs, segment?.length ?? 0))
    this.#world.at(this.#lastArrivalUs, this.#lane, segment === null ? 'fin' : 'deliver', () => this.#arrive(segment))
  }

  #arrive(segment: Buffer | null): void {
    if (this.#closed) return
    if (this.isBlocked || this.#lost.length > 0) {
      if (this.#lost.length === 0) this.#lossSinceUs = this.#world.nowUs
      this.#lost.push(segment)
      this.link.stalled.add(this)
      if (!this.isBlocked) this.recover()
      return
    }
    this.#deliver(segment)
  }

  /** Whether the sender hears nothing of what it sends: it does not arrive, or the acknowledgement does not come back. */
  get isCutOff(): boolean {
    return this.isBlocked || (this.to.outPipe?.isBlocked ?? false)
  }

  /** Whether nothing gets through now: the path, this flow, or the receiving machine is down. */
  get isBlocked(): boolean {
    return this.blocked || this.link.conditions.blocked || !this.to.kernel.host.up
  }

  #deliver(segment: Buffer | null): void {
    if (segment === null) {
      this.#world.trace.data(this.#world.nowUs, this.#lane.id, 'fin', EMPTY)
      this.to.receiveEnd()
      return
    }
    this.#world.trace.data(this.#world.nowUs, this.#lane.id, 'deliver', segment)
    const wasFull = this.writableBytes === 0
    this.#inFlightBytes -= segment.length
    if (this.to.outPipe?.isBlocked) {
      this.#unacknowledgedBytes += segment.length // the acknowledgement cannot come back
      this.to.outPipe.link.stalled.add(this)
    }
    this.to.receive(segment)
    if (wasFull && this.writableBytes > 0) this.#afterWayBack(() => this.from.notify())
  }

  /** The receiver has read `bytes`: its window opens. Tells the sender after the way back if it waits for that. */
  windowOpened(bytes: number): void {
    this.#freedBytes += bytes
    if (this.#freedBytes < this.#windowUpdateBytes) return
    const freed = this.#freedBytes
    this.#freedBytes = 0
    if (this.#queuedBytes === 0) {
      this.#windowBytes += freed
      return
    }
    this.#afterWayBack(() => {
      this.#windowBytes += freed
      this.pump()
    })
  }

  /**
   * The receiver is gone and will never read: what the sender holds back because the window is shut travels now, as its
   * window probes would, so that the receiver's machine can answer it with a reset.
   */
  receiverGone(): void {
    this.#windowBytes = Number.POSITIVE_INFINITY
    this.pump()
  }

  #afterWayBack(run: () => void): void {
    const back = this.to.outPipe?.link ?? this.link
    this.#world.at(this.#world.nowUs + back.conditions.latencyUs[0], this.#lane, 'writable', run)
  }

  /** The path is open again: lost segments arrive after the sender's next retransmission. */
  recover(): void {
    if (this.#closed || this.#retransmitting || this.isBlocked) return
    this.link.stalled.delete(this)
    if (this.#lost.length === 0) return
    this.#retransmitting = true
    const outageUs = this.#world.nowUs - this.#lossSinceUs
    // The retransmission timeout doubles from 200 ms on: the next one comes within as long again as the outage lasted.
    const waitUs = this.link.random.int(200, Math.max(400, Math.min(outageUs, 60_000_000)))
    this.#world.at(this.#world.nowUs + waitUs, this.#lane, 'retransmit', () => this.#retransmit())
  }

  #retransmit(): void {
    this.#retransmitting = false
    if (this.#closed) return
    if (this.isBlocked) {
      this.link.stalled.add(this)
      return
    }
    const segments = this.#lost.splice(0)
    for (const segment of segments) {
      if (!this.#closed) this.#deliver(segment)
    }
  }

  /** Acknowledgements that were lost come through again, if the way back is open. */
  acknowledge(): void {
    const back = this.to.outPipe
    if (this.#closed || this.#unacknowledgedBytes === 0 || back === undefined || back.isBlocked) return
    back.link.stalled.delete(this)
    const wasFull = this.writableBytes === 0
    this.#unacknowledgedBytes = 0
    if (wasFull) this.from.notifyLater('writable')
  }

  /** Whether the sender still waits for the receiver's host to acknowledge something. */
  get unsettled(): boolean {
    return this.#outstanding > 0 || this.#lost.length > 0
  }

  /** Whether the end of the stream was sent (it may still be on its way). */
  get finished(): boolean {
    return this.#finQueued || this.#finSent
  }
}

const EMPTY = Buffer.alloc(0)
