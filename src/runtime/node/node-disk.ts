import { constants, mkdirSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Disk, DiskError, type DiskFile } from '../disk.ts'
import { diskErrorFrom, diskOperation } from './disk-error.ts'
import { NodeDiskFile } from './node-disk-file.ts'

const READ_AND_APPEND = constants.O_RDWR | constants.O_APPEND

/**
 * A directory of the machine as a disk. `.` and the empty path name the directory itself. Symbolic links in it are
 * followed: whoever can make them there can read the data anyway.
 */
export class NodeDisk implements Disk {
  readonly #root: string

  /** Makes the directory when it is missing; throws `DiskError` when that fails. */
  constructor(root: string) {
    this.#root = root
    try {
      mkdirSync(root, { recursive: true })
    } catch (error) {
      throw diskErrorFrom(error, 'makeDirectory', root)
    }
  }

  async open(path: string, options: { readonly create?: boolean } = {}): Promise<DiskFile> {
    const target = this.#resolve('open', path)
    const flags = options.create === true ? READ_AND_APPEND | constants.O_CREAT : READ_AND_APPEND
    return diskOperation('open', path, async () => {
      const handle = await open(target, flags)
      try {
        return new NodeDiskFile(path, handle, (await handle.stat()).size)
      } catch (error) {
        await handle.close()
        throw error
      }
    })
  }

  async list(directory: string): Promise<string[]> {
    const target = this.#resolve('list', directory)
    return (await diskOperation('list', directory, () => readdir(target))).sort()
  }

  async makeDirectory(directory: string): Promise<void> {
    const target = this.#resolve('makeDirectory', directory)
    await diskOperation('makeDirectory', directory, () => mkdir(target, { recursive: true }))
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#resolve('rename', from)
    const target = this.#resolve('rename', to)
    await diskOperation('rename', from, () => rename(source, target))
  }

  async remove(path: string): Promise<void> {
    const target = this.#resolve('remove', path)
    if (target === this.#root) throw new DiskError('EACCES', 'remove', path)
    await diskOperation('remove', path, () => rm(target, { recursive: true, force: true }))
  }

  async syncDirectory(directory: string): Promise<void> {
    const target = this.#resolve('syncDirectory', directory)
    await diskOperation('syncDirectory', directory, async () => {
      const handle = await open(target, constants.O_RDONLY | constants.O_DIRECTORY)
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    })
  }

  #resolve(operation: string, path: string): string {
    if (path === '' || path === '.') return this.#root
    // An empty first part is an absolute path; a NUL byte would end the name early in the operating system's eyes.
    const escapes = path.split('/').some(part => part === '' || part === '.' || part === '..') || path.includes('\0')
    if (escapes) throw new DiskError('EACCES', operation, path)
    return join(this.#root, path)
  }
}
