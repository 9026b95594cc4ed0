import { type MetaProperties, readMetaProperties, writeMetaProperties } from '../log/meta-properties.ts'
import { randomUuid } from '../protocol/uuid.ts'
import type { Runtime } from '../runtime/runtime.ts'

export interface StorageFormatOptions {
  /** At least one. */
  readonly logDirs: readonly string[]
  readonly nodeId: number
  /** The cluster that the node is to join; by default the one that the directories say, or a new one. */
  readonly clusterId?: string
}

export interface FormattedStorage {
  readonly clusterId: string
  /** Id of each log directory, by its path. */
  readonly directoryIds: ReadonlyMap<string, string>
  /** Directories that were formatted just now. */
  readonly formatted: readonly string[]
}

/** A log directory belongs to another node or cluster. */
export class InconsistentStorageError extends Error {
  override readonly name = 'InconsistentStorageError'

  constructor(directory: string, what: string, found: string | number, expected: string | number) {
    super(`log directory ${directory} belongs to ${what} ${found}, this node has ${expected}`)
  }
}

/**
 * Makes the log directories and writes `meta.properties` where it is missing, as `kafka-storage format` does; checks it
 * where it stands. Rejects with InconsistentStorageError, CorruptCheckpointError, RangeError for a bad cluster id.
 */
export async function formatIfNeeded(runtime: Runtime, options: StorageFormatOptions): Promise<FormattedStorage> {
  const { logDirs, nodeId } = options
  if (options.clusterId !== undefined && !/^\S+$/.test(options.clusterId)) {
    throw new RangeError(`cluster id ${JSON.stringify(options.clusterId)} must not be empty or hold white space`)
  }
  const found = new Map<string, MetaProperties>()
  for (const directory of logDirs) {
    await runtime.disk.makeDirectory(directory)
    const properties = await readMetaProperties(runtime, directory)
    if (properties !== undefined) found.set(directory, properties)
  }
  const random = runtime.random.stream('storage format')
  const [first] = found.values()
  const clusterId = options.clusterId ?? first?.clusterId ?? randomUuid(random)
  const directoryIds = new Map<string, string>()
  for (const [directory, properties] of found) {
    if (properties.clusterId !== clusterId) {
      throw new InconsistentStorageError(directory, 'cluster', properties.clusterId, clusterId)
    }
    if (properties.nodeId !== nodeId) throw new InconsistentStorageError(directory, 'node', properties.nodeId, nodeId)
    const other = [...directoryIds].find(([, id]) => id === properties.directoryId)
    if (other !== undefined) {
      throw new InconsistentStorageError(directory, 'directory id', properties.directoryId, `it as id of ${other[0]}`)
    }
    directoryIds.set(directory, properties.directoryId)
  }
  const formatted = logDirs.filter(directory => !found.has(directory))
  for (const directory of formatted) {
    const directoryId = randomUuid(random)
    await writeMetaProperties(runtime, directory, { clusterId, nodeId, directoryId })
    directoryIds.set(directory, directoryId)
  }
  return { clusterId, directoryIds, formatted }
}
