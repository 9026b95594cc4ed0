import { type Disk, DiskError, type DiskFile } from '../../src/runtime/disk.ts'
import type { RandomStream } from '../../src/runtime/runtime.ts'
import { currentContext } from './context.ts'
import { Inode } from './inode.ts'
import type { SimulatedProcess } from './process.ts'
import type { World } from './world.ts'

export interface DiskOptions {
  /** Bytes it holds before writes fail with `ENOSPC`. Default unbounded. */
  readonly capacityBytes?: number
}

/** What a process asks of a disk to change it; `sync` is of a file or a directory. */
export const DISK_OPERATIONS = ['append', 'sync', 'truncate', 'rename', 'remove'] as const
export type DiskOperation = (typeof DISK_OPERATIONS)[number]

/** The file system commits names and truncations to its journal at this interval (ext4: `commit=5`), or with any sync. */
const JOURNAL_COMMIT_US = 5_000_000
/** A write that a kill interrupts stops between pages. */
const PAGE_BYTES = 4096

interface JournalEntry {
  readonly timeUs: number
  readonly undo: () => void
}

interface PendingAppend {
  readonly process: SimulatedProcess
  readonly inode: Inode
  readonly bytes: Buffer
}

/**
 * A host's disk: page cache and platter apart. A kill keeps the page cache; a power loss keeps what was synced, an
 * ordered prefix of the names changed and the truncations made since the last commit, and a seed-chosen part of the
 * unsynced bytes. That truncations are ordered so is what journaling file systems do (ext4, XFS), and what Kafka counts on:
 * it cuts a log without a sync, and syncs then what its leader-epoch checkpoint says of the records that come instead.
 */
export class SimulatedDisk {
  /** Multiplies how long everything takes. */
  slowness = 1
  /** While set, every write fails with `ENOSPC`. */
  full = false
  /** While set, every sync of a file fails with `EIO`, and what it should have written never reaches the platter. */
  failsSyncs = false
  /** Called when an operation on a file or directory begins, before any of it is done; a rename with its new name. */
  onOperation: ((operation: DiskOperation, path: string) => void) | undefined
  readonly #world: World
  readonly #random: RandomStream
  readonly #capacityBytes: number
  readonly #files = new Map<string, Inode>()
  readonly #directories = new Set<string>([''])
  readonly #pending = new Set<PendingAppend>()
  #journal: JournalEntry[] = []

