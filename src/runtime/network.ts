/**
 * Non-blocking byte-stream sockets, as the socket interface of an operating system offers them. Nothing here waits:
 * `onReady` tells that a call might now get further.
 */
export interface Network {
  /** Binds and listens. Rejects with `NetworkError` (`EADDRINUSE`, …). Port 0 asks for a free port. */
  listen(options: ListenOptions): Promise<Listener>
  /** Resolves when the connection is established; rejects with `NetworkError` (`ECONNREFUSED`, `ETIMEDOUT`, `ENOTFOUND`, …). */
  connect(options: ConnectOptions): Promise<Connection>
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface SocketOptions {
  /** Bytes the host queues for sending before `write` accepts no more. */
  readonly sendBufferBytes?: number
  /** Bytes the host holds for reading before the peer is told to wait. */
  readonly receiveBufferBytes?: number
}

export interface ListenOptions extends Address, SocketOptions {
  /** Connections that wait to be accepted before further ones are left waiting by the host. */
  readonly backlog: number
}

export interface ConnectOptions extends Address, SocketOptions {}

export interface Listener {
  readonly address: Address
  /** The next waiting connection, or null when none waits. */
  accept(): Connection | null
  /**
   * Sets the one callback that is called when `accept` may return a connection; also for one that waits already. Never
   * called inside another call.
   */
  onReady(callback: () => void): void
  /** Stops listening; connections that were not accepted are reset. */
  close(): void
}

/** The peer has ended its direction; there will be no more bytes. */
export const END_OF_STREAM: unique symbol = Symbol.for('kafka-trial.end-of-stream')

export interface Connection {
  readonly local: Address
  readonly remote: Address
  /**
   * At most `maxBytes` of what has arrived; null when there is nothing now; `END_OF_STREAM` after the peer's last byte.
   * Throws `NetworkError` when the connection was reset or timed out. Bytes not read stay with the host and, once its
   * buffer is full, hold the peer back.
   */
  read(maxBytes: number): Buffer | null | typeof END_OF_STREAM
  /**
   * Takes bytes from `chunk` and returns how many: less than its length, down to 0, when the send buffer is full.
   * The bytes taken may not be changed afterwards. Throws `NetworkError` when the connection is broken, and `EPIPE` after
   * the own `end`.
   */
  write(chunk: Buffer): number
  /**
   * Sets the one callback that is called when `read` or `write` may get further, at the end of the stream and on
   * failure; also for what happened before it was set. May be called without need. Never called inside another call, nor
   * after `close` or `reset`.
   */
  onReady(callback: () => void): void
  /** Half-close: what was written is still sent, then the peer sees the end of the stream. */
  end(): void
  /** Closes both directions at once and lets go of the socket: what was written is still sent. Idempotent. */
  close(): void
  /** Breaks the connection at once; the peer sees a reset. Idempotent. */
  reset(): void
}

export type NetworkErrorCode =
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'EPIPE'
  | 'ETIMEDOUT'
  | 'EHOSTUNREACH'
  | 'ENOTFOUND'
  | 'EAI_AGAIN'
  | 'ECLOSED'

/** A failed network operation; `code` is the operating system's name for the failure, `ECLOSED` use after close. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: NetworkErrorCode
  readonly operation: string
  readonly address: Address

  constructor(code: NetworkErrorCode, operation: string, address: Address, options?: ErrorOptions) {
    super(`${operation} ${code} ${address.host}:${address.port}`, options)
    this.code = code
    this.operation = operation
    this.address = address
  }
}
