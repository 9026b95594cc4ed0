import { DiskError, type DiskErrorCode } from '../disk.ts'

/** The operating system's names for failures, as the names that `DiskError` knows. */
const CODES: ReadonlyMap<string, DiskErrorCode> = new Map<string, DiskErrorCode>([
  ['ENOENT', 'ENOENT'],
  ['EEXIST', 'EEXIST'],
  ['ENOTEMPTY', 'EEXIST'],
  ['ENOTDIR', 'ENOTDIR'],
  ['EISDIR', 'EISDIR'],
  ['ENOSPC', 'ENOSPC'],
  ['EDQUOT', 'ENOSPC'],
  ['EFBIG', 'ENOSPC'],
  ['EBADF', 'EBADF'],
  ['EACCES', 'EACCES'],
  ['EPERM', 'EACCES'],
  ['EROFS', 'EACCES'],
  ['EMFILE', 'EMFILE'],
  ['ENFILE', 'EMFILE'],
])

/** A failure of `node:fs` as a `DiskError` that keeps it as its cause; what has no name of its own is `EIO`. */
export function diskErrorFrom(cause: unknown, operation: string, path: string): DiskError {
  if (cause instanceof DiskError) return cause
  const code = cause instanceof Error && 'code' in cause ? CODES.get(String(cause.code)) : undefined
  return new DiskError(code ?? 'EIO', operation, path, { cause })
}

/** Awaits an operation of `node:fs`, rejecting with `DiskError`. */
export async function diskOperation<T>(operation: string, path: string, result: () => Promise<T>): Promise<T> {
  try {
    return await result()
  } catch (error) {
    throw diskErrorFrom(error, operation, path)
  }
}
