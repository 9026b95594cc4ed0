import { type Disk, DiskError } from '../runtime/disk.ts'
import { parentPath, TEMPORARY_FILE_SUFFIX } from './log-file-utils.ts'

/**
 * Writes a whole file so that a crash or a power failure leaves either the old or the new content: a `.tmp` file, fsync,
 * rename, fsync of the directory.
 */
export async function writeFileAtomically(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const temporary = path + TEMPORARY_FILE_SUFFIX
  const file = await disk.open(temporary, { create: true })
  try {
    if (file.size > 0) await file.truncate(0)
    if (bytes.length > 0) await file.append(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, path)
  await disk.syncDirectory(parentPath(path))
}

/** The content of a small file; undefined when there is no such file. */
export async function readSmallFile(disk: Disk, path: string, maxBytes: number): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<Disk['open']>>
  try {
    file = await disk.open(path)
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    if (file.size > maxBytes) {
      throw new RangeError(`${path} holds ${file.size} bytes, at most ${maxBytes} are read`)
    }
    return await file.read(0, file.size)
  } finally {
    await file.close()
  }
}
