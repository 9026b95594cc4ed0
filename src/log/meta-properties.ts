import type { Runtime } from '../runtime/runtime.ts'
import { readSmallFile, writeFileAtomically } from './atomic-file.ts'
import { CorruptCheckpointError } from './log-errors.ts'
import { joinPath } from './log-file-utils.ts'

export const META_PROPERTIES_NAME = 'meta.properties'

const MAX_FILE_BYTES = 4096

/** Who a log directory belongs to (`meta.properties`, version 1). Ids of cluster and directory in Kafka's 22 characters. */
export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: string
}

export function writeMetaProperties(runtime: Runtime, directory: string, properties: MetaProperties): Promise<void> {
  const text =
    `#\ncluster.id=${properties.clusterId}\ndirectory.id=${properties.directoryId}\n` +
    `node.id=${properties.nodeId}\nversion=1\n`
  return writeFileAtomically(runtime.disk, joinPath(directory, META_PROPERTIES_NAME), Buffer.from(text, 'utf8'))
}

/** Undefined when the directory was never formatted. Rejects with `CorruptCheckpointError` when the file is malformed. */
export async function readMetaProperties(runtime: Runtime, directory: string): Promise<MetaProperties | undefined> {
  const path = joinPath(directory, META_PROPERTIES_NAME)
  const bytes = await readSmallFile(runtime.disk, path, MAX_FILE_BYTES)
  if (bytes === undefined) return undefined
  const values = new Map<string, string>()
  for (const line of bytes.toString('utf8').split('\n')) {
    const separator = line.indexOf('=')
    if (!line.startsWith('#') && separator > 0)
      values.set(line.slice(0, separator).trim(), line.slice(separator + 1).trim())
  }
  const required = (key: string, pattern: RegExp, allowed: string): string => {
    const value = values.get(key)
    if (value === undefined || !pattern.test(value)) {
      throw new CorruptCheckpointError(path, `${key} is ${JSON.stringify(value)}, expected ${allowed}`)
    }
    return value
  }
  required('version', /^1$/, '1')
  return {
    clusterId: required('cluster.id', /^\S+$/, 'an id'),
    nodeId: Number(required('node.id', /^\d{1,10}$/, 'a whole number')),
    directoryId: required('directory.id', /^[A-Za-z0-9_-]{22}$/, 'an id of 22 characters'),
  }
}
