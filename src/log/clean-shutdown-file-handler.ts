import type { Runtime } from '../runtime/runtime.ts'
import { readSmallFile, writeFileAtomically } from './atomic-file.ts'
import { joinPath, parentPath } from './log-file-utils.ts'

export const CLEAN_SHUTDOWN_FILE_NAME = '.kafka_cleanshutdown'

const MAX_FILE_BYTES = 4096

/** The marker that a broker leaves after everything was flushed: logs need no recovery (Kafka's CleanShutdownFileHandler). */
export class CleanShutdownFileHandler {
  readonly path: string
  readonly #runtime: Runtime

  constructor(runtime: Runtime, directory: string) {
    this.#runtime = runtime
    this.path = joinPath(directory, CLEAN_SHUTDOWN_FILE_NAME)
  }

  /** @param brokerEpoch the epoch under which the broker was last registered; -1 when it never was */
  write(brokerEpoch: number): Promise<void> {
    const text = JSON.stringify({ version: 0, brokerEpoch })
    return writeFileAtomically(this.#runtime.disk, this.path, Buffer.from(text, 'utf8'))
  }

  /** The broker epoch of the clean shutdown; undefined when the shutdown was not clean; -1 when the epoch is unreadable. */
  async read(): Promise<number | undefined> {
    const bytes = await readSmallFile(this.#runtime.disk, this.path, MAX_FILE_BYTES)
    if (bytes === undefined) return undefined
    const match = /"brokerEpoch"\s*:\s*(-?\d{1,16})/.exec(bytes.toString('utf8'))
    return match === null ? -1 : Number(match[1])
  }

  /** Removes the marker for good, so that even a power failure during the coming run counts as unclean. */
  async delete(): Promise<void> {
    await this.#runtime.disk.remove(this.path)
    await this.#runtime.disk.syncDirectory(parentPath(this.path))
  }
}
