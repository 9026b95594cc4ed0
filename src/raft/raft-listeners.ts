import { Condition } from '../runtime/condition.ts'
import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { LeaderAndEpoch, RaftBatch, RaftListener, RecordSerde, SnapshotReader } from './raft-client.ts'
import type { RaftCore } from './raft-core.ts'
import { RaftListenerContext, type RaftProgress } from './raft-listener-context.ts'
import { RecordsSnapshotReader } from './records-snapshot-reader.ts'

const READ_BYTES = 1024 * 1024

export interface RaftListenersOptions<T> {
  readonly nodeId: number
  readonly serde: RecordSerde<T>
  readonly onFault: (error: unknown) => void
}

/** Tells the listeners of the log what is committed and who leads, each in a thread of its own. */
export class RaftListeners<T> implements RaftProgress<T> {
  readonly nodeId: number
  readonly #runtime: Runtime
  readonly #options: RaftListenersOptions<T>
  readonly #news: Condition
  readonly #ended: Condition
  readonly #contexts = new Map<RaftListener<T>, RaftListenerContext<T>>()
  #core: RaftCore<T> | undefined
  /** `finishing`: nothing new will come; what is there is still told. */
  #state: 'new' | 'running' | 'finishing' | 'stopped' = 'new'
  #threads = 0

  constructor(runtime: Runtime, options: RaftListenersOptions<T>) {
    this.#runtime = runtime
    this.#options = options
    this.nodeId = options.nodeId
    this.#news = new Condition(runtime, 'raft commits')
    this.#ended = new Condition(runtime, 'raft listeners')
  }

  attach(core: RaftCore<T>): void {
    this.#core = core
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    for (const context of this.#contexts.values()) this.#startThread(context)
  }

  register(listener: RaftListener<T>): void {
    if (this.#contexts.has(listener)) return
    const context = new RaftListenerContext(listener)
    this.#contexts.set(listener, context)
    if (this.#state === 'running') this.#startThread(context)
  }

  unregister(listener: RaftListener<T>): void {
    const context = this.#contexts.get(listener)
    if (context === undefined) return
    context.closed = true
    this.#contexts.delete(listener)
    this.#news.signalAll()
  }

  wake(): void {
    this.#news.signalAll()
  }

  /** Lets the threads end when they have told everything. */
  finish(): void {
    if (this.#state === 'new' || this.#state === 'running') this.#state = 'finishing'
    this.#news.signalAll()
  }

  /** Lets the threads end at once. */
  stop(): void {
    this.#state = 'stopped'
    this.#news.signalAll()
  }

  /** Whether all threads have ended in time. */
  async awaitEnd(deadlineMs: number): Promise<boolean> {
    while (this.#threads > 0) {
      const leftMs = deadlineMs - this.#runtime.clock.monotonicMs()
      if (leftMs <= 0 || !(await this.#ended.wait(leftMs))) return this.#threads === 0
    }
    return true
  }

  get highWatermark(): number | undefined {
    return this.#core?.highWatermark
  }

  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#core?.leaderAndEpoch ?? { leaderId: undefined, epoch: 0 }
  }

  get epochStartOffset(): number | undefined {
    return this.#core?.leader?.epochStartOffset
  }

  get logStartOffset(): number {
    return this.#core?.log.startOffset ?? 0
  }

  get hasSnapshot(): boolean {
    return this.#core?.log.snapshots.latest !== undefined
  }

  readCommitted(offset: number): Promise<readonly RaftBatch<T>[]> | readonly RaftBatch<T>[] {
    const core = this.#core
    const highWatermark = core?.highWatermark
    if (core === undefined || highWatermark === undefined) return []
    const read = core.log.read(offset, READ_BYTES)
    const committed = (views: Awaited<typeof read>): RaftBatch<T>[] => {
      return views.filter(view => view.lastOffset < highWatermark).map(view => core.decoder.decode(view))
    }
    return read instanceof Promise ? read.then(committed) : committed(read)
  }

  async openSnapshot(): Promise<SnapshotReader<T>> {
    for (;;) {
      const id = this.#core?.log.snapshots.latest
      if (this.#core === undefined || id === undefined) throw new Error('there is no snapshot to be loaded')
      try {
        return await RecordsSnapshotReader.open(id, await this.#core.log.snapshots.open(id), this.#options.serde)
      } catch (error) {
        // A newer one may have replaced it in between.
        const replaced = error instanceof DiskError && error.code === 'ENOENT' && id !== this.#core.log.snapshots.latest
        if (!replaced) throw error
      }
    }
  }

  #startThread(context: RaftListenerContext<T>): void {
    this.#threads++
    this.#runtime.threads.start(`raft-listener-${context.listener.name}`, async () => {
      try {
        await this.#run(context)
      } catch (error) {
        this.#options.onFault(error)
      }
      this.#threads--
      this.#ended.signalAll()
    })
  }

  async #run(context: RaftListenerContext<T>): Promise<void> {
    while (!context.closed && this.#state !== 'stopped') {
      if (context.hasNews(this)) await context.deliver(this)
      else if (this.#state === 'finishing') break
      else await this.#news.wait()
    }
    if (!context.closed) context.listener.beginShutdown()
  }
}
