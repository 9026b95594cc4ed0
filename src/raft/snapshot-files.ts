import { filenamePrefixFromOffset, joinPath } from '../log/log-file-utils.ts'
import type { DiskFile } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { OffsetAndEpoch } from './raft-client.ts'

const SUFFIX = '.checkpoint'
const PARTIAL_SUFFIX = '.checkpoint.part'
const EPOCH_DIGITS = 10
const NAME = /^(\d{20})-(\d{10})\.checkpoint$/

/** Kafka's order of snapshots: by epoch first. */
export function compareOffsetAndEpoch(a: OffsetAndEpoch, b: OffsetAndEpoch): number {
  return a.epoch === b.epoch ? a.offset - b.offset : a.epoch - b.epoch
}

/** A snapshot file that is being written beside the place where it will stand. */
export interface PartialSnapshot {
  readonly id: OffsetAndEpoch
  readonly sizeBytes: number
  append(bytes: Buffer): Promise<void>
  /** Makes it visible, whole and synced. */
  freeze(): Promise<void>
  /** Drops it unless it was frozen; idempotent. */
  discard(): Promise<void>
}

/** The snapshots in the metadata log's directory: `<offset>-<epoch>.checkpoint`, as Kafka's Snapshots names them. */
export class SnapshotFiles {
  readonly #runtime: Runtime
  readonly #directory: string
  /** Ascending. */
  #ids: OffsetAndEpoch[] = []

  constructor(runtime: Runtime, directory: string) {
    this.#runtime = runtime
    this.#directory = directory
  }

  get earliest(): OffsetAndEpoch | undefined {
    return this.#ids[0]
  }

  get latest(): OffsetAndEpoch | undefined {
    return this.#ids.at(-1)
  }

  /** The newest but one. */
  get previous(): OffsetAndEpoch | undefined {
    return this.#ids.at(-2)
  }

  has(id: OffsetAndEpoch): boolean {
    return this.#ids.some(held => compareOffsetAndEpoch(held, id) === 0)
  }

  /** Finds what is there and removes what was not finished. */
  async load(): Promise<void> {
    for (const name of await this.#runtime.disk.list(this.#directory)) {
      if (name.endsWith(PARTIAL_SUFFIX)) await this.#runtime.disk.remove(joinPath(this.#directory, name))
      const [, offset, epoch] = NAME.exec(name) ?? []
      if (offset !== undefined && epoch !== undefined) this.#ids.push({ offset: Number(offset), epoch: Number(epoch) })
    }
    this.#ids.sort(compareOffsetAndEpoch)
  }

  async open(id: OffsetAndEpoch): Promise<DiskFile> {
    return this.#runtime.disk.open(this.#path(id, SUFFIX))
  }

  async create(id: OffsetAndEpoch): Promise<PartialSnapshot> {
    const { disk } = this.#runtime
    const path = this.#path(id, PARTIAL_SUFFIX)
    const file = await disk.open(path, { create: true })
    if (file.size > 0) await file.truncate(0)
    let open = true
    const close = async (): Promise<void> => {
      open = false
      await file.close()
    }
    return {
      id,
      get sizeBytes() {
        return file.size
      },
      append: bytes => file.append(bytes),
      freeze: async () => {
        await file.sync()
        await close()
        await disk.rename(path, this.#path(id, SUFFIX))
        await disk.syncDirectory(this.#directory)
        this.#ids = [...this.#ids.filter(held => compareOffsetAndEpoch(held, id) !== 0), id].sort(compareOffsetAndEpoch)
      },
      discard: async () => {
        if (!open) return
        await close()
        await disk.remove(path)
      },
    }
  }

  /** Removes the snapshots that end before `offset`. Readers that have one open keep it. */
  async removeBefore(offset: number): Promise<void> {
    const removed = this.#ids.filter(held => held.offset < offset)
    if (removed.length === 0) return
    this.#ids = this.#ids.filter(held => held.offset >= offset)
    for (const held of removed) await this.#runtime.disk.remove(this.#path(held, SUFFIX))
    await this.#runtime.disk.syncDirectory(this.#directory)
  }

  #path({ offset, epoch }: OffsetAndEpoch, suffix: string): string {
    const name = `${filenamePrefixFromOffset(offset)}-${String(epoch).padStart(EPOCH_DIGITS, '0')}${suffix}`
    return joinPath(this.#directory, name)
  }
}