  constructor(world: World, hostName: string, options: DiskOptions) {
    this.#world = world
    this.#random = world.random(`disk/${hostName}`)
    this.#capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  /** The disk as code in `process` sees it. */
  diskOf(process: SimulatedProcess): Disk {
    return {
      open: (path, options) => this.#open(process, path, options?.create ?? false),
      list: directory => this.#later(process, 15, () => this.list(directory)),
      makeDirectory: path => this.#later(process, 30, () => this.#makeDirectory(clean('makeDirectory', path))),
      rename: (from, to) => {
        this.onOperation?.('rename', to)
        return this.#later(process, 30, () => this.#rename(clean('rename', from), clean('rename', to)))
      },
      remove: path => {
        this.onOperation?.('remove', path)
        return this.#later(process, 30, () => this.#remove(clean('remove', path)))
      },
      syncDirectory: directory => this.#syncDirectory(process, directory),
    }
  }

  /** The dead process's writes that were under way end between pages. */
  forget(process: SimulatedProcess): void {
    for (const pending of this.#pending) {
      if (pending.process !== process) continue
      this.#pending.delete(pending)
      const pages = Math.floor(pending.bytes.length / PAGE_BYTES)
      const kept = this.#random.int(0, pages + 1) * PAGE_BYTES
      pending.inode.append(pending.bytes.subarray(0, Math.min(kept, pending.bytes.length)), this.#world.nowUs)
    }
  }

  powerLoss(): void {
    const { nowUs } = this.#world
    const fresh = this.#journal.filter(entry => nowUs - entry.timeUs < JOURNAL_COMMIT_US)
    const survive = this.#random.int(0, fresh.length)
    for (const entry of fresh.slice(survive).reverse()) entry.undo()
    this.#journal = []
    for (const inode of this.#files.values()) inode.losePower(nowUs, this.#random)
  }

  /** Names in a directory, sorted; for inspection from outside. */
  list(directory: string): string[] {
    const parent = clean('list', directory)
    this.#requireDirectory('list', parent)
    const prefix = parent === '' ? '' : `${parent}/`
    const names: string[] = []
    for (const path of [...this.#files.keys(), ...this.#directories]) {
      if (path !== '' && path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
        names.push(path.slice(prefix.length))
    }
    return names.sort()
  }

  /** A file's bytes now; undefined when there is none. For inspection from outside. */
  contents(path: string): Buffer | undefined {
    const inode = this.#files.get(clean('contents', path))
    return inode?.read(0, inode.size)
  }

  /** Paths of all files below a directory, sorted. */
  filesIn(directory: string): string[] {
    const prefix = `${clean('filesIn', directory)}/`
    return [...this.#files.keys()].filter(path => path.startsWith(prefix)).sort()
  }

  /** Takes everything below a directory away, as putting in a new disk does; nothing of it comes back. */
  wipe(directory: string): void {
    const root = clean('wipe', directory)
    for (const path of [...this.#files.keys()]) if (path.startsWith(`${root}/`)) this.#files.delete(path)
    for (const path of [...this.#directories]) if (path.startsWith(`${root}/`)) this.#directories.delete(path)
    this.#journal = []
  }

  /** Flips one bit of a file on the medium; what is read of it from now on is wrong. False when there is no such byte. */
  rot(path: string, position: number, bit: number): boolean {
    const inode = this.#files.get(clean('rot', path))
    if (inode === undefined || position >= inode.size) return false
    inode.flipBit(position, bit)
    return true
  }

  #requireDirectory(operation: string, directory: string): void {
    if (this.#directories.has(directory)) return
    throw new DiskError(this.#files.has(directory) ? 'ENOTDIR' : 'ENOENT', operation, directory)
  }

  async #open(process: SimulatedProcess, rawPath: string, create: boolean): Promise<DiskFile> {
    const path = clean('open', rawPath)
    const inode = await this.#later(process, 20, () => {
      if (this.#directories.has(path)) throw new DiskError('EISDIR', 'open', path)
      const existing = this.#files.get(path)
      if (existing !== undefined) return existing
      this.#requireDirectory('open', parentOf(path))
      if (!create) throw new DiskError('ENOENT', 'open', path)
      if (this.full) throw new DiskError('ENOSPC', 'open', path)
      const made = new Inode()
      this.#files.set(path, made)
      this.#record(() => this.#files.delete(path))
      return made
    })
    return new SimulatedFile(this, process, path, inode)
  }

  #makeDirectory(directory: string): void {
    if (this.#files.has(directory)) throw new DiskError('EEXIST', 'makeDirectory', directory)
    const parts = directory.split('/')
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth).join('/')
      if (this.#files.has(path)) throw new DiskError('ENOTDIR', 'makeDirectory', directory)
      if (this.#directories.has(path)) continue
      this.#directories.add(path)
      this.#record(() => this.#directories.delete(path))
    }
  }

  #rename(from: string, to: string): void {
    this.#requireDirectory('rename', parentOf(to))
    const inode = this.#files.get(from)
    if (inode !== undefined) {
      if (this.#directories.has(to)) throw new DiskError('EISDIR', 'rename', to)
      const replaced = this.#files.get(to)
      this.#files.delete(from)
      this.#files.set(to, inode)
      this.#record(() => {
        this.#files.set(from, inode)
        if (replaced === undefined) this.#files.delete(to)
        else this.#files.set(to, replaced)
      })
      return
    }
    if (!this.#directories.has(from)) throw new DiskError('ENOENT', 'rename', from)
    if (this.#files.has(to)) throw new DiskError('ENOTDIR', 'rename', to)
    if (to.startsWith(`${from}/`)) throw new DiskError('EIO', 'rename', to) // POSIX: EINVAL
    if (from === to) return
    const replaces = this.#directories.has(to)
    if (replaces && this.list(to).length > 0) throw new DiskError('EEXIST', 'rename', to)
    this.#moveTree(from, to)
    this.#record(() => {
      this.#moveTree(to, from)
      if (replaces) this.#directories.add(to)
    })
  }

  #moveTree(from: string, to: string): void {
    for (const path of [...this.#directories]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.#directories.delete(path)
      this.#directories.add(to + path.slice(from.length))
    }
    for (const [path, inode] of [...this.#files]) {
      if (!path.startsWith(`${from}/`)) continue
      this.#files.delete(path)
      this.#files.set(to + path.slice(from.length), inode)
    }
  }

  #remove(path: string): void {
    if (path === '') throw new DiskError('EACCES', 'remove', path)
    for (const [name, inode] of [...this.#files]) {
      if (name !== path && !name.startsWith(`${path}/`)) continue
      this.#files.delete(name)
      this.#record(() => this.#files.set(name, inode))
    }
    for (const name of [...this.#directories]) {
      if (name !== path && !name.startsWith(`${path}/`)) continue
      this.#directories.delete(name)
      this.#record(() => this.#directories.add(name))
    }
  }

  #syncDirectory(process: SimulatedProcess, directory: string): Promise<void> {
    this.onOperation?.('sync', directory)
    return this.#later(process, this.#syncUs(), () => {
      this.#requireDirectory('syncDirectory', clean('syncDirectory', directory))
      this.commitJournal()
    })
  }

  #record(undo: () => void): void {
    const { nowUs } = this.#world
    const oldest = this.#journal[0]
    if (oldest !== undefined && nowUs - oldest.timeUs >= JOURNAL_COMMIT_US) {
      this.#journal = this.#journal.filter(entry => nowUs - entry.timeUs < JOURNAL_COMMIT_US)
    }
    this.#journal.push({ timeUs: nowUs, undo })
  }

  commitJournal(): void {
    this.#journal = []
  }

  append(process: SimulatedProcess, path: string, inode: Inode, bytes: Buffer): Promise<void> {
    const pending: PendingAppend = { process, inode, bytes }
    this.#pending.add(pending)
    this.onOperation?.('append', path)
    return this.#later(process, 8 + bytes.length / 4096, () => {
      this.#pending.delete(pending)
      const room = this.full ? 0 : Math.max(0, this.#capacityBytes - this.#used())
      const fitting = room < bytes.length ? bytes.subarray(0, room) : bytes
      const { nowUs, trace } = this.#world
      trace.data(nowUs, process.mainLane.id, 'disk', fitting)
      inode.append(fitting, nowUs)
      if (fitting.length < bytes.length) throw new DiskError('ENOSPC', 'append', path)
    })
  }

  read(process: SimulatedProcess, inode: Inode, position: number, length: number): Promise<Buffer> {
    return this.#later(process, 6 + length / 8192, () => inode.read(position, length))
  }

  truncate(process: SimulatedProcess, path: string, inode: Inode, size: number): Promise<void> {
    this.onOperation?.('truncate', path)
    return this.#later(process, 20, () => {
      const undo = inode.truncate(size)
      if (undo !== undefined) this.#record(undo)
    })
  }

  sync(process: SimulatedProcess, path: string, inode: Inode): Promise<void> {
    const { size } = inode
    this.onOperation?.('sync', path)
    return this.#later(process, this.#syncUs(), () => {
      if (this.failsSyncs) {
        inode.failSync(size)
        throw new DiskError('EIO', 'sync', path)
      }
      inode.sync(size)
      this.commitJournal()
    })
  }

