import { Mutex } from '../runtime/mutex.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { readSmallFile, writeFileAtomically } from './atomic-file.ts'
import { CorruptCheckpointError } from './log-errors.ts'

/** Turns one entry into one line of a checkpoint file and back. */
export interface CheckpointFormat<T> {
  /** Undefined when the line says nothing sensible. */
  parseLine(line: string): T | undefined
  formatLine(entry: T): string
}

const FORMAT_VERSION = 0
const MAX_FILE_BYTES = 64 * 1024 * 1024

/**
 * A small text file that is replaced as a whole (Kafka's CheckpointFile): a line with the version 0, a line with the
 * number of entries, then one line an entry.
 */
export class CheckpointFile<T> {
  readonly path: string
  readonly #runtime: Runtime
  readonly #format: CheckpointFormat<T>
  readonly #lock: Mutex

  constructor(runtime: Runtime, path: string, format: CheckpointFormat<T>) {
    this.#runtime = runtime
    this.path = path
    this.#format = format
    this.#lock = new Mutex(runtime, path)
  }

  /** Replaces the entries. They are on the platter, and the old ones gone, when it resolves. */
  write(entries: readonly T[]): Promise<void> {
    const lines = [
      String(FORMAT_VERSION),
      String(entries.length),
      ...entries.map(entry => this.#format.formatLine(entry)),
    ]
    const bytes = Buffer.from(`${lines.join('\n')}\n`, 'utf8')
    return this.#lock.runExclusive(() => writeFileAtomically(this.#runtime.disk, this.path, bytes))
  }

  /** The entries; none when there is no file yet. Rejects with `CorruptCheckpointError` when the file is malformed. */
  async read(): Promise<T[]> {
    const bytes = await this.#lock.runExclusive(() => readSmallFile(this.#runtime.disk, this.path, MAX_FILE_BYTES))
    return bytes === undefined ? [] : this.#parse(bytes.toString('utf8'))
  }

  #parse(text: string): T[] {
    const lines = text.split('\n')
    if (lines.at(-1) === '') lines.pop()
    const [version, count, ...body] = lines
    if (version !== String(FORMAT_VERSION)) {
      throw new CorruptCheckpointError(this.path, `its version is ${JSON.stringify(version)}, not ${FORMAT_VERSION}`)
    }
    if (count !== String(body.length)) {
      throw new CorruptCheckpointError(this.path, `it promises ${count} entries and holds ${body.length}`)
    }
    return body.map(line => {
      const entry = this.#format.parseLine(line)
      if (entry === undefined) throw new CorruptCheckpointError(this.path, `line ${JSON.stringify(line)} is malformed`)
      return entry
    })
  }
}
