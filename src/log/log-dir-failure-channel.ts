/**
 * Where failed disk operations are reported (Kafka's LogDirFailureChannel). From the first failure on, the log directory
 * is offline: nothing may be appended to it, because nobody knows what the failed operation left behind.
 */
export class LogDirFailureChannel {
  readonly #offline = new Map<string, Error>()
  readonly #listeners: ((directory: string, cause: Error) => void)[] = []

  /** Called once for each directory that goes offline, before the failing operation returns. */
  onFailure(listener: (directory: string, cause: Error) => void): void {
    this.#listeners.push(listener)
  }

  hasOfflineLogDir(directory: string): boolean {
    return this.#offline.size > 0 && this.#offline.has(directory)
  }

  /** Takes a directory offline unless it is already. */
  maybeAddOfflineLogDir(directory: string, cause: Error): void {
    if (this.#offline.has(directory)) return
    this.#offline.set(directory, cause)
    for (const listener of this.#listeners) listener(directory, cause)
  }

  /** Offline directories and the first failure of each. */
  get offlineLogDirs(): ReadonlyMap<string, Error> {
    return this.#offline
  }
}