  #syncUs(): number {
    return this.#random.int(400, 3000)
  }

  #used(): number {
    if (this.#capacityBytes === Number.POSITIVE_INFINITY) return 0
    let total = 0
    for (const inode of this.#files.values()) total += inode.size
    return total
  }

  /** Does `work` when the disk has had its time, on the lane of the thread that asked. */
  #later<T>(process: SimulatedProcess, takesUs: number, work: () => T): Promise<T> {
    const context = currentContext()
    const lane = context?.process === process ? (context.thread?.lane ?? process.mainLane) : process.mainLane
    const atUs = this.#world.nowUs + Math.ceil(takesUs * this.slowness)
    return new Promise((resolve, reject) => {
      this.#world.at(atUs, lane, 'disk', () => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
    })
  }
}

class SimulatedFile implements DiskFile {
  readonly path: string
  readonly #disk: SimulatedDisk
  readonly #process: SimulatedProcess
  readonly #inode: Inode
  #open = true

  constructor(disk: SimulatedDisk, process: SimulatedProcess, path: string, inode: Inode) {
    this.#disk = disk
    this.#process = process
    this.path = path
    this.#inode = inode
  }

  get size(): number {
    return this.#inode.size
  }

  append(bytes: Buffer): Promise<void> {
    return this.#closed('append') ?? this.#disk.append(this.#process, this.path, this.#inode, bytes)
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#closed('read') ?? this.#disk.read(this.#process, this.#inode, position, length)
  }

  truncate(size: number): Promise<void> {
    return this.#closed('truncate') ?? this.#disk.truncate(this.#process, this.path, this.#inode, size)
  }

  sync(): Promise<void> {
    return this.#closed('sync') ?? this.#disk.sync(this.#process, this.path, this.#inode)
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #closed(operation: string): Promise<never> | undefined {
    return this.#open ? undefined : Promise.reject(new DiskError('EBADF', operation, this.path))
  }
}

/** The name in the tree, `''` for the root; refuses whatever could leave it. */
function clean(operation: string, path: string): string {
  if (path === '' || path === '.') return ''
  const parts = path.split('/')
  if (parts.some(part => part === '' || part === '.' || part === '..')) throw new DiskError('EACCES', operation, path)
  return path
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}
