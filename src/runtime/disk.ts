/**
 * Files, as far as a log store needs them. Paths are relative to the host's data root and use `/`; `.` is the root
 * itself, and a path that could lead out of it is refused (`EACCES`). What was appended is visible to reads at once (page
 * cache) but survives a power failure only after `sync` (bytes) and `syncDirectory` (names). Every method rejects with
 * `DiskError`.
 */
export interface Disk {
  /** Opens a file for reading and appending. `create`: make it when it does not exist (its directory must). */
  open(path: string, options?: { readonly create?: boolean }): Promise<DiskFile>
  /** Names (not paths) in a directory, sorted by code unit. Rejects with `ENOENT` when there is no such directory. */
  list(directory: string): Promise<string[]>
  /** Makes a directory and its missing parents; fine when it exists. */
  makeDirectory(directory: string): Promise<void>
  /** Renames a file or directory; replaces a file that stands at `to`. Atomic. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a directory with all it holds; fine when there is none. */
  remove(path: string): Promise<void>
  /** Makes the names in a directory (creations, renames, removals) survive a power failure. */
  syncDirectory(directory: string): Promise<void>
}

export interface DiskFile {
  readonly path: string
  /** Bytes in the file, as far as finished calls of this handle know. */
  readonly size: number
  /**
   * Adds bytes at the end. When it fails, as many leading bytes as `size` tells may have been written. Appends of one
   * handle must not overlap. The bytes may not be changed before the result settles.
   */
  append(bytes: Buffer): Promise<void>
  /** `length` bytes from `position`; fewer when the file ends before. */
  read(position: number, length: number): Promise<Buffer>
  /** Cuts the file to `size` bytes, never longer than it is. */
  truncate(size: number): Promise<void>
  /** Makes the file's bytes and size survive a power failure. */
  sync(): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

export type DiskErrorCode =
  | 'ENOENT'
  | 'EEXIST'
  | 'ENOTDIR'
  | 'EISDIR'
  | 'ENOSPC'
  | 'EIO'
  | 'EBADF'
  | 'EACCES'
  | 'EMFILE'

/** A failed disk operation; `code` is the operating system's name for the failure, `EBADF` use after close. */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: DiskErrorCode
  readonly operation: string
  readonly path: string

  constructor(code: DiskErrorCode, operation: string, path: string, options?: ErrorOptions) {
    super(`${operation} ${code} ${path}`, options)
    this.code = code
    this.operation = operation
    this.path = path
  }
}
