import { DiskError } from '../runtime/disk.ts'
import { Mutex } from '../runtime/mutex.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { LogDirFailureChannel } from './log-dir-failure-channel.ts'
import { KafkaStorageError } from './log-errors.ts'

export interface LogGuardOptions {
  /** The partition, for messages. */
  readonly name: string
  readonly directory: string
  /** The log directory that holds it. */
  readonly parentDir: string
  readonly failureChannel: LogDirFailureChannel
  /** What is guarded. */
  readonly log: { readonly isClosed: boolean; checkOpen(): void }
}

/**
 * The lock of a log, and what a disk error in any of its operations means: the whole log directory goes offline before
 * anyone sees the error, and from then on every operation is refused.
 */
export class LogGuard {
  readonly #options: LogGuardOptions
  readonly #lock: Mutex

  constructor(runtime: Runtime, options: LogGuardOptions) {
    this.#options = options
    this.#lock = new Mutex(runtime, `log ${options.directory}`)
  }

  /** As `guarded`, alone among all that change the log. */
  locked<T>(what: string, body: () => Promise<T>): Promise<T> {
    return this.#lock.runExclusive(() => this.guarded(what, body))
  }

  /**
   * Refuses to begin on an offline directory or a closed log, and takes the directory offline when the disk fails; both are
   * a `KafkaStorageError`. @param what for messages: `append`
   */
  async guarded<T>(what: string, body: () => Promise<T>): Promise<T> {
    const { name, parentDir, failureChannel, log } = this.#options
    if (failureChannel.hasOfflineLogDir(parentDir)) {
      throw new KafkaStorageError(`cannot ${what} in ${name}: log directory ${parentDir} is offline`)
    }
    log.checkOpen()
    try {
      return await body()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      const closedMeanwhile = error.code === 'EBADF' && log.isClosed
      if (!closedMeanwhile) failureChannel.maybeAddOfflineLogDir(parentDir, error)
      throw new KafkaStorageError(`cannot ${what} in ${name}: ${error.message}`, { cause: error })
    }
  }
}
