import { type Disk, DiskError, type DiskErrorCode, type DiskFile } from '../../src/runtime/disk.ts'

export type DiskOperation =
  | 'open'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'append'
  | 'read'
  | 'truncate'
  | 'sync'
  | 'close'

/** A disk in memory with POSIX names: an open file lives on after it was renamed or removed. */
export class MemoryDisk implements Disk {
  /** Set to make operations fail: return the code to fail with, or undefined to let the operation through. */
  fault: ((operation: DiskOperation, path: string) => DiskErrorCode | undefined) | undefined
  /** Every operation in the order in which it was called, for tests that care about fsync order. */
  readonly operations: { readonly operation: DiskOperation; readonly path: string }[] = []
  readonly #directories = new Set<string>([''])
  readonly #files = new Map<string, MemoryInode>()

  async open(path: string, options: { readonly create?: boolean } = {}): Promise<DiskFile> {
    const name = this.enter('open', path)
    if (this.#directories.has(name)) throw new DiskError('EISDIR', 'open', path)
    this.#checkParent('open', name, path)
    let inode = this.#files.get(name)
    if (inode === undefined) {
      if (options.create !== true) throw new DiskError('ENOENT', 'open', path)
      inode = { bytes: Buffer.alloc(0), size: 0 }
      this.#files.set(name, inode)
    }
    return new MemoryFile(this, path, inode)
  }

  async list(directory: string): Promise<string[]> {
    const name = this.enter('list', directory)
    this.#checkDirectory('list', name, directory)
    const prefix = name === '' ? '' : `${name}/`
    return [...this.#directories, ...this.#files.keys()]
      .filter(entry => entry !== '' && entry.startsWith(prefix) && !entry.includes('/', prefix.length))
      .map(entry => entry.slice(prefix.length))
      .sort()
  }

  async makeDirectory(directory: string): Promise<void> {
    const name = this.enter('makeDirectory', directory)
    if (this.#files.has(name)) throw new DiskError('EEXIST', 'makeDirectory', directory)
    const ancestors = ancestorsOf(name)
    if (ancestors.some(ancestor => this.#files.has(ancestor))) {
      throw new DiskError('ENOTDIR', 'makeDirectory', directory)
    }
    for (const ancestor of ancestors) this.#directories.add(ancestor)
    this.#directories.add(name)
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.enter('rename', from)
    const target = normalize('rename', to)
    this.#checkParent('rename', target, to)
    const inode = this.#files.get(source)
    if (inode !== undefined) {
      if (this.#directories.has(target)) throw new DiskError('EISDIR', 'rename', to)
      this.#files.delete(source)
      this.#files.set(target, inode)
    } else if (this.#directories.has(source)) {
      this.#renameDirectory(source, target, to)
    } else {
      throw new DiskError('ENOENT', 'rename', from)
    }
  }

  async remove(path: string): Promise<void> {
    const name = this.enter('remove', path)
    if (name === '') throw new DiskError('EACCES', 'remove', path)
    this.#files.delete(name)
    this.#directories.delete(name)
    for (const below of [...this.#files.keys()]) if (below.startsWith(`${name}/`)) this.#files.delete(below)
    for (const below of [...this.#directories]) if (below.startsWith(`${name}/`)) this.#directories.delete(below)
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#checkDirectory('syncDirectory', this.enter('syncDirectory', directory), directory)
  }

  /** Notes an operation, lets the fault have its say, and gives the path's name in the tree. */
  enter(operation: DiskOperation, path: string): string {
    this.operations.push({ operation, path })
    const code = this.fault?.(operation, path)
    if (code !== undefined) throw new DiskError(code, operation, path)
    return normalize(operation, path)
  }

  #renameDirectory(source: string, target: string, to: string): void {
    if (this.#files.has(target)) throw new DiskError('ENOTDIR', 'rename', to)
    const occupied = [...this.#files.keys(), ...this.#directories].some(name => name.startsWith(`${target}/`))
    if (occupied) throw new DiskError('EEXIST', 'rename', to)
    const moved = (name: string) => target + name.slice(source.length)
    for (const name of [...this.#directories]) {
      if (name !== source && !name.startsWith(`${source}/`)) continue
      this.#directories.delete(name)
      this.#directories.add(moved(name))
    }
    for (const [name, inode] of [...this.#files]) {
      if (!name.startsWith(`${source}/`)) continue
      this.#files.delete(name)
      this.#files.set(moved(name), inode)
    }
  }

  #checkDirectory(operation: DiskOperation, name: string, path: string): void {
    if (this.#directories.has(name)) return
    throw new DiskError(this.#files.has(name) ? 'ENOTDIR' : 'ENOENT', operation, path)
  }

  #checkParent(operation: DiskOperation, name: string, path: string): void {
    this.#checkDirectory(operation, name.slice(0, Math.max(0, name.lastIndexOf('/'))), path)
  }
}

interface MemoryInode {
  bytes: Buffer
  size: number
}

class MemoryFile implements DiskFile {
  readonly path: string
  readonly #disk: MemoryDisk
  readonly #inode: MemoryInode
  #size: number
  #closed = false

  constructor(disk: MemoryDisk, path: string, inode: MemoryInode) {
    this.#disk = disk
    this.path = path
    this.#inode = inode
    this.#size = inode.size
  }

  get size(): number {
    return this.#size
  }

  async append(bytes: Buffer): Promise<void> {
    this.#enter('append')
    const inode = this.#inode
    const end = inode.size + bytes.length
    if (end > inode.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, inode.bytes.length * 2))
      inode.bytes.copy(grown, 0, 0, inode.size)
      inode.bytes = grown
    }
    bytes.copy(inode.bytes, inode.size)
    inode.size = end
    this.#size += bytes.length
  }

  async read(position: number, length: number): Promise<Buffer> {
    this.#enter('read')
    const end = Math.min(position + length, this.#inode.size)
    return Buffer.from(this.#inode.bytes.subarray(Math.min(position, end), end))
  }

  async truncate(size: number): Promise<void> {
    this.#enter('truncate')
    const inode = this.#inode
    if (size < inode.size) inode.size = size
    this.#size = inode.size
  }

  async sync(): Promise<void> {
    this.#enter('sync')
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#disk.enter('close', this.path)
  }

  #enter(operation: DiskOperation): void {
    if (this.#closed) throw new DiskError('EBADF', operation, this.path)
    this.#disk.enter(operation, this.path)
  }
}

/** The name in the tree, `''` for the root; refuses whatever would leave it. */
function normalize(operation: DiskOperation, path: string): string {
  if (path === '.' || path === '') return ''
  if (path.split('/').some(part => part === '' || part === '.' || part === '..')) {
    throw new DiskError('EACCES', operation, path)
  }
  return path
}

function ancestorsOf(name: string): string[] {
  const parts = name.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}
