import type { Runtime } from '../runtime/runtime.ts'
import { readSmallFile, writeFileAtomically } from './atomic-file.ts'
import { CorruptCheckpointError } from './log-errors.ts'
import { joinPath } from './log-file-utils.ts'

export const PARTITION_METADATA_FILE_NAME = 'partition.metadata'

const MAX_FILE_BYTES = 4096

/** `partition.metadata`: tells which topic id a partition's directory belongs to, so that a recreated topic is noticed. */
export class PartitionMetadataFile {
  readonly path: string
  readonly #runtime: Runtime

  constructor(runtime: Runtime, directory: string) {
    this.#runtime = runtime
    this.path = joinPath(directory, PARTITION_METADATA_FILE_NAME)
  }

  /** @param topicId Kafka's 22-character form */
  write(topicId: string): Promise<void> {
    const text = `version: 0\ntopic_id: ${topicId}`
    return writeFileAtomically(this.#runtime.disk, this.path, Buffer.from(text, 'utf8'))
  }

  /** The topic id; undefined when there is no file. Rejects with `CorruptCheckpointError` when it is malformed. */
  async read(): Promise<string | undefined> {
    const bytes = await readSmallFile(this.#runtime.disk, this.path, MAX_FILE_BYTES)
    if (bytes === undefined) return undefined
    const match = /^version: 0\ntopic_id: ([A-Za-z0-9_-]{22})\n?$/.exec(bytes.toString('utf8'))
    if (match?.[1] === undefined) {
      throw new CorruptCheckpointError(this.path, 'expected the lines "version: 0" and "topic_id: <22 characters>"')
    }
    return match[1]
  }
}
