import { Condition } from '../../runtime/condition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { UnifiedLog } from '../unified-log.ts'
import type { CleanerCheckpoints } from './cleaner-checkpoints.ts'
import { LogCleaningAbortedError } from './cleaner-errors.ts'
import { cleanableOffsets, type LogToClean, logToClean, maxCompactionDelay } from './log-to-clean.ts'

/**
 * What keeps a log from being cleaned: it is being cleaned (or searched for what retention lets go), that is to end, or it
 * was paused so many times.
 */
export type LogCleaningState =
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'paused'; readonly count: number }

const IN_PROGRESS: LogCleaningState = { kind: 'in-progress' }
const ABORTED: LogCleaningState = { kind: 'aborted' }
const PAUSED: LogCleaningState = { kind: 'paused', count: 1 }

/**
 * Which log is to be cleaned next, and which may not be touched (Kafka's LogCleanerManager). States change between two waits,
 * so they need no lock; who truncates or deletes a log waits until the cleaner has let go of it.
 */
export class LogCleanerManager {
  readonly #runtime: Runtime
  readonly #logs: ReadonlyMap<string, UnifiedLog>
  readonly #checkpoints: CleanerCheckpoints
  readonly #states = new Map<string, LogCleaningState>()
  readonly #pausedCleaning: Condition
  /** Logs that could not be read. */
  readonly #uncleanable = new Set<UnifiedLog>()
  #dirtiestLogCleanableRatio = 0
  #timeOfLastRunMs: number

  /** @param logs the logs of the broker by `partitionKey`, as they come and go */
  constructor(runtime: Runtime, logs: ReadonlyMap<string, UnifiedLog>, checkpoints: CleanerCheckpoints) {
    this.#runtime = runtime
    this.#logs = logs
    this.#checkpoints = checkpoints
    this.#pausedCleaning = new Condition(runtime, 'LogCleanerManager.abortAndPauseCleaning')
    this.#timeOfLastRunMs = runtime.clock.monotonicMs()
  }

  /** The largest share of dirty bytes in any log, when that was last looked at. */
  get dirtiestLogCleanableRatio(): number {
    return this.#dirtiestLogCleanableRatio
  }

  /** Milliseconds since it was last looked for a log to clean. */
  get timeSinceLastRunMs(): number {
    return this.#runtime.clock.monotonicMs() - this.#timeOfLastRunMs
  }

  /** Undefined: the log may be cleaned. */
  cleaningState(name: string): LogCleaningState | undefined {
    return this.#states.get(name)
  }

