import type { Socket } from 'node:net'

const SOCKETS_MAX = 1000

/**
 * Sockets that were closed but still send what was written. Each goes away once the peer has everything and has closed
 * its side too, or after `lingerMs`; more than 1000 at a time are not kept, the oldest goes then.
 *
 * What the peer still sends is read and dropped: were it left unread, the operating system would answer the close with a
 * reset, and the peer would lose bytes that it has not read yet.
 */
export class LingeringSockets {
  readonly #lingerMs: number
  readonly #sockets = new Set<Socket>()

  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs
  }

  add(socket: Socket): void {
    this.#sockets.add(socket)
    const timer = setTimeout(() => drop(socket), this.#lingerMs)
    socket.once('close', () => {
      clearTimeout(timer)
      this.#sockets.delete(socket)
    })
    socket.once('finish', () => {
      // The operating system has every byte now; waiting for the peer's end must not keep the process alive.
      timer.unref()
      socket.unref()
    })
    socket.resume()
    socket.end()
    const [oldest] = this.#sockets
    if (oldest !== undefined && this.#sockets.size > SOCKETS_MAX) drop(oldest)
  }
}

/** Gives up on a socket. A peer that lacks bytes must not take the end for a proper one. */
function drop(socket: Socket): void {
  if (socket.writableLength > 0) socket.resetAndDestroy()
  else socket.destroy()
}
