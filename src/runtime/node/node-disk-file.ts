import type { FileHandle } from 'node:fs/promises'
import { DiskError, type DiskFile } from '../disk.ts'
import { diskOperation } from './disk-error.ts'

/** An open file. It is open for appending, so that the operating system puts every write at the end. */
export class NodeDiskFile implements DiskFile {
  readonly path: string
  readonly #handle: FileHandle
  #size: number
  #appending = false
  #closed = false

  /** @param size bytes in the file now */
  constructor(path: string, handle: FileHandle, size: number) {
    this.path = path
    this.#handle = handle
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  append(bytes: Buffer): Promise<void> {
    return this.#run('append', async () => {
      if (this.#appending) throw new Error(`two appends to ${this.path} overlap`)
      this.#appending = true
      try {
        for (let written = 0; written < bytes.length; ) {
          const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written, null)
          written += bytesWritten
          this.#size += bytesWritten
        }
      } finally {
        this.#appending = false
      }
    })
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#run('read', async () => {
      // Another handle may have appended, so the size known here bounds nothing; but never allocate for bytes that are
      // not there, whatever length a damaged index asks for.
      const end = position + length
      const available = end <= this.#size ? length : Math.min(end, (await this.#handle.stat()).size) - position
      const bytes = Buffer.allocUnsafe(Math.max(0, available))
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    })
  }

  truncate(size: number): Promise<void> {
    return this.#run('truncate', async () => {
      const before = (await this.#handle.stat()).size
      if (size < before) await this.#handle.truncate(size)
      this.#size = Math.min(size, before)
    })
  }

  sync(): Promise<void> {
    return this.#run('sync', () => this.#handle.sync())
  }

  /** Idempotent. Waits for operations that are under way. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await diskOperation('close', this.path, () => this.#handle.close())
  }

  #run<T>(operation: string, body: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new DiskError('EBADF', operation, this.path))
    return diskOperation(operation, this.path, body)
  }
}