  /**
   * The log that needs cleaning most, in progress from now on: of those with enough dirty bytes, or that have waited too
   * long, the one with the largest share of dirty bytes. Undefined when none needs it.
   */
  async grabFilthiestCompactedLog(): Promise<{ filthiest: LogToClean; compactionDelayMs: number } | undefined> {
    const nowMs = this.#runtime.clock.wallMs()
    this.#timeOfLastRunMs = this.#runtime.clock.monotonicMs()
    this.#dirtiestLogCleanableRatio = 0
    const invalidCheckpoints: LogToClean[] = []
    let filthiest: LogToClean | undefined
    let compactionDelayMs = 0
    for (const log of this.#cleanableLogs()) {
      const offsets = cleanableOffsets(log, this.#checkpoints.get(log), nowMs)
      const delayMs = maxCompactionDelay(log, offsets.firstDirtyOffset, nowMs)
      compactionDelayMs = Math.max(compactionDelayMs, delayMs)
      const candidate = logToClean(log, offsets, delayMs > 0)
      if (offsets.forceUpdateCheckpoint) invalidCheckpoints.push(candidate)
      if (candidate.totalBytes === 0) continue
      this.#dirtiestLogCleanableRatio = Math.max(this.#dirtiestLogCleanableRatio, candidate.cleanableRatio)
      if (!isDue(candidate) || candidate.cleanableRatio <= (filthiest?.cleanableRatio ?? -1)) continue
      filthiest = candidate
    }
    if (filthiest !== undefined) this.#states.set(filthiest.log.name, IN_PROGRESS)
    for (const { log, firstDirtyOffset } of invalidCheckpoints) await this.#checkpoints.set(log, firstDirtyOffset)
    return filthiest && { filthiest, compactionDelayMs }
  }

  /** The cleaning of a log has ended: what is below `endOffset` is clean, unless the cleaning was aborted. */
  async doneCleaning(log: UnifiedLog, endOffset: number): Promise<void> {
    if (this.#states.get(log.name) === IN_PROGRESS) await this.#checkpoints.set(log, endOffset)
    this.#done(log.name)
  }

  /** All compacted logs at rest, in progress from now on: retention is looked after where the cleaner cannot be at work. */
  deletableLogs(): UnifiedLog[] {
    const deletable = this.#cleanableLogs()
    for (const { name } of deletable) this.#states.set(name, IN_PROGRESS)
    return deletable
  }

  /** Gives back what `deletableLogs` gave. */
  doneDeleting(logs: readonly UnifiedLog[]): void {
    for (const { name } of logs) this.#done(name)
  }

  /** Pauses logs that are not compacted, and returns them: retention works on them, their configuration may change. */
  pauseCleaningForNonCompactedPartitions(): UnifiedLog[] {
    const paused = [...this.#logs.values()].filter(log => !log.config.compact && !this.#states.has(log.name))
    for (const { name } of paused) this.#states.set(name, PAUSED)
    return paused
  }

  /** Ends the cleaning of a log that is in progress; resolves when it has ended. The next one may begin at once. */
  async abortCleaning(name: string): Promise<void> {
    await this.abortAndPauseCleaning(name)
    this.resumeCleaning(name)
  }

  /** Ends the cleaning of a log and lets none begin until `resumeCleaning`. Resolves when it has ended. */
  async abortAndPauseCleaning(name: string): Promise<void> {
    const before = this.#states.get(name)
    if (before === IN_PROGRESS) this.#states.set(name, ABORTED)
    // Whoever aborted it first has paused it once then.
    while (this.#states.get(name)?.kind === 'aborted') await this.#pausedCleaning.wait()
    if (before === IN_PROGRESS) return
    const state = this.#states.get(name)
    this.#states.set(name, { kind: 'paused', count: state?.kind === 'paused' ? state.count + 1 : 1 })
  }

  /** Takes one pause back. Throws Error for a log that is not paused. */
  resumeCleaning(name: string): void {
    const state = this.#states.get(name)
    if (state?.kind !== 'paused') throw new Error(`cleaning of ${name} cannot be resumed, it is not paused`)
    if (state.count === 1) this.#states.delete(name)
    else this.#states.set(name, { kind: 'paused', count: state.count - 1 })
  }

  /** Throws `LogCleaningAbortedError` when the cleaning of a log is to end. */
  checkCleaningAborted(name: string): void {
    if (this.#states.get(name)?.kind === 'aborted') throw new LogCleaningAbortedError(`cleaning of ${name} was aborted`)
  }

  /** The log is not cleaned any more: it could not be read. */
  markPartitionUncleanable(log: UnifiedLog): void {
    this.#uncleanable.add(log)
  }

  /** Logs that could not be read, as far as they are still there. */
  get uncleanablePartitions(): readonly UnifiedLog[] {
    return [...this.#uncleanable].filter(log => this.#logs.get(log.name) === log)
  }

  /** Bytes of these logs that cleaning would go over. */
  cleanableBytesOf(logs: readonly UnifiedLog[]): number {
    const nowMs = this.#runtime.clock.wallMs()
    return logs.reduce((bytes, log) => {
      const offsets = cleanableOffsets(log, this.#checkpoints.get(log), nowMs)
      return bytes + logToClean(log, offsets, false).cleanableBytes
    }, 0)
  }

  /** Forgets uncleanable logs that are gone. */
  maintainUncleanablePartitions(): void {
    for (const log of [...this.#uncleanable]) if (this.#logs.get(log.name) !== log) this.#uncleanable.delete(log)
  }

  #cleanableLogs(): UnifiedLog[] {
    return [...this.#logs.values()].filter(log => {
      return log.config.compact && !this.#states.has(log.name) && !this.#uncleanable.has(log)
    })
  }

  #done(name: string): void {
    const state = this.#states.get(name)
    if (state?.kind === 'in-progress') {
      this.#states.delete(name)
    } else if (state?.kind === 'aborted') {
      this.#states.set(name, PAUSED)
      this.#pausedCleaning.signalAll()
    } else {
      throw new Error(`work on ${name} has ended, but its state is ${state?.kind ?? 'none'}`)
    }
  }
}

function isDue({ log, needCompactionNow, cleanableBytes, cleanableRatio }: LogToClean): boolean {
  return (needCompactionNow && cleanableBytes > 0) || cleanableRatio > log.config.minCleanableDirtyRatio
}
